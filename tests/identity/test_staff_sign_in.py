"""Support staff sign in at a real issuer, in a role or not at all; what they were allowed ends when that does."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import select, text
from structlog.testing import CapturingLogger

from portal.domain.support import GRANT_LIFETIME, EndCause, Reason, Role, SupportGrant
from portal.identity import staff
from portal.identity.oidc import Oidc, SignInFailed
from portal.identity.staff import IDLE, LONGEST, Roles, StaffDoor
from portal.sandbox.customers import SAMPLE_AGENTS
from portal.sandbox.program import RunningSandbox
from portal.storage import access_events, customers, logout_tokens, support_grants, tables
from portal.storage.database import Database, DatabaseFault
from tests.identity.conftest import migrate
from tests.identity.journey import PORTAL, config_for, now, walk
from tests.storage.made import an_identity
from tests.support.databases import Backend, Databases

ROLES = Roles("roles", {role.value: role for role in Role})
HERE = "the-browser-of-sam"


@pytest.fixture
def database(databases: Databases, database_backend: Backend) -> Iterator[Database]:
    url = databases.prepared(database_backend, migrate)
    database = Database(url, seal_key=b"k" * 32)
    yield database
    database.close()
    databases.discard(url)


@pytest.fixture
def oidc(sandbox: RunningSandbox, database: Database) -> Oidc:
    config = sandbox.config
    given = config_for(config.issuer, config.staff_client_id, config.staff_client_secret)
    return Oidc(replace(given, redirect_uri=f"{PORTAL}/support/sign-in/callback"), database)


@pytest.fixture
def door(oidc: Oidc, database: Database) -> StaffDoor:
    return StaffDoor(oidc, ROLES, database)


def come_in(door: StaffDoor, name: str, at: datetime | None = None) -> str:
    """Signs in with a browser of its own."""
    with requests.Session() as browser:
        browser.trust_env = False
        url = door.oidc.begin(browser=HERE, target="support", language="en", now=now())
        response = browser.get(url, timeout=10)
        form = {"username": name, "password": "demo"}
        response = browser.post(response.url, data=form, allow_redirects=False, timeout=10)
        back = urlsplit(response.headers["Location"])
    assert back.path == "/support/sign-in/callback"
    args = {key: values[0] for key, values in parse_qs(back.query).items()}
    return door.complete(args=args, browser=HERE, now=at or now(), reference="ABCD-2345")


def permit(database: Database, agent_id: str) -> None:
    with database.write() as tx:
        anna = customers.signed_in(tx, an_identity("anna"), now=now())
        made = SupportGrant("a-grant", agent_id, anna.id, Reason.OTHER, "T-1", now(), now() + GRANT_LIFETIME)
        support_grants.keep(tx, made)


def end_of(database: Database, agent_id: str) -> EndCause | None:
    with database.read() as tx:
        grant = support_grants.get(tx, agent_id, "a-grant")
    assert grant
    return grant.end_cause


def as_issuer_says(monkeypatch: pytest.MonkeyPatch, name: str, **claims: object) -> None:
    """From now on the issuer says something else of this agent; None leaves a claim out."""
    original = type(SAMPLE_AGENTS[name]).userinfo

    def told(agent: Any) -> dict[str, object]:
        changed = {**original(agent), **(claims if agent.username == name else {})}
        return {claim: value for claim, value in changed.items() if value is not None}

    monkeypatch.setattr(type(SAMPLE_AGENTS[name]), "userinfo", told)


@pytest.mark.parametrize(("name", "role"), [("sam", Role.AGENT), ("lea", Role.LEAD), ("otto", Role.AUDITOR)])
def test_staff_come_in_with_the_role_they_have(door: StaffDoor, name: str, role: Role) -> None:
    agent = door.agent(come_in(door, name), now=now())
    assert agent
    assert (agent.role, agent.email) == (role, f"{name}@retailer.example")


@pytest.mark.parametrize("name", ["nora", "anna"])
def test_neither_staff_without_a_role_nor_a_customer_comes_in(door: StaffDoor, name: str) -> None:
    with pytest.raises(SignInFailed, match="staff_role"):
        come_in(door, name)


@pytest.mark.parametrize(
    ("told", "role"),
    [
        ("lead", Role.LEAD),
        (["agent", "lead"], Role.LEAD),
        (["auditor", "agent"], Role.AGENT),
        (["nothing", 7, None, {}], None),
        ("lead agent", Role.LEAD),
        ("agent,auditor", Role.AGENT),
        ({"lead": True}, Role.LEAD),
        ({"auditor": {"295": "retailer.example"}}, Role.AUDITOR),
        ({"lead": False, "agent": {}}, None),
        ("leader", None),
        ([], None),
        (True, None),
    ],
)
def test_a_role_is_a_word_or_one_of_several(told: object, role: Role | None) -> None:
    if role is None:
        with pytest.raises(SignInFailed, match="staff_role"):
            ROLES.of({"roles": told})
    else:
        assert ROLES.of({"roles": told}) is role


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        ({}, "no such claim in the ID token or userinfo"),
        ({"_claim_names": {"roles": "src1"}}, "left out of the token: assign fewer groups, or application roles"),
        ({"hasgroups": True}, "left out of the token: assign fewer groups, or application roles"),
        ({"roles": ["sales", "everybody"]}, "2 values, none of them in PORTAL_STAFF_OIDC__ROLES"),
    ],
)
def test_the_log_says_why_nobody_gets_a_role_and_no_value(
    monkeypatch: pytest.MonkeyPatch, claims: Mapping[str, Any], found: str
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(staff, "log", log)
    with pytest.raises(SignInFailed, match="staff_role"):
        ROLES.of(claims)
    assert log.calls == [("warning", ("staff_role_unknown",), {"claim": "roles", "found": found})]


@pytest.mark.parametrize(
    ("name", "claims", "role"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["offline", "lead"]}}, Role.LEAD),
        ("realm_access.roles", {"realm_access": {"roles": "auditor"}}, Role.AUDITOR),
        ("a.b.c", {"a": {"b": {"c": ["agent"]}}}, Role.AGENT),
        ("https://retailer.example/roles", {"https://retailer.example/roles": ["agent"]}, Role.AGENT),
        ("realm_access.roles", {"realm_access.roles": ["agent"], "realm_access": {"roles": ["lead"]}}, Role.AGENT),
        ("realm_access.roles", {"realm_access": {}}, None),
        ("realm_access.roles", {"realm_access": ["lead"]}, None),
        ("realm_access.roles", {"realm_access": "roles"}, None),
        ("realm_access.roles", {"realm_access": {"roles": {"lead": True}}}, Role.LEAD),
        ("resource_access.my.portal.roles", {"resource_access": {"my.portal": {"roles": ["lead"]}}}, Role.LEAD),
        ("urn:zitadel:iam:roles", {"urn:zitadel:iam:roles": {"agent": {"295": "retailer.example"}}}, Role.AGENT),
        ("realm_access.roles", {"roles": ["lead"]}, None),
        ("realm_access.roles.", {"realm_access": {"roles": ["lead"]}}, None),
        ("roles", {}, None),
    ],
)
def test_a_role_may_stand_deeper_in_the_claims(name: str, claims: Mapping[str, Any], role: Role | None) -> None:
    roles = replace(ROLES, claim=name)
    if role is None:
        with pytest.raises(SignInFailed, match="staff_role"):
            roles.of(claims)
    else:
        assert roles.of(claims) is role


@pytest.mark.parametrize(
    ("claims", "comes_in"),
    [({"acr": "mfa"}, True), ({"acr": "password"}, False), ({}, False), ({"acr": ["mfa"]}, False)],
)
def test_where_a_way_of_signing_in_is_asked_for_no_other_is_enough(
    claims: Mapping[str, Any], *, comes_in: bool
) -> None:
    roles = replace(ROLES, acr=("mfa", "hardware"))
    if comes_in:
        assert roles.of({"roles": "agent", **claims}) is Role.AGENT
        return
    with pytest.raises(SignInFailed, match="staff_acr"):
        roles.of({"roles": "agent", **claims})


def test_the_way_of_signing_in_is_asked_for_and_looked_at(
    oidc: Oidc, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    oidc = Oidc(replace(oidc._config, acr_values=("mfa",)), database)
    door = StaffDoor(oidc, replace(ROLES, acr=("mfa",)), database)
    assert "acr_values=mfa" in oidc.begin(browser=HERE, target="support", language="en", now=now())
    assert come_in(door, "sam")
    as_issuer_says(monkeypatch, "sam", acr=None)
    with pytest.raises(SignInFailed, match="staff_acr"):
        come_in(door, "sam")


def test_what_the_proof_of_this_sign_in_says_counts_and_not_what_is_said_beside_it(
    oidc: Oidc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How somebody signed in stands in the ID token; userinfo may know of another time."""
    monkeypatch.setattr(Oidc, "_userinfo", lambda *_: {"roles": ["lead"], "acr": "mfa", "auth_time": 1})
    from_token = {"sub": "staff-sam", "acr": "password", "auth_time": 2}
    told = oidc._told(from_token, oidc._issuer.metadata(), "access")
    assert (told["acr"], told["auth_time"], told["roles"]) == ("password", 2, ["lead"])


def test_a_session_is_over_after_half_an_hour_of_nothing_and_after_ten_hours_of_work(door: StaffDoor) -> None:
    began = now()
    idle = come_in(door, "sam", began)
    assert door.agent(idle, now=began + IDLE - timedelta(seconds=1))
    assert door.agent(idle, now=began + 2 * IDLE - timedelta(seconds=2))
    assert door.agent(idle, now=began + 3 * IDLE) is None
    busy, at = come_in(door, "sam", began), began
    while (at := at + timedelta(minutes=29)) < began + LONGEST:
        assert door.agent(busy, now=at)
    assert door.agent(busy, now=began + LONGEST) is None


def test_a_lost_role_ends_every_session_and_permission(
    door: StaffDoor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = come_in(door, "sam"), come_in(door, "sam")
    agent = door.agent(first, now=now())
    assert agent
    permit(database, agent.id)
    as_issuer_says(monkeypatch, "sam", roles=[])
    with pytest.raises(SignInFailed):
        come_in(door, "sam")
    assert door.agent(first, now=now()) is door.agent(second, now=now()) is None
    assert end_of(database, agent.id) is EndCause.ROLE_LOST


def test_an_agent_who_becomes_an_auditor_keeps_no_permission(
    door: StaffDoor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = door.agent(come_in(door, "sam"), now=now())
    assert agent
    permit(database, agent.id)
    as_issuer_says(monkeypatch, "sam", roles="auditor")
    assert come_in(door, "sam")
    assert end_of(database, agent.id) is EndCause.ROLE_LOST


def test_signing_out_ends_the_permissions_and_the_session(door: StaffDoor, database: Database) -> None:
    token = come_in(door, "sam")
    agent = door.agent(token, now=now())
    assert agent
    permit(database, agent.id)
    assert door.sign_out(agent, token, now=now(), reference="ABCD-2345")
    assert door.agent(token, now=now()) is None
    assert end_of(database, agent.id) is EndCause.SIGNED_OUT


def test_a_customer_who_is_signed_in_at_the_issuer_does_not_stand_in_the_way(
    oidc: Oidc, sandbox: RunningSandbox
) -> None:
    """In the demo both kinds of people have one issuer, and often one browser."""
    config = sandbox.config
    customers_ = Oidc(config_for(config.issuer, config.oidc_client_id, config.oidc_client_secret), oidc._database)
    with requests.Session() as browser:
        browser.trust_env = False
        begun = customers_.begin(browser=HERE, target="devices", language="en", now=now())
        walk(browser, begun, [{"username": "anna", "password": "demo"}])
        url = oidc.begin(browser=HERE, target="support", language="en", now=now())
        page = browser.get(url, allow_redirects=False, timeout=10)
        assert page.status_code == 200
        assert "sam" in page.text


@pytest.mark.parametrize(("later", "comes_in"), [(-30, True), (30, False)])
def test_who_is_signed_out_between_the_issuers_proof_and_the_door_does_not_come_in(
    door: StaffDoor, database: Database, later: int, *, comes_in: bool
) -> None:
    agent = door.agent(come_in(door, "sam"), now=now())
    assert agent
    said_at = now() + timedelta(seconds=later)
    with database.write() as tx:
        for subject, issued_at in ((agent.subject, said_at), ("somebody-else", now() + timedelta(minutes=1))):
            words = {"subject": subject, "issued_at": issued_at, "now": now(), "expires_at": now() + IDLE}
            assert logout_tokens.take(tx, agent.issuer, f"of-{subject}", **words)
    if comes_in:
        assert door.agent(come_in(door, "sam"), now=now())
        return
    with pytest.raises(SignInFailed, match="staff_signed_out"):
        come_in(door, "sam")
    assert on_record(database)[0] == (agent.id, "none", "sign_in refused staff_signed_out", "staff_subject")


# On record


def on_record(database: Database) -> list[tuple[str, str, str, str | None]]:
    """Who came and left, the latest first, in a chain that is whole."""
    with database.read() as tx:
        assert access_events.verify(tx).fault is None
        found = access_events.page(tx, limit=20)
    assert all(event.request_reference == "ABCD-2345" for event in found)
    return [(event.actor, event.actor_role, f"{event.action} {event.outcome}", event.object_type) for event in found]


def test_who_comes_in_and_who_leaves_is_on_record_with_the_session(door: StaffDoor, database: Database) -> None:
    token = come_in(door, "lea")
    agent = door.agent(token, now=now())
    assert agent
    door.sign_out(agent, token, now=now(), reference="ABCD-2345")
    assert on_record(database) == [
        (agent.id, "lead", "sign_out ok", "staff_session"),
        (agent.id, "lead", "sign_in ok", "staff_session"),
    ]
    with database.read() as tx:
        left, came = access_events.page(tx, limit=20)
    assert left.object_id == came.object_id


def test_who_is_refused_is_on_record_and_known_again_without_a_name(
    door: StaffDoor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = door.agent(come_in(door, "sam"), now=now())
    assert agent
    as_issuer_says(monkeypatch, "sam", roles=[])
    for name in ("sam", "nora", "nora"):
        with pytest.raises(SignInFailed):
            come_in(door, name)
    assert on_record(database)[:3] == [
        ("nobody", "none", "sign_in refused staff_role", "staff_subject"),
        ("nobody", "none", "sign_in refused staff_role", "staff_subject"),
        (agent.id, "none", "sign_in refused staff_role", "staff_subject"),
    ]
    with database.read() as tx:
        nora, again, sam, _ = (event.object_id for event in access_events.page(tx, limit=20))
    assert nora == again != sam
    assert nora
    assert "nora" not in nora


def test_a_way_of_signing_in_that_is_not_enough_is_on_record(oidc: Oidc, database: Database) -> None:
    door = StaffDoor(oidc, replace(ROLES, acr=("hardware",)), database)
    with pytest.raises(SignInFailed):
        come_in(door, "sam")
    assert on_record(database) == [("nobody", "none", "sign_in refused staff_acr", "staff_subject")]


def test_a_sign_in_that_proves_nobody_is_on_record_and_one_that_never_began_is_not(
    door: StaffDoor, database: Database
) -> None:
    url = door.oidc.begin(browser=HERE, target="support", language="en", now=now())
    (state,) = parse_qs(urlsplit(url).query)["state"]
    issuer = door.oidc._config.issuer
    for args in ({"state": state, "error": "access_denied", "iss": issuer}, {"state": state}, {"state": "x"}, {}):
        with pytest.raises(SignInFailed):
            door.complete(args=args, browser=HERE, now=now(), reference="ABCD-2345")
    assert on_record(database) == [("nobody", "none", "sign_in refused cancelled", None)]


def test_nobody_comes_in_or_loses_a_session_without_a_record(door: StaffDoor, database: Database) -> None:
    token = come_in(door, "sam")
    agent = door.agent(token, now=now())
    assert agent
    with database.write() as tx:
        tx.connection.execute(text("ALTER TABLE access_head RENAME TO gone"))
    with pytest.raises(DatabaseFault):
        come_in(door, "lea")
    with pytest.raises(DatabaseFault):
        door.sign_out(agent, token, now=now(), reference="ABCD-2345")
    with database.write() as tx:
        tx.connection.execute(text("ALTER TABLE gone RENAME TO access_head"))
        sessions = tx.connection.execute(select(tables.staff_sessions.c.agent_id)).all()
    assert [tuple(row) for row in sessions] == [(agent.id,)]
    assert len(on_record(database)) == 1
