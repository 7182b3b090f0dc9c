"""What the devices page says of attempts that are not finished and of devices that left by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Device, RemovedBecause
from portal.domain.health import Cause
from portal.domain.link_session import Reason, State
from portal.sandbox.program import RunningSandbox
from tests.support.live import Installation, installation
from tests.web.desk import Desk
from tests.web.giving import give, give_attempt, give_renewal
from tests.web.visitor import Visitor

NOW = datetime.now(UTC)


@pytest.fixture
def tove(running: Installation, visitor: Callable[[], Visitor]) -> Visitor:
    running.forget()
    return visitor().sign_in("tove")


SAID = [
    (State.DEPARTED, None, "You have not come back yet"),
    (State.CANCELLED, Reason.CUSTOMER_CANCELLED, "You cancelled"),
    (State.EXPIRED, Reason.LEFT_OPEN, "That took too long"),
    (State.FAILED, Reason.PROVIDER_UNAVAILABLE, "Podero cannot be reached right now"),
    (State.FAILED, Reason.PROVIDER_REFUSED, "The connection could not be started"),
]


@pytest.mark.parametrize(("state", "reason", "said"), SAID)
def test_an_attempt_that_is_not_finished_is_among_the_devices_with_its_choice_until_it_is_put_away(
    running: Installation, tove: Visitor, state: State, reason: Reason | None, said: str
) -> None:
    path = give_attempt(running, tove, state, reason=reason)
    page = tove.page("/devices")
    assert "NIBE Heat pump Not finished yet" in page.text
    assert said in page.text
    assert "Nothing is connected yet" not in page.text
    goes_on = path if state is State.DEPARTED else "/connect/heat-pump/nibe"
    assert goes_on in page.links()
    assert "NIBE" in tove.page(goes_on).text or state is State.DEPARTED
    assert path.rsplit("/", 1)[-1] in tove.fragment("/devices").text
    answer = tove.send("POST", f"{path}/put-away", data=page.form_fields(f"{path}/put-away"))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/devices")
    assert "Not finished yet" not in tove.page("/devices").text


@pytest.mark.parametrize("reason", [Reason.NOT_SIGNED_IN, Reason.ANOTHER_PERSON])
def test_of_an_attempt_that_somebody_else_came_back_with_nothing_is_said(
    running: Installation, tove: Visitor, reason: Reason
) -> None:
    path = give_attempt(running, tove, State.HELD, reason=reason)
    page = tove.page("/devices")
    assert "Nothing is connected yet" in page.text
    assert path not in page.html


def test_putting_away_needs_the_form_and_its_own_customer(
    running: Installation, tove: Visitor, visitor: Callable[[], Visitor]
) -> None:
    path = give_attempt(running, tove, State.CANCELLED, reason=Reason.CUSTOMER_CANCELLED)
    assert tove.send("POST", f"{path}/put-away").headers["Location"] == "/devices"
    assert "Not finished yet" in tove.page("/devices").text
    mallory = visitor().sign_in("mallory")
    assert mallory.post(f"{path}/put-away").status_code == 404
    assert mallory.post("/link-sessions/unknown/put-away").status_code == 404
    assert "Not finished yet" in tove.page("/devices").text


def test_a_choice_that_nobody_offers_any_more_leads_to_all_types(running: Installation, tove: Visitor) -> None:
    give_attempt(running, tove, State.FAILED, reason=Reason.PROVIDER_REFUSED, vendor_key="bygone")
    assert "/connect" in tove.page("/devices").links()


def removed(running: Installation, tove: Visitor, because: RemovedBecause | None) -> Device:
    return give(running, tove, nickname="Källaren", removed_at=NOW, removed_because=because)


def test_a_device_that_was_removed_at_its_maker_says_so_until_it_is_read(running: Installation, tove: Visitor) -> None:
    device = removed(running, tove, RemovedBecause.REMOVED_THERE)
    page = tove.page("/devices")
    assert "Källaren" in page.text
    assert "Removed at NIBE: today" in page.text
    assert "/connect/heat-pump/nibe" in page.links()
    away = f"/devices/{device.id}/put-away"
    answer = tove.send("POST", away, data=page.form_fields(away))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/devices")
    assert "Källaren" not in tove.page("/devices").text
    assert tove.post("/devices/unknown/put-away").status_code == 404


def test_a_replaced_device_says_so_and_offers_no_second_one(running: Installation, tove: Visitor) -> None:
    removed(running, tove, RemovedBecause.REPLACED)
    page = tove.page("/devices")
    assert "Replaced: today" in page.text
    assert "/connect/heat-pump/nibe" not in page.links()


def test_what_the_customer_removed_is_not_told(running: Installation, tove: Visitor) -> None:
    removed(running, tove, None)
    assert "Källaren" not in tove.page("/devices").text


def test_a_device_that_is_there_cannot_be_put_away(
    running: Installation, tove: Visitor, visitor: Callable[[], Visitor]
) -> None:
    device = give(running, tove)
    assert tove.post(f"/devices/{device.id}/put-away").status_code == 404
    gone = removed(running, tove, RemovedBecause.REMOVED_THERE)
    assert visitor().sign_in("mallory").post(f"/devices/{gone.id}/put-away").status_code == 404
    assert "Källaren" in tove.page("/devices").text


def test_a_renewal_that_was_begun_is_told_on_the_card_of_its_device(running: Installation, tove: Visitor) -> None:
    device = give(running, tove, connection=Cause.ACCESS_ENDED.connection, cause=Cause.ACCESS_ENDED)
    path = give_renewal(running, device, State.DEPARTED, expires_at=NOW + timedelta(hours=1))
    page = tove.page("/devices")
    assert "You have begun to reconnect it." in page.text
    assert path in page.links()
    assert "Not finished yet" not in page.text


def test_support_sees_the_same_and_puts_nothing_away(running: Installation, tove: Visitor) -> None:
    path = give_attempt(running, tove, State.CANCELLED, reason=Reason.CUSTOMER_CANCELLED)
    device = removed(running, tove, RemovedBecause.REMOVED_THERE)
    desk = Desk(running)
    assert tove.customer
    prefix = desk.view(tove.customer.id)
    page = desk.page(f"{prefix}/devices")
    assert "Not finished yet" in page.text
    assert "Removed at NIBE" in page.text
    for away in (f"{prefix}{path}/put-away", f"{prefix}/devices/{device.id}/put-away"):
        assert desk.post(away).status_code == 403
    assert "Not finished yet" in tove.page("/devices").text


NEXT_PAGE = [
    ("podero", "You go on to Podero and sign in with NIBE there."),
    ("nox", "You go on to NOX and sign in with NIBE there."),
    ("telematica", "You go on to Telematica and sign in with NIBE there."),
]


@pytest.mark.parametrize(("provider", "said"), NEXT_PAGE)
def test_beside_the_reconnect_button_stands_whom_one_meets_and_with_which_account(
    running: Installation, tove: Visitor, provider: str, said: str
) -> None:
    device = give(
        running, tove, provider_key=provider, connection=Cause.ACCESS_ENDED.connection, cause=Cause.ACCESS_ENDED
    )
    attempt = give_renewal(running, device, State.FAILED, reason=Reason.STILL_BROKEN)
    for path in ("/devices", attempt):
        page = tove.page(path)
        assert said in page.text
        assert "Use the owner’s account, the same one as before." in page.text
        assert "The next page will be in" not in page.text


@pytest.fixture(scope="module")
def swedish(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('in-sight')}/portal.sqlite"
    with installation(web_sandbox, url, {"PORTAL_LANGUAGES": "sv", "PORTAL_DEFAULT_LANGUAGE": "sv"}) as live:
        yield live


@pytest.mark.parametrize(("provider", "is_said"), [("podero", False), ("nox", True), ("telematica", True)])
def test_the_next_page_s_language_is_said_where_it_is_another(
    swedish: Installation, provider: str, *, is_said: bool
) -> None:
    ulla = Visitor(swedish.app, swedish.url).sign_in(f"ulla-{provider}")
    lapsed = {"connection": Cause.ACCESS_ENDED.connection, "cause": Cause.ACCESS_ENDED}
    give(swedish, ulla, provider_key=provider, **lapsed)
    assert ("Nästa sida är på engelska." in ulla.page("/devices", language="sv").text) is is_said


def test_what_was_just_linked_comes_first_and_is_marked(running: Installation, tove: Visitor) -> None:
    give(running, tove, id="tove-first", provider_device_id="one", model="F1155")
    path = give_attempt(running, tove, State.LINKED, ended_at=NOW)
    attempt_id = path.rsplit("/", 1)[-1]
    zeta = {"vendor_name": "Zeta", "model": "Z1", "consent_id": attempt_id}
    give(running, tove, id="tove-new", provider_device_id="two", **zeta)
    page = tove.page(path)
    assert page.text.index("Zeta Z1 New") < page.text.index("NIBE F1155")
    assert "NIBE F1155 New" not in page.text


def test_one_device_is_called_by_a_word_for_one(running: Installation, tove: Visitor) -> None:
    give(running, tove, device_type=DeviceType.HVAC, vendor_name="", model=None)
    assert "Air conditioner or thermostat" in tove.page("/devices").text
    assert "Air conditioning and thermostats" not in tove.page("/devices").text
    assert "Air conditioning and thermostats" in tove.page("/connect").text
