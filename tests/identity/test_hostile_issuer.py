"""An issuer, or somebody in its place, that lies: nobody is signed in by it."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from portal.identity.issuer import Issuer, IssuerError
from portal.identity.oidc import Completed, Oidc, SignInFailed
from portal.storage.database import Database
from tests.identity.hostile_issuer import (
    CLIENT_ID,
    EC_KEY,
    FOREIGN_KEY,
    GOOD_KEY,
    STOLEN_NAME_KEY,
    HostileIssuer,
    retouched,
    saying_twice,
    signed,
    signed_with_public_key,
    unsigned,
)
from tests.identity.journey import BROWSER, config_for, now

Lie = Callable[[HostileIssuer], None]


def attempt(
    issuer: HostileIssuer,
    database: Database,
    answer: dict[str, str] | None = None,
    *,
    confirms: bool = False,
    **changed: Any,
) -> Completed:
    """A sign-in there and back; `changed` are fields of the configuration."""
    config = replace(config_for(issuer.url, CLIENT_ID, "a-secret"), **changed)
    oidc = Oidc(config, database)
    url = oidc.begin(browser=BROWSER, target="devices", language="sv", now=now(), confirms=confirms)
    return oidc.complete(args={**issuer.approve(url), **(answer or {})}, browser=BROWSER, now=now())


def claims(**changed: Any) -> Lie:
    return lambda issuer: setattr(issuer, "claims", lambda honest: {**honest, **changed})


def without(claim: str) -> Lie:
    return lambda issuer: setattr(
        issuer, "claims", lambda honest: {name: value for name, value in honest.items() if name != claim}
    )


def sign(how: Callable[[dict[str, Any]], str]) -> Lie:
    return lambda issuer: setattr(issuer, "sign", how)


def token(**changed: Any) -> Lie:
    return lambda issuer: setattr(issuer, "token", lambda answer: {**answer, **changed})


def token_is(answer: Any) -> Lie:
    return lambda issuer: setattr(issuer, "token", lambda _: answer)


def discovery(**changed: Any) -> Lie:
    return lambda issuer: issuer.discovery.update(changed)


def userinfo(value: Any, status: int = 200) -> Lie:
    def lie(issuer: HostileIssuer) -> None:
        issuer.userinfo, issuer.userinfo_status = value, status

    return lie


def raw(path: str, status: int, body: bytes = b"", **headers: str) -> Lie:
    return lambda issuer: issuer.raw.update({path: (status, headers, body)})


def with_key_in_header(honest: dict[str, Any]) -> str:
    return signed(honest, FOREIGN_KEY, kid="good", jwk=FOREIGN_KEY.as_dict(private=False))


def half_signed(honest: dict[str, Any]) -> str:
    return signed(honest)[:-20] + "A" * 20


LATER, EARLIER = int(time.time()) + 3600, int(time.time()) - 3600
DEEP = b'{"id_token":' + b"[" * 100_000

LIES: dict[str, Lie] = {
    "another issuer": claims(iss="https://elsewhere.example"),
    "no issuer": without("iss"),
    "another audience": claims(aud="other"),
    "another audience, azp is us": claims(aud="other", azp=CLIENT_ID),
    "us among other audiences": claims(aud=[CLIENT_ID, "other"]),
    "no audience": without("aud"),
    "an audience that only contains us": claims(aud=f"{CLIENT_ID}-2"),
    "another authorised party": claims(azp="other"),
    "another nonce": claims(nonce="made-up"),
    "no nonce": without("nonce"),
    "a nonce that is no text": claims(nonce=["x"]),
    "expired": claims(exp=EARLIER),
    "no expiry": without("exp"),
    "expiry in words": claims(exp=str(LATER)),
    "expiry without end": claims(exp=float("inf")),
    "expiry that is true": claims(exp=True),
    "issued in the future": claims(iat=LATER),
    "no time of issue": without("iat"),
    "not valid yet": claims(nbf=LATER),
    "no subject": without("sub"),
    "an empty subject": claims(sub=""),
    "a subject that is no text": claims(sub=7),
    "a subject without end": claims(sub="a" * 300),
    "a subject with a line break": claims(sub="anna\nmallory"),
    "another access token": claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "a logout token": claims(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
    "not signed": sign(unsigned),
    "not signed, spelled otherwise": sign(lambda honest: unsigned(honest, "None")),
    "signed with the public key": sign(signed_with_public_key),
    "signed with an unknown key": sign(lambda honest: signed(honest, FOREIGN_KEY)),
    "signed with a key of the same name": sign(lambda honest: signed(honest, STOLEN_NAME_KEY)),
    "signed with a key it brings along": sign(with_key_in_header),
    "names a place to fetch keys from": sign(lambda honest: signed(honest, FOREIGN_KEY, jku="http://127.0.0.1:9/")),
    "a subject that stands there twice": sign(lambda honest: saying_twice(honest, "sub", "mallory")),
    "the same twice": sign(lambda honest: saying_twice(honest, "sub", "anna")),
    "claims exchanged after signing": sign(lambda honest: retouched(signed(honest))),
    "half a signature": sign(half_signed),
    "an algorithm off the list": sign(lambda honest: signed(honest, algorithm="RS384")),
    "an access token in its place": sign(lambda honest: signed(honest, typ="at+jwt")),
    "must understand what nobody does": sign(lambda honest: signed(honest, b64=True, crit=["b64"])),
    "encrypted": sign(lambda _: "a.b.c.d.e"),
    "garbage": sign(lambda _: "garbage"),
    "not ASCII": sign(lambda _: "å.ä.ö"),
    "no ID token": token(id_token=None),
    "an ID token that is no text": token(id_token={"sub": "anna"}),
    "an ID token without end": token(id_token="a." * 20_000),
    "an access token with a line break": token(access_token="a\r\nX-Evil: 1"),
    "a token of another kind": token(token_type="mac"),
    "a list for a token": token_is([]),
    "an error for a token": raw("/token", 400, b'{"error":"invalid_grant"}'),
    "a token that leads elsewhere": raw("/token", 307, Location="http://127.0.0.1:9/token"),
    "a web page for a token": raw("/token", 200, b"<html>"),
    "a token without bottom": raw("/token", 200, DEEP),
    "a token without end": raw("/token", 200, b" " * 400_000 + b"{}"),
    "userinfo of somebody else": userinfo({"sub": "mallory", "email": "anna@example.com"}),
    "userinfo of nobody": userinfo({"email": "anna@example.com"}),
    "userinfo that fails": userinfo({"sub": "anna"}, 500),
    "userinfo that is a list": userinfo([1]),
    "keys that are a list": raw("/jwks", 200, b"[]"),
    "no keys": raw("/jwks", 200, b'{"keys": "none"}'),
    "only a shared key": raw("/jwks", 200, b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "good"}]}'),
    "discovery of another issuer": discovery(issuer="https://elsewhere.example"),
    "discovery with another spelling": lambda issuer: issuer.discovery.update(issuer=issuer.url + "/"),
    "discovery without a token endpoint": discovery(token_endpoint=None),
    "discovery with a plain http endpoint": discovery(token_endpoint="http://elsewhere.example/token"),
    "discovery with a script for an endpoint": discovery(authorization_endpoint="javascript:alert(1)"),
    "discovery with a disguised endpoint": discovery(token_endpoint="https://good@elsewhere.example/token"),
    "discovery that leads elsewhere": raw("/.well-known/openid-configuration", 302, Location="http://127.0.0.1:9/"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_signs_nobody_in(name: str, hostile: HostileIssuer, database: Database) -> None:
    LIES[name](hostile)
    with pytest.raises(SignInFailed) as failed:
        attempt(hostile, database)
    assert str(failed.value).isidentifier()
    assert failed.value.__cause__ is None


def test_the_same_issuer_without_a_lie_signs_in(hostile: HostileIssuer, database: Database) -> None:
    completed = attempt(hostile, database)
    assert (completed.identity.issuer, completed.identity.subject) == (hostile.url, "anna")
    assert completed.identity.email == "anna@example.com"


@pytest.mark.parametrize(
    "variant",
    [
        claims(aud=[CLIENT_ID]),
        claims(azp=CLIENT_ID),
        without("at_hash"),
        sign(lambda honest: signed({**honest, "at_hash": honest["at_hash"]}, EC_KEY, "ES256")),
        sign(lambda honest: signed(honest, typ=None)),
        sign(lambda honest: signed(honest, typ="jwt")),
        discovery(userinfo_endpoint=None),
        discovery(id_token_signing_alg_values_supported=None),
        discovery(token_endpoint_auth_methods_supported=["client_secret_post"]),
        lambda issuer: setattr(issuer, "keys", [GOOD_KEY]),
    ],
)
def test_an_honest_issuer_may_differ_in_form(variant: Lie, hostile: HostileIssuer, database: Database) -> None:
    variant(hostile)
    assert attempt(hostile, database).identity.subject == "anna"


@pytest.mark.parametrize("answer", [{"iss": "https://elsewhere.example"}, {"error": "x"}, {"state": "x"}])
def test_a_forged_answer_never_reaches_the_issuer(
    answer: dict[str, str], hostile: HostileIssuer, database: Database
) -> None:
    with pytest.raises(SignInFailed):
        attempt(hostile, database, answer)
    assert "/token" not in hostile.calls


def test_claims_that_make_no_sense_are_as_good_as_none(hostile: HostileIssuer, database: Database) -> None:
    hostile.userinfo = {
        "sub": "anna",
        "email": "not an address",
        "name": "Anna\u202e\x00 Lindqvist",
        "locale": "../../etc",
        "price_zone": ["SE_3"],
    }
    identity = attempt(hostile, database).identity
    assert (identity.email, identity.locale, identity.price_zone) == (None, None, None)
    assert identity.name == "Anna Lindqvist"


def test_an_address_the_issuer_has_not_verified_is_not_used(hostile: HostileIssuer, database: Database) -> None:
    hostile.userinfo = {"sub": "anna", "email": "anna@example.com", "email_verified": False, "given_name": "Anna"}
    identity = attempt(hostile, database).identity
    assert (identity.email, identity.name) == (None, "Anna")


def test_a_slow_issuer_is_given_up(hostile: HostileIssuer, database: Database) -> None:
    hostile.delay = 10.0
    began = time.monotonic()
    with pytest.raises(SignInFailed, match=r"^issuer_unreachable$"):
        attempt(hostile, database, timeout=0.3)
    assert time.monotonic() - began < 5


def named(issuer: Issuer, *, insist: bool = False) -> set[str | None]:
    return {key.kid for key in issuer.keys(insist=insist)}


class Ticks:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_new_key_is_found_and_unknown_names_do_not_hammer_the_issuer(hostile: HostileIssuer) -> None:
    ticks = Ticks()
    issuer = Issuer(hostile.url, timeout=20.0, ca_bundle=None, ticks=ticks)
    assert named(issuer) == {"good", "curve"}
    hostile.keys.append(FOREIGN_KEY)
    for _ in range(1000):
        issuer.keys(insist=True)
    assert hostile.calls.count("/jwks") == 1
    ticks.now += 61
    for _ in range(1000):
        assert "foreign" in named(issuer, insist=True)
    assert hostile.calls.count("/jwks") == 2


def test_a_withdrawn_key_is_refused_within_ten_minutes(hostile: HostileIssuer) -> None:
    ticks = Ticks()
    issuer = Issuer(hostile.url, timeout=20.0, ca_bundle=None, ticks=ticks)
    issuer.keys()
    hostile.keys.remove(GOOD_KEY)
    ticks.now += 601
    assert named(issuer) == {"curve"}


def test_an_outage_of_the_issuer_is_bridged_for_a_day_and_not_hammered(hostile: HostileIssuer) -> None:
    ticks = Ticks()
    issuer = Issuer(hostile.url, timeout=20.0, ca_bundle=None, ticks=ticks)
    metadata = issuer.metadata()
    hostile.down = True
    ticks.now += 3600
    for _ in range(100):
        assert issuer.metadata() == metadata
    ticks.now += 86_400
    for _ in range(100):
        with pytest.raises(IssuerError, match=r"^issuer_unreachable$"):
            issuer.metadata()
    hostile.down = False
    ticks.now += 6
    assert issuer.metadata() == metadata


def test_fifty_customers_at_once_read_the_discovery_once(hostile: HostileIssuer) -> None:
    issuer = Issuer(hostile.url, timeout=20.0, ca_bundle=None)
    start = threading.Barrier(50)
    found = []

    def ask() -> None:
        start.wait()
        found.append(issuer.metadata())

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 50
    assert hostile.calls == ["/.well-known/openid-configuration"]


def test_a_secret_never_stands_in_the_error(hostile: HostileIssuer, database: Database) -> None:
    canary = base64.urlsafe_b64encode(b"canary").decode()
    hostile.raw["/token"] = (400, {}, json.dumps({"error": canary, "error_description": canary}).encode())
    with pytest.raises(SignInFailed) as failed:
        attempt(hostile, database, {"code": canary})
    assert canary not in repr(failed.value)
