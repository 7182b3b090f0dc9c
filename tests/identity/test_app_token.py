"""The retailer's signed token: one form of it lets its customer in, and every other one nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from joserfc import jws
from joserfc.jwk import Key

from portal.identity.app_token import TYPE, AppToken, TokenRefused, read_app_token
from tests.identity import backend
from tests.identity.backend import EDWARDS, FOREIGN, KEY, NOW, RSA, SAME_NAME, SECOND, claims, signed, token

Make = Callable[[], object]
KIND_OF_EDWARDS = {"alg": "Ed25519", "typ": TYPE, "kid": "edwards"}
EVENT: dict[str, object] = {"http://schemas.openid.net/event/backchannel-logout": {}}


def read(text: object, *, later: float = 0) -> AppToken:
    now = NOW + timedelta(seconds=later)
    return read_app_token(text, expected=backend.EXPECTED, keys=lambda _: backend.KNOWN, now=now)


def lives(seconds: int, **differing: int) -> Make:
    return lambda: token(exp=SECOND + seconds, **differing)


def says(**differing: object) -> Make:
    return lambda: token(**differing)


def headed(key: Key = KEY, **header: object) -> Make:
    return lambda: signed(claims(), key, **header)


def raw(body: bytes) -> Make:
    return lambda: jws.serialize_compact({"alg": "ES256", "typ": TYPE, "kid": "good"}, body, KEY)


OF_ANOTHER_KIND: dict[str, tuple[str, Make]] = {
    "an ID token": ("token_type", lambda: signed(claims(nonce="n"), typ="JWT")),
    "an ID token that says no type": ("token_type", lambda: signed(claims(nonce="n"), typ=None)),
    "an access token": ("token_type", headed(typ="at+jwt")),
    "a logout token": ("token_type", lambda: signed(claims(events=EVENT), typ="logout+jwt")),
    "an ID token in our clothes": ("token_type", says(nonce="n")),
    "an ID token with an empty nonce": ("token_type", says(nonce="")),
    "a logout token in our clothes": ("token_type", says(events=EVENT)),
    "no type": ("token_type", headed(typ=None)),
    "a type that is none": ("token_type", lambda: backend.with_header(typ=7)),
    "a type that begins like ours": ("token_type", headed(typ=f"{TYPE}x")),
    "another environment's": ("token_for_another_audience", says(aud="https://staging.nordvind.example")),
    "an audience that begins like ours": ("token_for_another_audience", says(aud=f"{backend.AUDIENCE}.evil.example")),
    "an audience with a slash more": ("token_for_another_audience", says(aud=f"{backend.AUDIENCE}/")),
    "us among other audiences": ("token_for_another_audience", says(aud=[backend.AUDIENCE, "other"])),
    "no audience": ("token_for_another_audience", says(aud=None)),
    "an empty list of audiences": ("token_for_another_audience", says(aud=[])),
    "an audience that is none": ("token_for_another_audience", says(aud={"is": backend.AUDIENCE})),
    "another issuer's": ("token_of_another_issuer", says(iss="another-app")),
    "another spelling of the issuer": ("token_of_another_issuer", says(iss="Nordvind-App")),
    "the OpenID issuer's": ("token_of_another_issuer", says(iss=backend.PEOPLE)),
    "no issuer": ("token_of_another_issuer", says(iss=None)),
    "an issuer that is a list": ("token_of_another_issuer", says(iss=[backend.ISSUER])),
}
NOT_SIGNED: dict[str, tuple[str, Make]] = {
    "not signed": ("token_algorithm", lambda: backend.written({"alg": "none", "typ": TYPE}, claims(), "")),
    "not signed, spelled otherwise": ("token_algorithm", lambda: backend.written({"alg": "None"}, claims(), "")),
    "our public key as the secret": ("token_algorithm", lambda: backend.signed_with_public_key(claims())),
    "RSA, though the key is known": ("token_algorithm", headed(RSA, alg="RS256")),
    "an algorithm that is a list": ("token_algorithm", lambda: backend.with_header(alg=["ES256"])),
    "an algorithm in small letters": ("token_algorithm", lambda: backend.with_header(alg="es256")),
    "no algorithm": ("token_forged", lambda: backend.written({"typ": TYPE, "kid": "good"}, claims())),
    "must understand what nobody does": ("token_algorithm", headed(b64=True, crit=["b64"])),
    "must understand nothing": ("token_algorithm", lambda: backend.with_header(crit=[])),
    "another key of the same name": ("token_forged", headed(SAME_NAME)),
    "a key nobody knows": ("token_key_unknown", headed(FOREIGN)),
    "no name of a key, which only one may have": ("token_key_unknown", headed(kid=None)),
    "a name that is a list": ("token_key_unknown", lambda: backend.with_header(kid=["good"])),
    "a key it brings along": ("token_forged", headed(FOREIGN, kid="good", jwk=FOREIGN.as_dict(private=False))),
    "a place to fetch keys from": ("token_forged", headed(FOREIGN, kid="good", jku="http://127.0.0.1:9/")),
    "a certificate to fetch": ("token_forged", headed(FOREIGN, kid="good", x5u="http://127.0.0.1:9/")),
    "a certificate it brings along": ("token_forged", headed(FOREIGN, kid="good", x5c=["MIIB"])),
    "the header exchanged": ("token_forged", lambda: backend.with_header(extra=1)),
    "unencoded": ("token_forged", lambda: backend.with_header(b64=False)),
    "half a signature": ("token_forged", lambda: token()[:-20]),
    "no signature": ("token_forged", lambda: token().rpartition(".")[0] + "."),
    "a signature of another kind": ("token_forged", lambda: backend.written(KIND_OF_EDWARDS, claims())),
    "nothing": ("token_missing", lambda: ""),
    "no text": ("token_missing", lambda: None),
    "encrypted": ("token_missing", lambda: "a.b.c.d.e"),
    "not ASCII": ("token_forged", lambda: "å.ä.ö"),
    "half a pair of letters": ("token_forged", lambda: "\ud800.a.b"),
    "dots": ("token_forged", lambda: ".."),
    "huge": ("token_missing", says(name="a" * 20_000)),
    "a header without bottom": ("token_forged", lambda: backend.written(b"[" * 9_000, claims())),
    "claims without bottom": ("token_forged", raw(b'{"a":' * 1_600)),
    "claims that are a list": ("token_forged", raw(b"[]")),
    "claims that are no JSON": ("token_forged", raw(b"\xff")),
    "no claims": ("token_forged", raw(b"")),
}
WITHOUT: dict[str, tuple[str, Make]] = {
    "no subject": ("token_without_subject", says(sub=None)),
    "an empty subject": ("token_without_subject", says(sub="")),
    "a subject that is a number": ("token_without_subject", says(sub=7)),
    "a subject without end": ("token_without_subject", says(sub="a" * 256)),
    "a subject with a line break": ("token_without_subject", says(sub="anna\nmallory")),
    "a subject with NUL": ("token_without_subject", says(sub="anna\0")),
    "a subject written backwards": ("token_without_subject", says(sub="anna\u202e")),
    "half a pair of letters for a subject": ("token_without_subject", raw(json.dumps(claims(sub="\ud800")).encode())),
    "no id": ("token_without_id", says(jti=None)),
    "a short id": ("token_without_id", says(jti="a" * 21)),
    "a long id": ("token_without_id", says(jti="a" * 129)),
    "an id of other letters": ("token_without_id", says(jti="a" * 30 + "\n")),
    "an id that is a number": ("token_without_id", says(jti=10**30)),
    "an app nobody registered": ("token_with_unknown_app_link", says(app_link_id="evil")),
    "an address for an app": ("token_with_unknown_app_link", says(app_link_id="https://evil.example")),
    "an app that is a list": ("token_with_unknown_app_link", says(app_link_id=["main"])),
    "no app, where there are two": ("token_with_unknown_app_link", says(app_link_id=None)),
}
NOT_A_TIME: tuple[object, ...] = (None, True, str(SECOND), [SECOND], {}, float("nan"), float("inf"), -float("inf"))
TIMES: dict[str, tuple[str, Make]] = {
    **{
        f"{name} is {odd}": ("token_without_times", says(**{name: odd}))
        for name in ("exp", "iat")
        for odd in NOT_A_TIME
    },
    **{f"nbf is {odd}": ("token_without_times", says(nbf=odd)) for odd in NOT_A_TIME[1:]},
    **{f"{name} has no end": ("token_without_times", says(**{name: 10**400})) for name in ("exp", "iat", "nbf")},
    "61 seconds": ("token_lives_too_long", lives(61)),
    "60.5 seconds": ("token_lives_too_long", says(exp=SECOND + 60.5)),
    "a year": ("token_lives_too_long", lives(31_536_000)),
    "no time at all": ("token_lives_too_long", lives(0)),
    "over before it began": ("token_lives_too_long", lives(-1)),
    "31 seconds ahead": ("token_from_the_future", lives(60, iat=SECOND + 31)),
    "not before 31 seconds": ("token_from_the_future", lives(60, nbf=SECOND + 31)),
    "over 30 seconds ago": ("token_expired", lives(-30, iat=SECOND - 60)),
    "over a day ago": ("token_expired", lives(-86_400, iat=SECOND - 86_460)),
}
REFUSED = {**OF_ANOTHER_KIND, **NOT_SIGNED, **WITHOUT, **TIMES}


@pytest.mark.parametrize("name", REFUSED)
def test_whatever_is_not_the_one_token_is_refused_and_the_log_learns_why(name: str) -> None:
    word, made = REFUSED[name]
    with pytest.raises(TokenRefused) as refusal:
        read(made())
    assert str(refusal.value) == word


@pytest.mark.parametrize("key", backend.MISFITS, ids=lambda key: str(key.kid))
@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
def test_a_key_of_another_make_proves_nothing(key: Key, algorithm: str) -> None:
    header = {"alg": algorithm, "typ": TYPE, "kid": key.kid}
    for signature in ("AAAA", "A" * 86, ""):
        with pytest.raises(TokenRefused, match=r"^token_(forged|key_unknown)$"):
            read(backend.written(header, claims(), signature))


def test_the_good_token_says_who_comes_and_where_to() -> None:
    read_token = read(token(name="Anna Lindqvist", email="anna@example.com", locale="sv-SE", target="connect"))
    assert (read_token.issuer, read_token.app_link, read_token.target) == (backend.ISSUER, "main", "connect")
    person = read_token.identity
    assert (person.issuer, person.subject, person.locale) == (backend.PEOPLE, "anna", "sv-SE")
    assert (person.name, person.email) == ("Anna Lindqvist", "anna@example.com")


GOOD: dict[str, tuple[Make, float]] = {
    "60 seconds": (lives(60), 0),
    "one second": (lives(1), 0),
    "in its last second": (lives(60), 59),
    "when it is over by our clock": (lives(60), 61),
    "in the last moment of a slow clock": (lives(60), 89.9),
    "30 seconds ahead": (lives(60, iat=SECOND + 30), 0),
    "not before 30 seconds": (lives(60, nbf=SECOND + 30), 0),
    "not before long ago": (lives(60, nbf=0), 0),
    "times with fractions": (says(iat=SECOND + 0.25, exp=SECOND + 60.25), 0),
    "the audience in a list": (says(aud=[backend.AUDIENCE]), 0),
    "the type in capitals": (headed(typ=TYPE.upper()), 0),
    "an id of just enough letters": (says(jti="a" * 22), 0),
    "signed on another curve": (headed(EDWARDS, alg="Ed25519"), 0),
    "keys in the header beside the known one": (
        headed(jku="http://127.0.0.1:9/", jwk=FOREIGN.as_dict(private=False)),
        0,
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_token_may_differ_in_form_and_be_as_old_as_clocks_differ(name: str) -> None:
    made, later = GOOD[name]
    assert read(made(), later=later).identity.subject == "anna"


@pytest.mark.parametrize("later", [90, 91, 3600])
def test_a_token_is_over_when_its_minute_and_the_difference_of_clocks_are(later: float) -> None:
    with pytest.raises(TokenRefused, match=r"^token_expired$"):
        read(token(), later=later)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_the_older_name_of_the_other_curve_is_understood() -> None:
    assert read(signed(claims(), EDWARDS, alg="EdDSA")).identity.subject == "anna"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "a b", "a\n", "", 7, ["devices"], "a" * 201]
)
def test_a_page_that_is_no_name_is_as_good_as_none(target: object) -> None:
    assert read(token(target=target)).target is None


def test_claims_that_make_no_sense_are_as_good_as_none() -> None:
    person = read(token(name=["<b>"], email="no address", locale="../../etc", given_name="Anna\u202e\x00")).identity
    assert (person.name, person.email, person.locale) == ("Anna", None, None)
