"""Customer support helps without taking over: a few named acts, permitted, on record, and told to the customer."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.domain.device import Connection
from portal.domain.link_session import Reason, State
from portal.domain.support import Role
from portal.journey import support_code
from portal.storage import access_events, audit, link_sessions, support_codes, tables
from tests.support.live import Installation
from tests.web.desk import Desk
from tests.web.giving import give, give_renewal
from tests.web.visitor import Visitor

CODE = re.compile(r">(\d{6})<")
PATIENCE = 10.0
LATER = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
def rosa(running: Installation, visitor: Callable[[], Visitor]) -> Iterator[Visitor]:
    """A customer with a device that needs reconnecting, who has been sent nothing yet."""
    person = visitor().sign_in("rosa")
    with running.database.write() as tx:
        tx.connection.execute(tables.outbox.delete())
    running.sandbox.state.mails.clear()
    give(running, person, connection=Connection.NEEDS_REAUTHENTICATION)
    yield person
    running.sandbox.mail_server.refuses = None


def look(desk: Desk, person: Visitor) -> str:
    """Begins to view; answers the path of what may be done under that permission."""
    assert person.customer
    return f"/grants/{desk.view(person.customer.id).rsplit('/', 1)[-1]}"


def lead(running: Installation) -> Desk:
    return Desk(running, Role.LEAD, f"lea-{datetime.now(UTC).timestamp()}")


def agent(running: Installation) -> Desk:
    return Desk(running, name=f"sam-{datetime.now(UTC).timestamp()}")


def code_of(person: Visitor) -> str:
    found = CODE.search(person.post("/privacy/support-code").text)
    assert found
    return found.group(1)


def device_of(person: Visitor) -> str:
    assert person.customer
    return f"device-{person.customer.id}-heat_pump"


def mails(running: Installation, count: int = 1) -> list[Any]:
    """What has arrived once so many have; the newest first."""
    found: list[Any] = []
    deadline = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < deadline:
        time.sleep(0.05)
        found = list(running.sandbox.state.mails)
    assert len(found) == count
    return found


def on_record(running: Installation, person: Visitor) -> set[tuple[str, str]]:
    assert person.customer
    with running.database.read() as tx:
        return {(event.action, event.outcome) for event in access_events.of_customer(tx, person.customer.id, limit=50)}


def lines(running: Installation, person: Visitor) -> set[tuple[str, str]]:
    assert person.customer
    with running.database.read() as tx:
        return {(line.actor, line.action) for line in audit.of_customer(tx, person.customer.id, 50)}


def attempt_of(running: Installation, person: Visitor, state: State = State.DEPARTED) -> str:
    """An attempt under way, with a link that could be followed; answers its id."""
    assert person.customer
    device = give(running, person, connection=Connection.NEEDS_REAUTHENTICATION)
    path = give_renewal(running, device, state, connect_url="https://connect.example/secret", expires_at=LATER)
    return path.rsplit("/", 1)[-1]


def provider_calls(running: Installation) -> dict[str, list[Any]]:
    return {key: list(made) for key, made in running.sandbox.state.calls.items() if key != "oidc"}


def words(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


def test_a_lead_ends_an_attempt_and_its_link_is_of_no_use(running: Installation, rosa: Visitor) -> None:
    desk = lead(running)
    grant, attempt_id = look(desk, rosa), attempt_of(running, rosa)
    assert rosa.customer
    calls = provider_calls(running)
    assert "End this attempt" in desk.page(f"{grant}/help").text
    assert desk.post(f"{grant}/link-sessions/{attempt_id}/cancel").status_code == 303
    with running.database.read() as tx:
        attempt = link_sessions.get(tx, rosa.customer.id, attempt_id)
    assert attempt
    assert (attempt.state, attempt.reason, attempt.connect_url) == (
        State.CANCELLED,
        Reason.SUPPORT_CANCELLED,
        None,
    )
    assert "The attempt has been ended." in desk.page(f"{grant}/help").text
    assert ("assist.cancel", "cancelled") in on_record(running, rosa)
    assert ("support", "link_session.cancelled") in lines(running, rosa)
    assert rosa.page(f"/link-sessions/{attempt_id}").heading == "Customer support ended this attempt"
    (mail,) = mails(running)
    assert "ended your attempt to connect" in words(mail)
    assert "lea" not in f"{mail}".casefold().replace("please", "")
    assert provider_calls(running) == calls


@pytest.mark.parametrize("state", [State.ARRIVED, State.WAITING, State.LINKED, State.EXPIRED])
def test_an_attempt_whose_customer_is_back_is_left_alone(running: Installation, rosa: Visitor, state: State) -> None:
    desk = lead(running)
    grant, attempt_id = look(desk, rosa), attempt_of(running, rosa, state)
    desk.post(f"{grant}/link-sessions/{attempt_id}/cancel")
    assert "Nothing was done" in desk.page(f"{grant}/help").text
    assert running.state_of(attempt_id) is state


def test_the_page_of_help_says_whom_it_helps(
    running: Installation, rosa: Visitor, visitor: Callable[[], Visitor]
) -> None:
    desk, other = lead(running), visitor().sign_in("olga")
    for person, name in ((rosa, "Rosa"), (other, "Olga")):
        told = desk.page(f"{look(desk, person)}/help").text
        assert f"{name} · T-1 · 15 minutes left" in told


def test_a_device_is_checked_at_once(running: Installation, rosa: Visitor) -> None:
    desk = lead(running)
    grant = look(desk, rosa)
    assert desk.post(f"{grant}/devices/{device_of(rosa)}/check").status_code == 303
    assert ("assist.check", "check_asked") in on_record(running, rosa)
    assert ("support", "device.check_asked") in lines(running, rosa)
    assert "had your device checked: NIBE S1255" in words(*mails(running))
    assert rosa.customer
    timeline = desk.page(f"/as/{grant.rsplit('/', 1)[-1]}/timeline").text
    assert "Customer support had a device checked: NIBE S1255" in timeline


def test_an_invitation_leads_to_our_own_page_and_carries_no_secret(running: Installation, rosa: Visitor) -> None:
    desk = lead(running)
    grant = look(desk, rosa)
    desk.post(f"{grant}/devices/{device_of(rosa)}/invite")
    desk.post(f"{grant}/devices/{device_of(rosa)}/invite")
    desk.post(f"{grant}/invite", choice="heat-pump/nibe")
    connect, reconnect = sorted(mails(running, 2), key=lambda mail: str(mail["Subject"]))
    assert str(reconnect["To"]) == "rosa@example.com"
    assert str(reconnect["Subject"]) == "Nordvind Energi: Reconnect your device: NIBE S1255"
    assert str(connect["Subject"]) == "Nordvind Energi: Connect your device: Heat pump, NIBE"
    for mail, page in ((reconnect, f"devices/{device_of(rosa)}"), (connect, "connect/heat-pump/nibe")):
        links = set(re.findall(r"https?://[^\s\"<]+", words(mail)))
        assert links == {f"{running.url}/sign-in?to={page}"}
        assert set(re.findall(r"href=\"([^\"]+)", str(mail.get_body(("html",)).get_content()))) == links
        (link,) = links
        inside = rosa.send("GET", link.removeprefix(running.url)).headers["Location"]
        assert inside in {f"/devices#device-{device_of(rosa)}", "/connect/heat-pump/nibe"}
    assert ("assist.invite", "invited") in on_record(running, rosa)
    assert {("support", "device.invited"), ("support", "support.invited")} <= lines(running, rosa)


def acts(person: Visitor, attempt_id: str) -> tuple[tuple[str, dict[str, str]], ...]:
    device = device_of(person)
    return (
        (f"/link-sessions/{attempt_id}/cancel", {}),
        (f"/devices/{device}/check", {}),
        (f"/devices/{device}/invite", {}),
        ("/invite", {"choice": "heat-pump/nibe"}),
    )


def test_an_agent_does_nothing_without_the_customers_code(running: Installation, rosa: Visitor) -> None:
    desk = agent(running)
    grant, attempt_id = look(desk, rosa), attempt_of(running, rosa)
    for path, fields in acts(rosa, attempt_id):
        assert desk.post(f"{grant}{path}", **fields).status_code == 403, path
    assert running.state_of(attempt_id) is State.DEPARTED
    assert not stored_letters(running)
    assert "End this attempt" not in desk.page(f"{grant}/help").text


def stored_letters(running: Installation) -> int:
    with running.database.read() as tx:
        return len(tx.connection.execute(select(tables.outbox.c.id)).all())


def test_the_code_opens_the_help_once_and_for_this_permission_alone(running: Installation, rosa: Visitor) -> None:
    desk = agent(running)
    grant, attempt_id, code = look(desk, rosa), attempt_of(running, rosa), code_of(rosa)
    assert desk.post(f"{grant}/code", code=f" {code[:3]} {code[3:]} ").status_code == 303
    for path, fields in acts(rosa, attempt_id):
        assert desk.post(f"{grant}{path}", **fields).status_code == 303, path
    assert running.state_of(attempt_id) is State.CANCELLED
    assert ("assist.code", "allowed") in on_record(running, rosa)
    assert ("customer", "support.allowed") in lines(running, rosa)
    another = look(desk, rosa)
    assert desk.post(f"{another}/code", code=code).status_code == 422
    assert desk.post(f"{another}{acts(rosa, attempt_id)[1][0]}").status_code == 403
    desk.post(f"{grant}/end")
    assert desk.post(f"{grant}{acts(rosa, attempt_id)[1][0]}").headers["Location"] == "/support/over"


def test_only_this_customers_newest_code_counts_and_not_for_long(
    running: Installation, rosa: Visitor, visitor: Callable[[], Visitor]
) -> None:
    desk, now = agent(running), running.portal.clock()
    grant, older = look(desk, rosa), code_of(rosa)
    code, others = code_of(rosa), code_of(visitor().sign_in("someone"))
    assert rosa.customer
    for wrong in {older, others, "", "abcdef", "1234567"} - {code}:
        assert desk.post(f"{grant}/code", code=wrong).status_code == 422, wrong
    with running.database.write() as tx:
        support_codes.give(tx, rosa.customer.id, "123456", expires_at=now - timedelta(seconds=1))
    assert desk.post(f"{look(desk, rosa)}/code", code="123456").status_code == 422
    assert ("assist.code", "refused") in on_record(running, rosa)


def test_codes_cannot_be_guessed(running: Installation, rosa: Visitor) -> None:
    desk = agent(running)
    grant, code = look(desk, rosa), code_of(rosa)
    wrong = "000000" if code != "000000" else "000001"
    for _ in range(5):
        told = desk.post(f"{grant}/code", code=wrong).text
    assert "Too many wrong codes" in told
    assert "#code" not in told, "there is no field any more that it could lead to"
    assert desk.post(f"{grant}/code", code=code).status_code == 422
    assert "Too many wrong codes" in desk.page(f"{grant}/help").text
    assert desk.post(f"{look(desk, rosa)}/code", code=code).status_code == 422
    with running.database.read() as tx:
        assert code not in str(tx.connection.execute(tables.support_codes.select()).all())


def test_a_code_is_shown_once_and_to_its_customer_alone(running: Installation, rosa: Visitor) -> None:
    code = code_of(rosa)
    assert code not in rosa.page("/privacy").text
    desk = lead(running)
    grant = look(desk, rosa).rsplit("/", 1)[-1]
    assert desk.post(f"/as/{grant}/privacy/support-code").status_code == 403
    assert not CODE.search(desk.send("GET", f"/as/{grant}/privacy").text)
    assert len(support_code.give(ports=running.portal.ports, customer=rosa.customer, now=LATER)) == 6


def test_nobody_helps_under_somebody_elses_permission(running: Installation, rosa: Visitor) -> None:
    grant = look(lead(running), rosa)
    other = lead(running)
    for path, fields in acts(rosa, "abc"):
        assert other.post(f"{grant}{path}", **fields).headers["Location"] == "/support/over"
    assert not stored_letters(running)


def test_a_device_of_another_customer_is_not_there(
    running: Installation, rosa: Visitor, visitor: Callable[[], Visitor]
) -> None:
    other = visitor().sign_in("olga")
    give(running, other)
    desk = lead(running)
    grant = look(desk, rosa)
    for act in ("check", "invite"):
        assert desk.post(f"{grant}/devices/{device_of(other)}/{act}").status_code == 404
    desk.post(f"{grant}/link-sessions/{attempt_of(running, other)}/cancel")
    assert "Nothing was done" in desk.page(f"{grant}/help").text


def test_nobody_is_asked_to_reconnect_a_device_that_works(running: Installation, rosa: Visitor) -> None:
    give(running, rosa)
    desk = lead(running)
    grant = look(desk, rosa)
    assert "Send an invitation to reconnect" not in desk.page(f"{grant}/help").text
    desk.post(f"{grant}/devices/{device_of(rosa)}/invite")
    assert "Nothing was done" in desk.page(f"{grant}/help").text
    assert not stored_letters(running)


def test_who_has_no_address_is_not_invited_and_is_helped_all_the_same(running: Installation, rosa: Visitor) -> None:
    assert rosa.customer
    with running.database.write() as tx:
        mine = tables.customers.c.id == rosa.customer.id
        tx.connection.execute(tables.customers.update().where(mine).values(email="a@b.example, c@d.example"))
    desk = lead(running)
    grant = look(desk, rosa)
    page = desk.page(f"{grant}/help").text
    assert "No e-mail address of this customer is known" in page
    assert "Send an invitation" not in page
    desk.post(f"{grant}/devices/{device_of(rosa)}/invite")
    desk.post(f"{grant}/devices/{device_of(rosa)}/check")
    assert ("assist.check", "check_asked") in on_record(running, rosa)
    assert not stored_letters(running)
