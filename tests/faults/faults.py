"""The faults: what may go wrong with a call to a provider, each with the family that says what follows from it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from functools import cache
from itertools import repeat
from urllib.parse import urlsplit

from tests.faults.door import Way
from tests.faults.layer import Play, Wire, answer

CANARY = "words-of-a-provider-that-no-customer-reads"
HTML = f"<!doctype html><html lang=en><h1>Bad Gateway</h1><script>{CANARY}</script></html>".encode()
A_GIGABYTE = 1024**3
A_PIECE = 256 * 1024
BOMB_SIZE = 256 * 1024**2
URL_FIELDS = ("authentication_url", "link_url", "url")


class Family(StrEnum):
    """What is known after a fault, which is what everything else follows from."""

    NOT_SENT = "nothing was sent"
    UNTRUSTED = "nobody to be trusted was there, so nothing was sent"
    NOT_NOW = "the provider asks to come back later"
    TOO_LONG = "the provider asks to come back long after anybody waits"
    LOST = "it may have been done or not"
    NONSENSE = "an answer that makes no sense"
    NO_SUCH_LINK = "an answer without a link to follow"
    REFUSED = "the provider says no"
    REVOKED_ONCE = "the access token was refused once"
    REVOKED = "the access token is refused for good"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. It strikes every call of its kind, or the first `times`.

    `wait`: the seconds that the provider asks for. `is_held`: the call ends at its deadline only. `is_done`: the
    provider has done what it was asked all the same.
    """

    name: str
    family: Family
    play: Play | None = None
    way: Way = Way.OPEN
    times: int | None = None
    wait: float = 0.0
    is_held: bool = False
    is_done: bool = False

    @property
    def needs_tls(self) -> bool:
        return self.family is Family.UNTRUSTED

    def __str__(self) -> str:
        return self.name


def said(status: int, body: bytes | None = None, **headers: str) -> Play:
    """Answers without doing anything."""
    words = body if body is not None else json.dumps({"detail": CANARY, "message": CANARY, "error": CANARY}).encode()
    return lambda wire: wire.send(answer(status, words, **headers))


def asked_back(status: int, ahead: float) -> Play:
    """Names the time of day from which on it may be called again."""

    def play(wire: Wire) -> None:
        at = (datetime.now(UTC) + timedelta(seconds=ahead)).replace(microsecond=0)
        said(status, retry_after=format_datetime(at, usegmt=True))(wire)

    return play


def sent_elsewhere(status: int) -> Play:
    return lambda wire: wire.send(answer(status, b"", location=wire.sink))


def silent(wire: Wire) -> None:
    wire.hold()


def silent_when_done(wire: Wire) -> None:
    wire.carry_out()
    wire.hold()


def drip(wire: Wire) -> None:
    """Done, and what is said of it comes at a byte a second."""
    status, _, rest = wire.carry_out().wire().partition(b"\r\n")
    wire.send(status + b"\r\n")
    wire.send_slowly((bytes([letter]) for letter in rest), 1.0)


def endless_headers(wire: Wire) -> None:
    wire.carry_out()
    wire.send(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    wire.send_slowly(repeat(b"x" * 64), 0.02)


def reset_at_once(wire: Wire) -> None:
    wire.carry_out()
    wire.reset()


def reset_mid_body(wire: Wire) -> None:
    raw = wire.carry_out().wire(content_length="100000")
    wire.send(raw[: len(raw) - 1])
    wire.reset()


def failed_when_done(wire: Wire) -> None:
    wire.carry_out()
    said(500)(wire)


def with_body(change: Callable[[bytes], bytes], **headers: str) -> Play:
    """The provider's own answer with another body."""

    def play(wire: Wire) -> None:
        answered = wire.carry_out()
        body = change(answered.body)
        wire.send(answer(200, body, **headers))

    return play


def a_gigabyte(wire: Wire) -> None:
    wire.carry_out()
    wire.send(answer(200, b"", content_length=str(A_GIGABYTE)))
    wire.send_slowly((b" " * A_PIECE for _ in range(A_GIGABYTE // A_PIECE)), 0)


def gzip_bomb(wire: Wire) -> None:
    wire.carry_out()
    wire.send(answer(200, bomb(), content_encoding="gzip"))


@cache
def bomb() -> bytes:
    """Little that becomes very much."""
    squeezed = zlib.compressobj(9, wbits=31)
    piece = b" " * (1024**2)
    return b"".join(squeezed.compress(piece) for _ in range(BOMB_SIZE // len(piece))) + squeezed.flush()


def deep(_body: bytes) -> bytes:
    return b"[" * 100_000 + b"]" * 100_000


def latin_1(_body: bytes) -> bytes:
    return f'{{"detail": "Wärmepumpe {CANARY}"}}'.encode("latin-1")


def with_link(link: Callable[[str], object]) -> Play:
    """The provider's own answer with another link in it; MISSING leaves the field out."""

    def play(wire: Wire) -> None:
        answered = wire.carry_out()
        told = json.loads(answered.body)
        told |= {name: link(url) for name, url in told.items() if name in URL_FIELDS}
        kept = {name: value for name, value in told.items() if value is not MISSING}
        wire.send(answer(answered.status, json.dumps(kept).encode()))

    return play


MISSING = object()


def elsewhere(url: str) -> str:
    return url.replace(urlsplit(url).netloc, "connect.elsewhere.example")


def with_userinfo(url: str) -> str:
    return url.replace("://", "://connect.podero.com@", 1)


def faults() -> Iterator[Fault]:
    """All of them, in families."""
    yield Fault("connection refused", Family.NOT_SENT, way=Way.REFUSED)
    yield Fault("connection not answered", Family.NOT_SENT, way=Way.JAMMED)
    yield Fault("name unknown", Family.NOT_SENT, way=Way.NAMELESS)
    for way in (Way.PLAIN_ANSWER, Way.SELF_SIGNED, Way.WRONG_HOST):
        yield Fault(f"TLS {way}", Family.UNTRUSTED, way=way)
    yield Fault("429 with seconds", Family.NOT_NOW, said(429, retry_after="1"), wait=1)
    yield Fault("429 with a date", Family.NOT_NOW, asked_back(429, 2), wait=0.9)
    yield Fault("429 without a time", Family.NOT_NOW, said(429), wait=0.9)
    yield Fault("429 for a day", Family.TOO_LONG, said(429, retry_after="86400"), wait=86400)
    yield Fault("503", Family.NOT_NOW, said(503))
    yield Fault("503 with seconds", Family.NOT_NOW, said(503, retry_after="1"), wait=1)
    yield Fault("silence", Family.LOST, silent, is_held=True)
    yield Fault("silence when done", Family.LOST, silent_when_done, is_held=True, is_done=True)
    yield Fault("a byte a second", Family.LOST, drip, is_held=True, is_done=True)
    yield Fault("endless headers", Family.LOST, endless_headers, is_held=True, is_done=True)
    yield Fault("reset at once", Family.LOST, reset_at_once, is_done=True)
    yield Fault("reset mid-body", Family.LOST, reset_mid_body, is_done=True)
    yield Fault("500", Family.LOST, said(500))
    yield Fault("500 when done", Family.LOST, failed_when_done, is_done=True)
    yield Fault("502 with HTML", Family.LOST, said(502, HTML, content_type="text/html"))
    yield Fault("504 without words", Family.LOST, said(504, b"", content_type=""))
    for status in (301, 302, 307, 308):
        yield Fault(f"{status} elsewhere", Family.NONSENSE, sent_elsewhere(status))
    yield Fault("empty 200", Family.NONSENSE, with_body(lambda _: b""), is_done=True)
    yield Fault("204", Family.NONSENSE, with_no_content, is_done=True)
    yield Fault("truncated JSON", Family.NONSENSE, with_body(lambda body: body.rstrip()[:-1]), is_done=True)
    yield Fault("HTML for JSON", Family.NONSENSE, with_body(lambda _: HTML, content_type="text/html"), is_done=True)
    yield Fault("a number for an object", Family.NONSENSE, with_body(lambda _: b"42"), is_done=True)
    yield Fault("byte order mark", Family.NONSENSE, with_body(lambda body: b"\xef\xbb\xbf" + body), is_done=True)
    yield Fault("latin-1", Family.NONSENSE, with_body(latin_1), is_done=True)
    yield Fault("deep nesting", Family.NONSENSE, with_body(deep), is_done=True)
    yield Fault("a gigabyte", Family.NONSENSE, a_gigabyte, is_done=True)
    yield Fault("gzip bomb", Family.NONSENSE, gzip_bomb, is_done=True)
    yield Fault("null link", Family.NO_SUCH_LINK, with_link(lambda _: None), is_done=True)
    yield Fault("missing link", Family.NO_SUCH_LINK, with_link(lambda _: MISSING), is_done=True)
    yield Fault("link to another host", Family.NO_SUCH_LINK, with_link(elsewhere), is_done=True)
    yield Fault("javascript link", Family.NO_SUCH_LINK, with_link(lambda _: "javascript:alert(1)"), is_done=True)
    yield Fault("link with userinfo", Family.NO_SUCH_LINK, with_link(with_userinfo), is_done=True)
    yield Fault("401 once", Family.REVOKED_ONCE, said(401), times=1)
    yield Fault("401 for ever", Family.REVOKED, said(401))
    for status in (403, 404, 409, 412):
        yield Fault(str(status), Family.REFUSED, said(status))


def with_no_content(wire: Wire) -> None:
    wire.carry_out()
    wire.send(answer(204, b"", content_type="", content_length=""))


ALL = tuple(faults())
