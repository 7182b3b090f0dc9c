"""A customer downloads all that is kept of them: everything, nobody else's, and nothing that is no one's to read."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from portal.domain.catalogue import DeviceType
from portal.domain.link_session import State
from portal.domain.support import Role
from portal.storage import access_events, audit, provider_accounts, tables, vendor_requests
from tests.support.live import Installation
from tests.support.person import Person
from tests.web.desk import Desk
from tests.web.giving import give_permission, give_renewal
from tests.web.visitor import Visitor
from tests.web.webview import FROM_APP, Clock, RetailersApp

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

TOLD: dict[str, str] = {
    "customers": "account",
    "provider_accounts": "providers",
    "consents": "permissions",
    "devices": "devices",
    "device_history": "devices",
    "link_sessions": "attempts",
    "login_sessions": "signed_in",
    "app_entries": "app_entries",
    "outbox": "letters",
    "vendor_requests": "missing_manufacturers",
    "error_pages": "error_pages",
    "support_grants": "support_looked",
    "audit": "events",
}
"""Under which key each table of customer data is found."""

NOT_TOLD = {
    "app_departures": "hashes of a browser and a code; the attempt itself is told",
    "support_codes": "the hash of a code",
    "customer_words": "the words of the account once more",
    "access_events": "every request of staff; each look is told, with its reason and its length",
    "deletions": "there is none of whoever can still sign in",
}


@pytest.fixture
def ella(running: Installation, visitor: Callable[[], Visitor]) -> Visitor:
    """Has a life here, and has just signed in anew."""
    running.forget()
    person = visitor().sign_in("ella", confirms=True)
    give_permission(running, person, nickname="Ella’s pump")
    assert person.customer
    with running.database.write() as tx:
        vendor_requests.record(
            tx,
            customer_id=person.customer.id,
            device_type=DeviceType.HVAC,
            text="Frostbite",
            now=running.portal.clock(),
        )
    return person


def downloaded(person: Visitor) -> dict[str, Any]:
    answer = person.post("/privacy/data")
    assert answer.status_code == 200, answer.headers.get("Location")
    found: dict[str, Any] = json.loads(answer.text)
    return found


def moments(found: object) -> list[str]:
    """Every value whose key says that it is a time."""
    if isinstance(found, list):
        return [moment for one in found for moment in moments(one)]
    if not isinstance(found, dict):
        return []
    timed = [value for key, value in found.items() if key == "at" or key.endswith("_at") or key in {"since", "until"}]
    return [value for value in timed if value] + [m for value in found.values() for m in moments(value)]


def test_every_table_of_customer_data_is_in_it_or_there_is_a_reason(ella: Visitor) -> None:
    found = downloaded(ella)
    of_customers = {name for name, table in tables.metadata.tables.items() if "customer_id" in table.c} | {"customers"}
    assert of_customers == set(TOLD) | set(NOT_TOLD)
    assert set(TOLD.values()) <= set(found)


def test_it_is_a_file_that_nobody_in_between_keeps(running: Installation, ella: Visitor) -> None:
    answer = ella.post("/privacy/data")
    day = f"{running.portal.clock():%Y-%m-%d}"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="devices-{day}.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content_type == "application/json"


def test_all_of_a_life_here_is_in_it(running: Installation, ella: Visitor) -> None:
    desk = Desk(running, Role.AGENT, "sigrid")
    assert ella.customer
    desk.view(ella.customer.id, ticket="TICKET-OF-SUPPORT")
    found = downloaded(ella)
    assert (found["format"], found["version"]) == ("device-portal-customer-data", 1)
    assert (found["account"]["name"], found["account"]["email"]) == ("Ella", "ella@example.com")
    assert found["providers"] == ["Podero"]
    ((device,), (permission,), (attempt,)) = (found[key] for key in ("devices", "permissions", "attempts"))
    assert (device["nickname"], device["permission"]) == ("Ella’s pump", permission["id"])
    assert [change["connection"] for change in device["history"]] == ["working"]
    assert attempt["id"] == permission["id"]
    assert [one["text"] for one in found["missing_manufacturers"]] == ["Frostbite"]
    assert [one["in_app"] for one in found["signed_in"]] == [False]
    assert [one["reason"] for one in found["support_looked"]] == ["connecting"]
    assert "login_session.opened" in {event["action"] for event in found["events"]}
    times = moments(found)
    assert len(times) > 10
    assert all(MOMENT.fullmatch(moment) for moment in times), times


def test_nothing_in_it_is_a_secret_or_somebody_elses(
    running: Installation, ella: Visitor, visitor: Callable[[], Visitor]
) -> None:
    other = visitor().sign_in("frode")
    give_permission(running, other, nickname="Frode’s pump")
    device = give_renewal_of(running, ella)
    desk = Desk(running, Role.LEAD, "sigrid")
    assert ella.customer
    assert desk.agent
    desk.view(ella.customer.id, ticket="TICKET-OF-SUPPORT")
    ella.post("/privacy/support-code")
    text = ella.post("/privacy/data").text
    with running.database.read() as tx:
        account = provider_accounts.of(tx, ella.customer.id, "podero")
        hashes = [
            str(value)
            for table in tables.metadata.tables.values()
            for column in table.c
            if column.name.endswith(("_hash", "_sealed"))
            for value in tx.connection.scalars(select(column))
            if value
        ]
    assert account is not None
    secrets = {account.pseudonym, "https://connect.example", "TICKET-OF-SUPPORT", "sigrid", "Sigrid", desk.agent.id}
    for secret in secrets | {"frode", "Frode’s pump", *hashes}:
        assert secret not in text, secret
    assert device in text


def give_renewal_of(running: Installation, person: Visitor) -> str:
    """An attempt with a link that could be followed; answers the id of its device."""
    assert person.customer
    with running.database.read() as tx:
        row = tx.connection.execute(
            select(tables.devices.c.id).where(tables.devices.c.customer_id == person.customer.id)
        ).one()
    device = next(one for one in running.devices() if one.id == row.id)
    give_renewal(running, device, State.DEPARTED, connect_url="https://connect.example/secret")
    return device.id


def test_that_it_was_downloaded_is_on_record(running: Installation, ella: Visitor) -> None:
    downloaded(ella)
    assert ella.customer
    with running.database.read() as tx:
        (line, *_) = audit.of_customer(tx, ella.customer.id, 1)
    assert (line.actor, line.action) == ("customer", "data.downloaded")


def test_without_signing_in_anew_there_is_no_file(running: Installation, ella: Visitor) -> None:
    stale = Visitor(running.app, running.url).sign_in("ella")
    assert "Download the file" not in stale.page("/privacy/data").text
    answer = stale.post("/privacy/data")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/privacy/data")


def test_a_customer_signs_in_anew_and_gets_the_file(running: Installation) -> None:
    running.forget()
    with Person(running.url) as anna:
        anna.sign_in("anna")
        login = anna.submit(anna.look("/privacy/data").form("/sign-in/again"))
        page = anna.submit(login.forms()[0], username="anna", password="demo")
        form = page.form("/privacy/data")
        answer = anna.post(form.action, data=form.fields, timeout=30)
        assert answer.json()["account"]["name"] == "Anna Lindqvist"


def test_support_is_not_offered_it(running: Installation, ella: Visitor) -> None:
    desk = Desk(running)
    assert ella.customer
    prefix = desk.view(ella.customer.id)
    assert not [link for link in desk.page(f"{prefix}/privacy").links() if "data" in link]
    assert desk.send("GET", f"{prefix}/privacy/data").status_code == 404
    assert desk.post(f"{prefix}/privacy/data").status_code in {403, 404}
    with running.database.read() as tx:
        events = access_events.of_customer(tx, ella.customer.id, limit=10)
    assert {event.outcome.split()[0] for event in events} <= {"200", "303", "403", "404"}


def test_in_the_app_it_says_to_go_on_in_the_browser(running: Installation) -> None:
    webview = RetailersApp(running, Clock()).enters("anna")
    page = webview.page("/privacy/data")
    assert page.heading == "Go on in your browser"
    assert f"{running.url}/privacy/data" in page.html
    token = webview.page("/privacy").form_fields("/privacy/support-code")["csrf_token"]
    answer = webview.send("POST", "/privacy/data", data={"csrf_token": token}, headers=FROM_APP)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/privacy/data")
