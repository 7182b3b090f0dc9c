"""The staff's issuer signs somebody out by itself: all of theirs ends here at once, and no other word does that."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import OctKey

from portal.domain.support import GRANT_LIFETIME, Agent, EndCause, Reason, Role, SupportGrant
from portal.identity.calls import IssuerError
from portal.identity.logout_token import EVENT, LogoutRefused
from portal.identity.oidc import Oidc
from portal.identity.staff import IDLE, Roles, StaffDoor
from portal.storage import access_events, agents, customers, support_grants
from portal.storage.database import Database
from tests.identity.conftest import migrate
from tests.identity.hostile_issuer import (
    CLIENT_ID,
    EC_KEY,
    FOREIGN_KEY,
    GOOD_KEY,
    STOLEN_NAME_KEY,
    HostileIssuer,
    signed,
)
from tests.identity.journey import config_for, now
from tests.storage.made import all_at_once, an_identity
from tests.support.databases import Backend, Databases

Claims = dict[str, Any]


@pytest.fixture
def database(databases: Databases, database_backend: Backend) -> Iterator[Database]:
    url = databases.prepared(database_backend, migrate)
    database = Database(url, seal_key=b"k" * 32)
    yield database
    database.close()
    databases.discard(url)


@dataclass(frozen=True)
class House:
    """Sam at work in two browsers and Lea in one, each looking at a customer."""

    issuer: HostileIssuer
    database: Database
    door: StaffDoor
    sam: Agent
    lea: Agent

    def claims(self, **changed: Any) -> Claims:
        """What an honest issuer says of Sam; None leaves a claim out."""
        moment = int(time.time())
        honest = {
            "iss": self.issuer.url,
            "aud": CLIENT_ID,
            "iat": moment,
            "exp": moment + 120,
            "jti": f"token-{time.monotonic_ns()}",
            "sub": "sam",
            "events": {EVENT: {}},
        }
        return {name: value for name, value in {**honest, **changed}.items() if value is not None}

    def tell(self, token: str) -> None:
        self.door.sign_out_for_issuer(token, now=now(), reference="ABCD-2345")

    def at_work(self, agent: Agent) -> bool:
        """Whether any browser or permission of this agent is still good; all of them are or none."""
        found = {self.door.agent(f"{agent.subject}-{number}", now=now()) is not None for number in (1, 2)}
        with self.database.read() as tx:
            grant = support_grants.get(tx, agent.id, f"grant-{agent.subject}")
        assert grant
        found.add(grant.is_open(now()))
        assert grant.is_open(now()) or grant.end_cause is EndCause.SIGNED_OUT
        (is_there,) = found
        return is_there


def logout(claims: Claims, **header: Any) -> str:
    """A logout token as an issuer writes it."""
    return signed(claims, **{"typ": "logout+jwt", **header})


@pytest.fixture
def house(hostile: HostileIssuer, database: Database) -> House:
    oidc = Oidc(config_for(hostile.url, CLIENT_ID, "a-secret"), database)
    with database.write() as tx:
        sam, lea = (at_work(tx, hostile.url, name) for name in ("sam", "lea"))
    return House(hostile, database, StaffDoor(oidc, Roles("roles", {}), database), sam, lea)


def at_work(tx: Any, issuer: str, name: str) -> Agent:
    agent = agents.signed_in(tx, issuer=issuer, subject=name, name=name, email=None, role=Role.AGENT, now=now())
    for number in (1, 2):
        agents.open_session(
            tx,
            agent.id,
            token=f"{name}-{number}",
            id_token="none",
            now=now(),
            expires_at=now() + IDLE,
            issuer_session=f"session-{name}-{number}",
        )
    customer = customers.signed_in(tx, an_identity(f"customer-of-{name}"), now=now())
    grant = SupportGrant(f"grant-{name}", agent.id, customer.id, Reason.OTHER, "T-1", now(), now() + GRANT_LIFETIME)
    support_grants.keep(tx, grant)
    return agent


GOOD: dict[str, Callable[[House], str]] = {
    "a person": lambda house: logout(house.claims()),
    "a session": lambda house: logout(house.claims(sub=None, sid="session-sam-2")),
    "both": lambda house: logout(house.claims(sid="session-sam-1")),
    "a person, and a session that is over": lambda house: logout(house.claims(sid="long-gone")),
    "no expiry": lambda house: logout(house.claims(exp=None)),
    "a list of us alone": lambda house: logout(house.claims(aud=[CLIENT_ID])),
    "another event beside": lambda house: logout(house.claims(events={EVENT: {}, "https://x.example/event": {}})),
    "an elliptic curve": lambda house: logout(house.claims(), key=EC_KEY, algorithm="ES256"),
    "the long name of its type": lambda house: logout(house.claims(), typ="application/logout+jwt"),
    "nearly too old": lambda house: logout(house.claims(iat=time.time() - 100)),
    "a clock that is a little ahead": lambda house: logout(house.claims(iat=time.time() + 30)),
}

BAD: dict[str, Callable[[House], str]] = {
    "no type": lambda house: logout(house.claims(), typ=None),
    "the type of any token": lambda house: logout(house.claims(), typ="JWT"),
    "the type of an access token": lambda house: logout(house.claims(), typ="at+jwt"),
    "another issuer": lambda house: logout(house.claims(iss="https://evil.example")),
    "no issuer": lambda house: logout(house.claims(iss=None)),
    "another client": lambda house: logout(house.claims(aud="device-portal")),
    "clients beside us": lambda house: logout(house.claims(aud=["device-portal", "another"])),
    "no client": lambda house: logout(house.claims(aud=None)),
    "no events": lambda house: logout(house.claims(events=None)),
    "another event": lambda house: logout(house.claims(events={"https://x.example/event": {}})),
    "events as a list": lambda house: logout(house.claims(events=[EVENT])),
    "an event that is no object": lambda house: logout(house.claims(events={EVENT: True})),
    "a nonce": lambda house: logout(house.claims(nonce="n")),
    "an empty nonce": lambda house: logout({**house.claims(), "nonce": None}),
    "no id": lambda house: logout(house.claims(jti=None)),
    "an empty id": lambda house: logout(house.claims(jti="")),
    "a number for an id": lambda house: logout(house.claims(jti=7)),
    "an id without end": lambda house: logout(house.claims(jti="x" * 256)),
    "no time": lambda house: logout(house.claims(iat=None)),
    "a word for a time": lambda house: logout(house.claims(iat="now")),
    "a time that is none": lambda house: logout(house.claims(iat=10**400)),
    "two minutes old": lambda house: logout(house.claims(iat=int(time.time()) - 122)),
    "from the future": lambda house: logout(house.claims(iat=int(time.time()) + 90)),
    "expired": lambda house: logout(house.claims(exp=int(time.time()) - 61)),
    "a word for its end": lambda house: logout(house.claims(exp="soon")),
    "not good yet": lambda house: logout(house.claims(nbf=int(time.time()) + 90)),
    "nobody": lambda house: logout(house.claims(sub=None)),
    "an empty name": lambda house: logout(house.claims(sub="")),
    "a list of names": lambda house: logout(house.claims(sub=["sam"])),
    "a number for a session": lambda house: logout(house.claims(sid=1)),
    "no signature": lambda house: unsigned(house.claims()),
    "a signature with our own secret": lambda house: logout(
        house.claims(), key=OctKey.import_key("a-secret-that-is-long-enough-for-it"), algorithm="HS256", kid=None
    ),
    "a foreign key": lambda house: logout(house.claims(), key=FOREIGN_KEY),
    "a foreign key with a good name": lambda house: logout(house.claims(), key=STOLEN_NAME_KEY),
    "a changed person": lambda house: changed(logout(house.claims(sub="lea")), house.claims()),
    "a header it must understand": lambda house: logout(house.claims(), crit=["b64"], b64=True),
    "no token": lambda _house: "",
    "half a token": lambda house: logout(house.claims()).rsplit(".", 1)[0],
    "a token without end": lambda house: logout(house.claims(pad="x" * 20_000)),
}  # fmt: skip


def part(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(claims: Claims) -> str:
    return f"{part({'alg': 'none', 'typ': 'logout+jwt'})}.{part(claims)}."


def changed(token: str, claims: Claims) -> str:
    """Another claims set under the same signature."""
    header, _, signature = token.split(".")
    return f"{header}.{part(claims)}.{signature}"


@pytest.mark.parametrize("name", GOOD)
def test_whom_the_issuer_signs_out_is_out_everywhere_at_once(house: House, name: str) -> None:
    assert house.at_work(house.sam)
    house.tell(GOOD[name](house))
    assert not house.at_work(house.sam)
    assert house.at_work(house.lea)
    with house.database.read() as tx:
        (event,) = access_events.page(tx, limit=9)
        assert access_events.verify(tx).fault is None
    assert (event.actor, event.action, event.outcome) == (house.sam.id, "sign_out", "by_issuer")


@pytest.mark.parametrize("name", BAD)
def test_any_other_word_ends_nothing(house: House, name: str) -> None:
    with pytest.raises(LogoutRefused):
        house.tell(BAD[name](house))
    assert house.at_work(house.sam)
    assert house.at_work(house.lea)
    with house.database.read() as tx:
        assert access_events.page(tx, limit=9) == ()


def test_the_same_word_counts_once_however_often_and_fast_it_comes(house: House) -> None:
    token = logout(house.claims())

    def tell(_: int) -> str:
        try:
            house.tell(token)
        except LogoutRefused as refusal:
            return str(refusal)
        return "taken"

    assert sorted(all_at_once(6, tell)) == ["taken"] + ["token_replayed"] * 5
    with house.database.write() as tx:
        at_work_again = agents.open_session(
            tx, house.sam.id, token="again", id_token="none", now=now(), expires_at=now() + IDLE
        )
    assert at_work_again
    assert tell(0) == "token_replayed"
    assert house.door.agent("again", now=now())


def test_a_used_word_is_remembered_for_as_long_as_it_would_be_taken(house: House) -> None:
    token = logout(house.claims(exp=None))
    moment = now()
    house.door.sign_out_for_issuer(token, now=moment, reference="r")
    for later in range(0, 130, 10):
        with pytest.raises(LogoutRefused):
            house.door.sign_out_for_issuer(token, now=moment + timedelta(seconds=later), reference="r")


@pytest.mark.parametrize("about", [{"sub": "nobody-we-know"}, {"sub": None, "sid": "no-session-of-ours"}])
def test_who_was_never_here_is_signed_out_already(house: House, about: Claims) -> None:
    house.tell(logout(house.claims(**about)))
    assert house.at_work(house.sam)
    assert house.at_work(house.lea)


def test_while_the_issuer_cannot_be_asked_for_its_keys_nothing_is_decided(house: House) -> None:
    house.issuer.raw["/.well-known/openid-configuration"] = (503, {}, b"")
    with pytest.raises(IssuerError):
        house.tell(logout(house.claims()))
    assert house.at_work(house.sam)


def test_an_id_token_signs_nobody_out_and_a_logout_token_nobody_in(house: House) -> None:
    moment = int(time.time())
    id_token = {"iss": house.issuer.url, "sub": "sam", "aud": CLIENT_ID, "iat": moment, "exp": moment + 300}
    for claims in (id_token, {**id_token, "nonce": "n"}, {**id_token, "nonce": "n", "jti": "x" * 22}):
        with pytest.raises(LogoutRefused):
            house.tell(signed(claims, GOOD_KEY))
    assert house.at_work(house.sam)
