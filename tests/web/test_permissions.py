"""What customers read of their permissions, and taking one back from the privacy page."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from portal.domain.device import Connection
from portal.domain.link_session import State
from portal.domain.people import Consent
from portal.storage import consents, devices
from tests.support.live import Installation
from tests.web.desk import Desk
from tests.web.giving import give_attempt, give_permission
from tests.web.visitor import Visitor


@pytest.fixture
def vera(running: Installation, visitor: Callable[[], Visitor]) -> Visitor:
    running.forget()
    return visitor().sign_in("vera")


def test_a_customer_reads_what_they_allowed_in_the_words_in_which_they_did(
    running: Installation, vera: Visitor
) -> None:
    assert "You have not given any permission yet." in vera.page("/privacy").text
    consent_id = give_permission(running, vera)
    page = vera.page("/privacy")
    assert "I allow Nordvind Energi and Podero to read data from this device." in page.text
    assert f"Version of the words: {running.portal.ports.policy.consent_version}" in page.text
    assert "NIBE S1255 On your list of devices" in page.text
    assert f"/privacy/permissions/{consent_id}/withdraw" in page.links()


def test_before_taking_it_back_a_customer_reads_what_ends_and_what_does_not(
    running: Installation, vera: Visitor
) -> None:
    consent_id = give_permission(running, vera)
    page = vera.page(f"/privacy/permissions/{consent_id}/withdraw")
    assert page.heading == "Take back your permission?"
    assert "NIBE S1255" in page.text
    assert "We cannot end the access at Podero from here." in page.text
    assert page.form_fields(f"/privacy/permissions/{consent_id}/withdraw")["csrf_token"]
    with running.database.read() as tx:
        assert vera.customer
        assert len(devices.all_of(tx, vera.customer.id)) == 1


def test_once_taken_back_it_is_shown_so_and_cannot_be_taken_back_again(running: Installation, vera: Visitor) -> None:
    consent_id = give_permission(running, vera)
    answer = vera.post(f"/privacy/permissions/{consent_id}/withdraw")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/privacy#permissions")
    page = vera.page("/privacy")
    assert "Your permission is taken back." in page.text
    assert "Taken back: today" in page.text
    assert "its access at Podero may still be there" in page.text
    assert f"/privacy/permissions/{consent_id}/withdraw" not in page.links()
    assert "Your permission is taken back." not in vera.page("/privacy").text
    again = vera.send("GET", f"/privacy/permissions/{consent_id}/withdraw")
    assert (again.status_code, again.headers["Location"]) == (303, "/privacy#permissions")
    assert "Nothing is connected yet" in vera.page("/devices").text


def test_a_device_whose_access_could_not_be_ended_yet_says_so_among_the_devices(
    running: Installation, vera: Visitor
) -> None:
    running.sandbox.state.set_faults("telematica", {"fail_count": 1000, "fail_status": 503})
    consent_id = give_permission(running, vera, provider_key="telematica", provider_device_id="a" * 24)
    assert (
        "The access through Telematica ends as well." in vera.page(f"/privacy/permissions/{consent_id}/withdraw").text
    )
    vera.post(f"/privacy/permissions/{consent_id}/withdraw")
    said = "The access could not be ended yet. We keep trying"
    assert said in vera.page("/privacy").text
    assert said in vera.page("/devices").text
    assert "Reconnect" not in vera.page("/devices").text
    device = f"device-{vera.customer and vera.customer.id}-heat_pump"
    assert vera.post(f"/devices/{device}/reauthenticate").status_code == 404


def test_nobody_sees_or_takes_back_anothers_permission(
    running: Installation, vera: Visitor, visitor: Callable[[], Visitor]
) -> None:
    consent_id = give_permission(running, vera)
    mallory = visitor().sign_in("mallory")
    assert mallory.page(f"/privacy/permissions/{consent_id}/withdraw", status=404).status == 404
    assert mallory.post(f"/privacy/permissions/{consent_id}/withdraw").status_code == 404
    assert "Taken back" not in vera.page("/privacy").text
    assert consent_id not in mallory.page("/privacy").html


def test_support_sees_what_was_allowed_and_can_take_back_nothing(running: Installation, vera: Visitor) -> None:
    consent_id = give_permission(running, vera, connection=Connection.WORKING)
    desk = Desk(running)
    assert vera.customer
    prefix = desk.view(vera.customer.id)
    page = desk.page(f"{prefix}/privacy")
    assert "I allow Nordvind Energi and Podero to read data from this device." in page.text
    assert not [link for link in page.links() if "withdraw" in link]
    assert desk.send("GET", f"{prefix}/privacy/permissions/{consent_id}/withdraw").status_code == 404
    assert desk.post(f"{prefix}/privacy/permissions/{consent_id}/withdraw").status_code in {403, 404}
    assert "Taken back" not in vera.page("/privacy").text


def idle(running: Installation, vera: Visitor, *, ended: bool) -> str:
    """A permission of an attempt that linked nothing; answers its id."""
    assert vera.customer
    now = datetime.now(UTC)
    path = give_attempt(running, vera, State.CANCELLED, vendor_key="daikin", provider_key="nox", ended_at=now)
    attempt_id = path.rsplit("/", 1)[-1]
    consent = Consent(vera.customer.id, attempt_id, "nox", "1", "en", smart_control=False, given_at=now)
    with running.database.write() as tx:
        consents.record(tx, replace(consent, ended_at=now if ended else None))
    return attempt_id


def test_the_code_for_support_comes_before_everything_else_on_the_page(running: Installation, vera: Visitor) -> None:
    give_permission(running, vera)
    page = vera.page("/privacy")
    first = page.text.index("A code for customer support")
    assert all(first < page.text.index(words) for words in ("What we keep", "Your permissions"))
    assert page.html.count('action="/privacy/support-code"') == 1


def test_a_permission_that_nothing_came_of_is_folded_away_and_what_is_in_use_stands_by_its_device(
    running: Installation, vera: Visitor
) -> None:
    in_use = give_permission(running, vera)
    over, ended = idle(running, vera, ended=False), idle(running, vera, ended=True)
    page = vera.page("/privacy")
    shown, folded = page.html.split("<details", 1)
    assert f"withdraw-{in_use}" in shown
    assert "<h3>NIBE S1255</h3>" in shown
    assert f"withdraw-{over}" in folded
    assert f"withdraw-{over}" not in shown
    assert f"withdraw-{ended}" not in page.html
    assert "Ended, because nothing was connected: today" in folded
    assert "Daikin" not in shown


def test_one_that_ended_by_itself_needs_not_be_taken_back(running: Installation, vera: Visitor) -> None:
    ended = idle(running, vera, ended=True)
    answer = vera.send("GET", f"/privacy/permissions/{ended}/withdraw")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/privacy#permissions")
    assert "No permission is in use at the moment." in vera.page("/privacy").text


def test_what_was_just_taken_back_is_not_folded_away(running: Installation, vera: Visitor) -> None:
    consent_id = give_permission(running, vera)
    vera.post(f"/privacy/permissions/{consent_id}/withdraw")
    assert '<details class="earlier" open>' in vera.page("/privacy").html
    assert '<details class="earlier">' in vera.page("/privacy").html
