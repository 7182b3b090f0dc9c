"""A customer who wants to be asked first is looked at only with a code that they read out."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from portal.domain.support import MOST_TRIES, EndCause, Role
from portal.journey import support_code
from portal.storage import access_events, audit, support_grants
from tests.support.live import Installation
from tests.web.desk import Desk
from tests.web.visitor import Visitor

CODE = re.compile(r">(\d{6})<")
REFUSED = "This code is wrong or no longer valid."


@pytest.fixture
def nils(running: Installation, visitor: Callable[[], Visitor]) -> Visitor:
    running.forget()
    return visitor().sign_in("nils")


def asks(person: Visitor, *, first: bool = True) -> None:
    answer = person.post("/privacy/support-asks-first", asks="yes" if first else "no")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/privacy#support")


def code_of(person: Visitor) -> str:
    found = CODE.search(person.post("/privacy/support-code").text)
    assert found
    return found.group(1)


def tries(desk: Desk, person: Visitor, code: str | None) -> str:
    """Asks for the permission; answers where it leads, or what the page says."""
    assert person.customer
    fields = {"reason": "connecting", "ticket": "T-1"} | ({"code": code} if code is not None else {})
    answer = desk.post(f"/customers/{person.customer.id}", **fields)
    return answer.headers["Location"] if answer.status_code == 303 else answer.text


def grants(running: Installation, person: Visitor) -> list[EndCause | None]:
    assert person.customer
    with running.database.read() as tx:
        return [grant.end_cause for grant in support_grants.of_customer(tx, person.customer.id, limit=50)]


@pytest.mark.parametrize("role", [Role.AGENT, Role.LEAD])
def test_without_the_code_nobody_looks_whatever_their_role(running: Installation, nils: Visitor, role: Role) -> None:
    asks(nils)
    desk = Desk(running, role, f"one-{role}")
    assert nils.customer
    form = desk.page(f"/customers/{nils.customer.id}")
    assert "This customer wants to be asked first." in form.text
    assert "Enter the code that the customer reads out." in tries(desk, nils, None)
    assert REFUSED in tries(desk, nils, "000000")
    assert grants(running, nils) == []
    assert "Viewing as" in desk.send("GET", tries(desk, nils, code_of(nils)).removeprefix("/support")).text


def test_a_code_is_good_once_and_may_be_typed_with_spaces(running: Installation, nils: Visitor) -> None:
    asks(nils)
    desk, code = Desk(running), code_of(nils)
    assert tries(desk, nils, f" {code[:3]} {code[3:]} ").endswith("/devices")
    assert REFUSED in tries(desk, nils, code)


def test_a_code_that_is_too_old_or_anothers_is_refused_in_the_same_words(
    running: Installation, nils: Visitor, visitor: Callable[[], Visitor]
) -> None:
    asks(nils)
    desk = Desk(running)
    other = visitor().sign_in("olga")
    assert REFUSED in tries(desk, nils, code_of(other))
    assert nils.customer
    long_ago = running.portal.clock() - timedelta(minutes=11)
    code = support_code.give(ports=running.portal.ports, customer=nils.customer, now=long_ago)
    assert REFUSED in tries(desk, nils, code)


def test_a_code_does_not_outlive_many_wrong_ones(running: Installation, nils: Visitor) -> None:
    asks(nils)
    desk, code = Desk(running), code_of(nils)
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(MOST_TRIES):
        assert REFUSED in tries(desk, nils, wrong)
    assert REFUSED in tries(desk, nils, code)
    assert nils.customer
    with running.database.read() as tx:
        record = access_events.of_customer(tx, nils.customer.id, limit=50)
    refused = [event for event in record if (event.action, event.outcome) == ("POST support.begin", "422")]
    assert len(refused) == MOST_TRIES + 1


def test_with_the_code_the_agent_may_help_too_and_not_for_longer(running: Installation, nils: Visitor) -> None:
    asks(nils)
    desk = Desk(running)
    where = tries(desk, nils, code_of(nils)).removeprefix("/support")
    grant_id = where.split("/")[2]
    assert "Attempts under way" in desk.page(f"/grants/{grant_id}/help").text
    assert "15 more minutes" not in desk.page(where).text
    assert desk.post(f"/grants/{grant_id}/renew").headers["Location"] == "/support/over"


def test_who_looks_already_stops_when_the_customer_wants_to_be_asked(running: Installation, nils: Visitor) -> None:
    desk = Desk(running)
    assert nils.customer
    prefix = desk.view(nils.customer.id)
    assert desk.page(f"{prefix}/devices").status == 200
    asks(nils)
    assert desk.send("GET", f"{prefix}/devices").headers["Location"] == "/support/over"
    assert grants(running, nils) == [EndCause.CUSTOMER]
    asks(nils, first=False)
    assert desk.send("GET", f"{prefix}/devices").headers["Location"] == "/support/over"
    assert desk.page(f"{desk.view(nils.customer.id)}/devices").status == 200


def test_the_change_is_on_record_once_and_the_page_says_how_it_is(running: Installation, nils: Visitor) -> None:
    assert "Yes, if there is a reason." in nils.page("/privacy").text
    asks(nils)
    asks(nils)
    assert "No, customer support has to ask you first." in nils.page("/privacy").text
    asks(nils, first=False)
    assert nils.customer
    with running.database.read() as tx:
        lines = audit.of_customer(tx, nils.customer.id, 50)
    changes = [(line.actor, line.action) for line in lines if line.object_type == "customer"]
    assert changes == [("customer", "support.need_not_ask"), ("customer", "support.asks_first")]


def test_an_agent_cannot_change_it(running: Installation, nils: Visitor) -> None:
    desk = Desk(running)
    assert nils.customer
    prefix = desk.view(nils.customer.id)
    assert desk.post(f"{prefix}/privacy/support-asks-first", asks="yes").status_code == 403
    assert "Yes, if there is a reason." in nils.page("/privacy").text
