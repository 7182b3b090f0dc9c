"""Customer support finds a customer, and sees for a while what they see, and never more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from portal.domain.support import Reason, Role
from portal.storage import access_events, support_grants, tables
from tests.support.live import Installation
from tests.web.desk import Desk
from tests.web.giving import give
from tests.web.visitor import Visitor

ROUTES = {
    "GET /": {Role.AGENT: 200, Role.LEAD: 200, Role.AUDITOR: 200},
    "GET /customers/<customer_id>": {Role.AGENT: 200, Role.LEAD: 200, Role.AUDITOR: 403},
    "POST /customers/<customer_id>": {Role.AGENT: 422, Role.LEAD: 422, Role.AUDITOR: 403},
    "POST /grants/<grant_id>/renew": {Role.AGENT: 303, Role.LEAD: 303, Role.AUDITOR: 303},
    "POST /grants/<grant_id>/end": {Role.AGENT: 303, Role.LEAD: 303, Role.AUDITOR: 303},
    "POST /grants/<grant_id>/language": {Role.AGENT: 303, Role.LEAD: 303, Role.AUDITOR: 303},
    "POST /language": {Role.AGENT: 303, Role.LEAD: 303, Role.AUDITOR: 303},
    "GET /grants/<grant_id>/help": {Role.AGENT: 303, Role.LEAD: 303, Role.AUDITOR: 303},
    "POST /grants/<grant_id>/code": {Role.AGENT: 303, Role.LEAD: 303, Role.AUDITOR: 303},
    "POST /grants/<grant_id>/link-sessions/<link_session_id>/cancel": {
        Role.AGENT: 303,
        Role.LEAD: 303,
        Role.AUDITOR: 303,
    },
    "POST /grants/<grant_id>/devices/<device_id>/check": {Role.AGENT: 303, Role.LEAD: 303, Role.AUDITOR: 303},
    "POST /grants/<grant_id>/devices/<device_id>/invite": {Role.AGENT: 303, Role.LEAD: 303, Role.AUDITOR: 303},
    "POST /grants/<grant_id>/invite": {Role.AGENT: 303, Role.LEAD: 303, Role.AUDITOR: 303},
    "GET /over": {Role.AGENT: 200, Role.LEAD: 200, Role.AUDITOR: 200},
    "GET /audit": {Role.AGENT: 403, Role.LEAD: 403, Role.AUDITOR: 200},
}
OPEN = {"GET /sign-in", "GET /sign-in/callback", "GET /sign-in/failed", "POST /sign-out", "POST /back-channel-logout"}
"""Before anybody is signed in, and the way out again; these have tests of their own."""


def staff_routes(running: Installation) -> set[str]:
    """Every route of the support pages but the customer's own pages."""
    found = set()
    for rule in running.app.extensions["portal.support"].url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if not rule.rule.startswith("/as/") and rule.endpoint != "static":
                found.add(f"{method} {rule.rule}")
    return found


def observed_routes(running: Installation) -> set[tuple[str, str]]:
    found = set()
    for rule in running.app.extensions["portal.support"].url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if rule.rule.startswith("/as/"):
                found.add((method, rule.rule))
    return found


def address(path: str, customer_id: str = "abc", grant: str = "abc") -> str:
    values = {
        "<customer_id>": customer_id,
        "<grant_id>": "abc",
        "<grant>": grant,
        "<device_type:device_type>": "heat-pump",
        "<vendor_key>": "nibe",
        "<device_id>": "abc",
        "<link_session_id>": "abc",
    }
    for name, value in values.items():
        path = path.replace(name, value)
    return path


def test_every_page_of_support_says_whom_it_is_for(running: Installation) -> None:
    assert staff_routes(running) == set(ROUTES) | OPEN


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_what_is_for_it(running: Installation, anna: Visitor, role: Role) -> None:
    desk = Desk(running, role, name=f"somebody-{role}")
    assert anna.customer
    for route, statuses in ROUTES.items():
        method, path = route.split(" ")
        send = desk.post if method == "POST" else lambda where: desk.send("GET", where)
        assert send(address(path, anna.customer.id)).status_code == statuses[role], route


def test_who_is_not_signed_in_as_staff_is_led_to_sign_in(running: Installation, anna: Visitor) -> None:
    nobody = Desk(running, None)
    for method, path in {tuple(route.split(" ")) for route in ROUTES} | observed_routes(running):
        if path in {"/as/<grant>/theme.css", "/as/<grant>/logo"}:
            continue
        for answer in (nobody.send(method, address(path)), anna.send(method, f"/support{address(path)}")):
            led = (answer.status_code, answer.headers.get("Location"), answer.headers.get("Refresh"))
            to = {"/audit": "?to=/audit", "/customers/<customer_id>": "?to=/customers/abc"}.get(path, "")
            by_a_form, by_a_link = (200, None, "0;url=/support/sign-in"), (303, f"/support/sign-in{to}", None)
            assert led == (by_a_form if method == "POST" else by_a_link), path


def test_a_customer_is_found_by_the_beginning_of_what_is_known_of_them(running: Installation, anna: Visitor) -> None:
    desk = Desk(running)
    for query in ("anna", "ANNA", "anna@example.com", "  ánna "):
        page = desk.page(f"/?q={query}")
        assert f"/support/customers/{anna.customer and anna.customer.id}" in page.links(), query
        assert "anna@example.com" not in page.text
        assert "1 customer found" in page.text
    assert "0 customers found" in desk.page("/?q=nobody-like-this").text


def test_nobody_is_looked_at_without_a_reason_and_a_ticket(running: Installation, anna: Visitor) -> None:
    desk = Desk(running)
    assert anna.customer
    for fields in ({}, {"reason": "connecting"}, {"ticket": "T-1"}, {"reason": "curiosity", "ticket": "T-1"}):
        answer = desk.post(f"/customers/{anna.customer.id}", **fields)
        assert answer.status_code == 422
    kept = desk.post(f"/customers/{anna.customer.id}", ticket="T-77").text
    assert 'value="T-77"' in kept


def test_an_agent_sees_the_customers_own_pages_under_a_banner(running: Installation, anna: Visitor) -> None:
    give(running, anna)
    desk = Desk(running)
    assert anna.customer
    page = desk.page(f"{desk.view(anna.customer.id)}/devices")
    assert page.heading == anna.page("/devices").heading
    assert "NIBE S1255" in page.text
    words = page.text.strip()
    assert words.startswith("Viewing as Anna"), words[:80]
    assert "Help with connecting a device (T-1)" in words
    assert "15 minutes left" in words


@pytest.mark.parametrize("path", ["", "/devices", "/connect", "/connect/heat-pump", "/privacy", "/timeline"])
def test_every_link_of_a_viewed_page_stays_with_this_customer(running: Installation, anna: Visitor, path: str) -> None:
    desk = Desk(running)
    assert anna.customer
    prefix = desk.view(anna.customer.id)
    answer = desk.send("GET", f"{prefix}{path}", follow_redirects=True)
    links = good_links(desk, answer.text)
    assert links
    help_ = f"/support/grants/{prefix.rsplit('/', 1)[-1]}/help"
    assert all(link.startswith((f"/support{prefix}", help_, "#", "tel:", "mailto:")) for link in links), links
    desk.post(f"/grants/{prefix.rsplit('/', 1)[-1]}/end")


def good_links(desk: Desk, html: str) -> list[str]:
    return [part.split('"', 1)[0] for part in html.split("<a ")[1:] for part in [part.split('href="', 1)[1]]]


def test_nothing_is_done_while_viewing_and_nothing_is_written(running: Installation, anna: Visitor) -> None:
    give(running, anna)
    desk = Desk(running)
    assert anna.customer
    grant = desk.view(anna.customer.id).rsplit("/", 1)[-1]
    before = everything(running)
    calls = {provider: list(made) for provider, made in running.sandbox.state.calls.items()}
    for method, rule in sorted(observed_routes(running)):
        answer = desk.send(method, address(rule, grant=grant), headers={"Sec-Fetch-Site": "same-origin"})
        if method != "GET":
            assert answer.status_code == 403, rule
            assert "You are only viewing" in answer.text
        else:
            assert answer.status_code in {200, 303, 404}, rule
        assert "Location" not in answer.headers or answer.headers["Location"].startswith("/support/"), rule
    assert everything(running) == before
    assert {provider: list(made) for provider, made in running.sandbox.state.calls.items()} == calls


def everything(running: Installation) -> dict[str, object]:
    """All that is stored, but the record of who looked."""
    with running.database.read() as tx:
        return {
            name: tx.connection.execute(table.select().order_by(*table.primary_key.columns)).all()
            for name, table in tables.metadata.tables.items()
            if name not in {"access_events", "access_head", "staff_sessions"}
        }


def test_a_permission_is_of_one_agent_and_of_one_customer(running: Installation, anna: Visitor) -> None:
    sam, lea = Desk(running), Desk(running, Role.LEAD, "lea")
    assert anna.customer
    prefix = sam.view(anna.customer.id)
    assert lea.send("GET", f"{prefix}/devices").headers["Location"] == "/support/over"
    assert sam.send("GET", "/as/unknown/devices").headers["Location"] == "/support/over"
    assert sam.send("GET", "/as/-/devices").headers["Location"] == "/support/"


def test_it_ends_by_the_button_and_by_signing_out(running: Installation, anna: Visitor) -> None:
    desk = Desk(running, name="enda")
    assert anna.customer
    for end in ("/grants/{}/end", "/sign-out"):
        prefix = desk.view(anna.customer.id)
        desk.post(end.format(prefix.rsplit("/", 1)[-1]))
        assert desk.send("GET", f"{prefix}/devices").status_code == 303
    assert desk.send("GET", "/").headers["Location"] == "/support/sign-in"


def test_nobody_looks_at_themselves_or_a_colleague_or_at_too_many(
    running: Installation, visitor: Callable[[], Visitor]
) -> None:
    desk = Desk(running, name="mona")
    Desk(running, name="kim")
    for name in ("mona@retailer.example", "kim@retailer.example"):
        customer = customer_with_email(running, visitor(), name)
        refused = desk.post(f"/customers/{customer}", reason="other", ticket="T-1")
        assert refused.status_code == 403
        assert "account" in refused.text
    others = [visitor().sign_in(f"other-{number}") for number in range(4)]
    for other in others[:3]:
        assert other.customer
        desk.view(other.customer.id)
    last = others[3].customer
    assert last
    assert desk.post(f"/customers/{last.id}", reason="other", ticket="T-1").status_code == 403


def customer_with_email(running: Installation, person: Visitor, email: str) -> str:
    person.sign_in(f"customer-{email}")
    assert person.customer
    with running.database.write() as tx:
        mine = tables.customers.c.id == person.customer.id
        tx.connection.execute(tables.customers.update().where(mine).values(email=email.upper()))
    return person.customer.id


def test_every_request_is_on_record_and_none_is_answered_without(running: Installation, anna: Visitor) -> None:
    desk = Desk(running, name="rita")
    assert anna.customer
    assert desk.agent
    prefix = desk.view(anna.customer.id, reason="device_data", ticket="T-9")
    desk.send("GET", f"{prefix}/devices")
    desk.send("POST", f"{prefix}/connect/heat-pump/nibe")
    with running.database.read() as tx:
        told = [e for e in access_events.of_customer(tx, anna.customer.id, limit=50) if e.actor == desk.agent.id]
        assert access_events.verify(tx).fault is None
    assert [(e.action, e.outcome, e.reason, e.ticket) for e in told[:2]] == [
        ("POST connect.leave", "403", Reason.DEVICE_DATA, "T-9"),
        ("GET devices.overview", "200", Reason.DEVICE_DATA, "T-9"),
    ]
    with unwritable_record(running):
        for path in ("/", f"{prefix}/devices", f"{prefix}/timeline"):
            answer = desk.send("GET", path)
            assert (answer.status_code, answer.text) == (503, "503\n")


@contextmanager
def unwritable_record(running: Installation) -> Iterator[None]:
    """Nothing can be put on record for a while."""
    with running.database.write() as tx:
        tx.connection.execute(text("ALTER TABLE access_head RENAME TO gone"))
    try:
        yield
    finally:
        with running.database.write() as tx:
            tx.connection.execute(text("ALTER TABLE gone RENAME TO access_head"))


def test_the_customer_reads_when_support_looked_and_why_and_not_who(
    running: Installation, visitor: Callable[[], Visitor]
) -> None:
    carla = visitor().sign_in("carla")
    assert "Customer support has not looked at your pages." in carla.page("/privacy").text
    assert carla.customer
    Desk(running, name="zoe").view(carla.customer.id, reason="reconnecting")
    told = carla.page("/privacy").text
    assert "Help with reconnecting a device" in told
    assert "1 minute" in told
    assert "zoe" not in told.casefold()
    with running.database.read() as tx:
        assert len(support_grants.of_customer(tx, carla.customer.id, limit=5)) == 1
