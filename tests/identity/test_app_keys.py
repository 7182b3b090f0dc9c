"""The keys of the retailer's backend: rotated without a failure, withdrawn in minutes, read from whoever answers."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, Key

from portal.identity.app_keys import AppKeys
from portal.identity.app_token import TYPE, TokenRefused, read_app_token
from portal.identity.calls import IssuerError
from tests.identity import backend
from tests.identity.backend import EDWARDS, FOREIGN, KEY, NOW, claims, key_set, signed
from tests.providers.scripted import Answering, Received, Scripted, reply

TEN_MINUTES, A_MINUTE, A_DAY = 600, 60, 86_400


class Ticks:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Published:
    """The backend's keys where the portal finds them; `answering` may be replaced by whatever lies."""

    server: Scripted
    ticks: Ticks
    keys: AppKeys

    def holds(self, *keys: Key) -> None:
        body = key_set(*keys).encode()
        self.server.answering = lambda _: reply(200, body)

    @property
    def fetches(self) -> int:
        return len(self.server.received)

    def lets_in(self, text: str) -> bool:
        try:
            read_app_token(text, expected=backend.EXPECTED, keys=self.keys.keys, now=NOW)
        except TokenRefused:
            return False
        return True

    def after(self, seconds: float) -> None:
        self.ticks.now += seconds


def gone(_: Received) -> bytes:
    """Hangs up without a word."""
    return b""


@contextmanager
def publishing(*, timeout: float) -> Iterator[Published]:
    ticks = Ticks()
    with Scripted(gone) as server:
        found = AppKeys(jwks_url=f"{server.url}/jwks", jwks_file=None, timeout=timeout, ca_bundle=None, ticks=ticks)
        published = Published(server, ticks, found)
        published.holds(KEY)
        yield published


@pytest.fixture
def published() -> Iterator[Published]:
    with publishing(timeout=20) as published:
        yield published


@pytest.fixture
def impatient() -> Iterator[Published]:
    """Read by a portal that waits half a second."""
    with publishing(timeout=0.5) as published:
        yield published


def by(key: Key, **header: str) -> str:
    return signed(claims(), key, **header)


def test_a_rotation_with_both_keys_in_the_set_for_a_while_refuses_nobody(published: Published) -> None:
    assert published.lets_in(by(KEY))
    published.holds(KEY, FOREIGN)
    for _ in range(20):
        published.after(A_MINUTE)
        assert published.lets_in(by(KEY))
        assert published.lets_in(by(FOREIGN))
    published.holds(FOREIGN)
    for _ in range(20):
        published.after(A_MINUTE)
        assert published.lets_in(by(FOREIGN))
    assert not published.lets_in(by(KEY))


def test_a_new_key_is_found_by_the_first_token_that_it_signs(published: Published) -> None:
    assert published.lets_in(by(KEY))
    published.holds(FOREIGN, KEY)
    published.after(A_MINUTE)
    assert published.lets_in(by(FOREIGN))


def test_a_key_taken_out_of_the_set_is_refused_within_ten_minutes(published: Published) -> None:
    assert published.lets_in(by(KEY))
    published.holds(FOREIGN)
    published.after(TEN_MINUTES)
    assert not published.lets_in(by(KEY))


def test_a_key_taken_out_of_the_file_is_refused_within_ten_minutes(tmp_path: Path) -> None:
    ticks, file = Ticks(), tmp_path / "jwks.json"
    found = AppKeys(jwks_url=None, jwks_file=file, timeout=1.0, ca_bundle=None, ticks=ticks)
    file.write_text(key_set(KEY, FOREIGN), encoding="utf-8")
    assert {key.kid for key in found.keys(insist=False)} == {"good", "foreign"}
    file.write_text(key_set(FOREIGN), encoding="utf-8")
    ticks.now += TEN_MINUTES
    assert {key.kid for key in found.keys(insist=False)} == {"foreign"}


@pytest.mark.parametrize("text", [None, "", "[]", "{", "<html>"])
def test_a_file_that_cannot_be_read_leaves_the_last_good_keys_for_a_day(tmp_path: Path, text: str | None) -> None:
    ticks, file = Ticks(), tmp_path / "jwks.json"
    found = AppKeys(jwks_url=None, jwks_file=file, timeout=1.0, ca_bundle=None, ticks=ticks)
    file.write_text(key_set(KEY), encoding="utf-8")
    found.keys(insist=False)
    file.unlink() if text is None else file.write_text(text, encoding="utf-8")
    ticks.now += TEN_MINUTES
    assert [key.kid for key in found.keys(insist=False)] == ["good"]
    ticks.now += A_DAY
    with pytest.raises(IssuerError):
        found.keys(insist=False)


def test_ten_thousand_tokens_of_made_up_keys_fetch_the_set_twice_at_most(published: Published) -> None:
    assert published.lets_in(by(KEY))
    published.after(A_MINUTE)
    for number in range(10_000):
        header = {"alg": "ES256", "typ": TYPE, "kid": f"made up {number}"}
        assert not published.lets_in(backend.written(header, {}))
    assert published.fetches <= 2
    assert published.lets_in(by(KEY))


def test_while_the_set_cannot_be_fetched_the_last_good_one_serves_for_a_day(published: Published) -> None:
    assert published.lets_in(by(KEY))
    published.server.answering = gone
    published.after(A_DAY - 1)
    assert published.lets_in(by(KEY))
    published.after(1)
    assert not_there(published)
    published.holds(KEY)
    published.after(TEN_MINUTES)
    assert published.lets_in(by(KEY))


def not_there(published: Published) -> bool:
    """Whether there are no keys to be had, for a reason of our own words."""
    with pytest.raises(IssuerError, match=r"^(issuer_unreachable|answer_too_long|answer_not_json|answer_status_\d+)$"):
        published.keys.keys()
    return True


def letters(text: bytes) -> tuple[bytes, ...]:
    return tuple(text[number : number + 1] for number in range(len(text)))


def flood(_: Received) -> Iterator[bytes]:
    """A gigabyte, to whoever takes it."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n"
    for _turn in range(16_384):
        yield b" " * 65_536


BOMB = gzip.compress(b" " * 50_000_000)
GOOD = key_set(KEY).encode()
HEAD = f"HTTP/1.1 200 OK\r\nContent-Length: {len(GOOD)}\r\n\r\n".encode()

LIES: dict[str, Answering] = {
    "a web page": lambda _: reply(200, b"<html>", content_type="text/html"),
    "a list": lambda _: reply(200, b"[]"),
    "without bottom": lambda _: reply(200, b'{"keys":' + b"[" * 100_000),
    "empty": lambda _: reply(200),
    "half of it": lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "an error": lambda _: reply(500, b'{"keys": []}'),
    "not HTTP": lambda _: b"\x15\x03\x01\r\n\r\n",
    "nothing": gone,
    "a gigabyte": flood,
    "packed to burst": lambda _: reply(200, BOMB, content_encoding="gzip"),
}


@pytest.mark.parametrize("lie", LIES)
def test_whatever_answers_in_place_of_the_set_brings_no_key_and_no_crash(published: Published, lie: str) -> None:
    published.server.answering = LIES[lie]
    assert not_there(published)
    published.holds(KEY)
    published.after(TEN_MINUTES)
    assert published.lets_in(by(KEY))


DRIPS = {
    "a body": (HEAD, *letters(GOOD)),
    "headers": (b"HTTP/1.1 200 OK\r\n", *[b"X-More: y\r\n"] * 60, HEAD[17:] + GOOD),
    "a status line": (b"HTTP/1.1 200 ", *[b"O"] * 60, HEAD[15:] + GOOD),
}


@pytest.mark.parametrize("what", DRIPS)
def test_an_answer_that_is_never_silent_for_long_is_not_waited_for_to_its_end(impatient: Published, what: str) -> None:
    sent = []

    def drip(_: Received) -> Iterator[bytes]:
        for piece in DRIPS[what]:
            sent.append(piece)
            yield piece
            time.sleep(0.05)

    impatient.server.answering = drip
    assert not_there(impatient)
    assert len(sent) < len(DRIPS[what])


def leads_to(url: str, status: int) -> Answering:
    return lambda _: reply(status, location=url)


def test_a_redirect_is_not_followed(published: Published) -> None:
    with Scripted(lambda _: reply(200, key_set(FOREIGN).encode())) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            published.server.answering = leads_to(elsewhere.url, status)
            published.after(TEN_MINUTES)
            assert not_there(published)
        assert elsewhere.received == []


ODD_KEYS: dict[str, object] = {
    "a shared secret": {"kty": "oct", "k": "c2VjcmV0", "kid": "good"},
    "for secrets": {**KEY.as_dict(private=False), "use": "enc"},
    "not on its curve": {**KEY.as_dict(private=False), "x": "AAAA"},
    "on a curve nobody has": {**KEY.as_dict(private=False), "crv": "P-999"},
    "without its numbers": {"kty": "EC", "kid": "good"},
    "no object": ["good"],
    "of another kind": {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "good"},
    "a number": 7,
}


@pytest.mark.parametrize("odd", ODD_KEYS)
def test_a_key_that_cannot_be_one_is_passed_over_and_the_others_count(published: Published, odd: str) -> None:
    known = [ODD_KEYS[odd], EDWARDS.as_dict(private=False)]
    published.server.answering = lambda _: reply(200, {"keys": known})
    assert published.lets_in(by(EDWARDS, alg="Ed25519"))
    assert not published.lets_in(by(KEY))


def test_a_private_key_published_by_mistake_is_used_as_the_public_one(published: Published) -> None:
    published.server.answering = lambda _: reply(200, {"keys": [KEY.as_dict(private=True)]})
    (key,) = published.keys.keys()
    assert isinstance(key, ECKey)
    assert not key.is_private


@pytest.mark.parametrize("body", [{"keys": []}, {"keys": "none"}, {}])
def test_an_empty_set_lets_nobody_in(published: Published, body: object) -> None:
    assert published.lets_in(by(KEY))
    published.server.answering = lambda _: reply(200, json.dumps(body).encode())
    published.after(TEN_MINUTES)
    assert not published.lets_in(by(KEY))


def test_the_set_is_asked_for_without_cookies_or_credentials(published: Published) -> None:
    published.keys.keys()
    (asked,) = published.server.received
    assert (asked.method, asked.path, asked.body) == ("GET", "/jwks", b"")
    assert not {"cookie", "authorization"} & set(asked.headers)
