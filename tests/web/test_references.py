"""What a customer reads out on the telephone is found: the number of an attempt that failed, or of an error page."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.device import Connection
from portal.domain.link_session import Reason, State
from portal.domain.reference import reference_of
from portal.journey.reconcile import reconcile
from portal.sandbox.program import RunningSandbox
from portal.storage.ids import new_id
from tests.support.live import Installation, installation
from tests.web.conftest import ENGLISH
from tests.web.desk import Desk
from tests.web.giving import give, give_renewal
from tests.web.visitor import Visitor

SUPPORT = {"PORTAL_RETAILER__SUPPORT_EMAIL": "help@nordvind.example"}


@pytest.fixture(scope="module")
def running(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('references')}/portal.sqlite"
    with installation(web_sandbox, url, ENGLISH | SUPPORT) as live:
        yield live


ENDS = [(State.FAILED, Reason.NOT_CONFIRMED), (State.HELD, Reason.NOT_SIGNED_IN), (State.EXPIRED, Reason.LEFT_OPEN)]


def customers_found(desk: Desk, query: str) -> list[str]:
    return [link for link in desk.page(f"/?q={query}").links() if "/customers/" in link]


@pytest.mark.parametrize(("state", "reason"), ENDS)
def test_an_attempt_that_came_to_nothing_shows_a_number_that_support_finds(
    running: Installation, state: State, reason: Reason
) -> None:
    emma = Visitor(running.app, running.url).sign_in(f"emma-{state}")
    attempt_id = new_id()
    path = give_renewal(
        running, give(running, emma, connection=Connection.NEEDS_REAUTHENTICATION), state, reason=reason, id=attempt_id
    )
    number = reference_of(attempt_id)
    page = emma.page(path)
    assert f"Reference number {number}" in page.text
    assert emma.customer
    for typed in (number, number.lower(), number.replace("-", ""), number.replace("-", "%20")):
        assert customers_found(Desk(running, name="finder"), typed) == [f"/support/customers/{emma.customer.id}"], typed


def test_beside_the_number_stand_the_telephone_and_address_of_support(running: Installation) -> None:
    emma = Visitor(running.app, running.url).sign_in("emma-calls")
    page = emma.page(
        give_renewal(
            running,
            give(running, emma, connection=Connection.NEEDS_REAUTHENTICATION),
            State.FAILED,
            reason=Reason.NOT_CONFIRMED,
        )
    )
    site = running.portal.site
    below = page.text.partition("Reference number")[2]
    assert site.support_phone
    assert site.support_email
    assert site.support_phone in below.partition("Your devices")[0]
    assert site.support_email in below.partition("Your devices")[0]


def test_an_attempt_that_went_well_shows_no_number(running: Installation) -> None:
    emma = Visitor(running.app, running.url).sign_in("emma-well")
    assert (
        "Reference number"
        not in emma.page(
            give_renewal(running, give(running, emma, connection=Connection.NEEDS_REAUTHENTICATION), State.LINKED)
        ).text
    )


def test_the_providers_own_reference_finds_the_customer_too(running: Installation) -> None:
    emma = Visitor(running.app, running.url).sign_in("emma-there")
    there = "4f2b7c1e-58aa-4c0f-9b44-2d2e8f1c9a77"
    give_renewal(
        running,
        give(running, emma, connection=Connection.NEEDS_REAUTHENTICATION),
        State.FAILED,
        provider_reference=there,
    )
    assert emma.customer
    assert customers_found(Desk(running, name="finder"), there) == [f"/support/customers/{emma.customer.id}"]


def test_the_number_of_an_error_page_finds_who_saw_it_and_says_what_it_was(running: Installation) -> None:
    emma = Visitor(running.app, running.url).sign_in("emma-lost")
    number = emma.page("/nothing-here", status=404).headers["X-Request-Id"]
    assert emma.customer
    desk = Desk(running, name="finder")
    assert customers_found(desk, number) == [f"/support/customers/{emma.customer.id}"]
    assert "This number stood on an error page (code 404), shown today" in desk.page(f"/?q={number}").text


def test_a_number_that_nobody_signed_in_was_shown_finds_nobody(running: Installation, stranger: Visitor) -> None:
    number = stranger.page("/nothing-here", status=404).headers["X-Request-Id"]
    assert customers_found(Desk(running, name="finder"), number) == []


def test_an_error_page_is_forgotten_after_a_month(running: Installation) -> None:
    emma = Visitor(running.app, running.url).sign_in("emma-long-ago")
    number = emma.page("/nothing-here", status=404).headers["X-Request-Id"]
    reconcile(ports=running.portal.ports, now=datetime.now(UTC) + timedelta(days=31))
    assert customers_found(Desk(running, name="finder"), number) == []
