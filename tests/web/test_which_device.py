"""Which device it is, on the pages: the question with its answers, and names that tell one device from the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, Device, DeviceReading, RemovedBecause
from portal.domain.health import Cause
from portal.domain.link_session import Purpose, Reason, State
from portal.journey import devices as journey
from tests.support.live import Installation
from tests.web.giving import give, give_attempt
from tests.web.visitor import Visitor

NOW = datetime.now(UTC)
LAPSED = {"connection": Connection.NEEDS_REAUTHENTICATION, "cause": Cause.ACCESS_ENDED}
DAIKIN = {"provider_key": "nox", "vendor_key": "daikin", "vendor_name": "Daikin", "model": "Altherma 3"}


@pytest.fixture
def uma(running: Installation, request: pytest.FixtureRequest) -> Visitor:
    return Visitor(running.app, running.url).sign_in(f"uma-{abs(hash(request.node.name))}")


def asked(running: Installation, uma: Visitor) -> tuple[Device, str]:
    """A heat pump that was to be reconnected, and an attempt that came back with one of which nothing tells."""
    pump = give(running, uma, **DAIKIN, **LAPSED)
    came = DeviceReading("nox-new", DeviceType.HEAT_PUMP, Connection.WORKING, "daikin", "Daikin", "Altherma 3")
    renewal = {"purpose": Purpose.REAUTHENTICATE, "device_id": pump.id, "confirmed": (came,), "ended_at": NOW}
    choice = {"provider_key": "nox", "vendor_key": "daikin", "vendor_code": "daikin"}
    return pump, give_attempt(running, uma, State.FAILED, reason=Reason.WHICH_DEVICE, **renewal, **choice)


def test_the_customer_is_asked_whether_it_is_the_same_one_and_nothing_says_connected_again(
    running: Installation, uma: Visitor
) -> None:
    pump, path = asked(running, uma)
    page = uma.page(path)
    assert "Is this the same heat pump?" in page.text
    assert "connected again" not in page.text
    assert path in uma.page("/devices").links()
    answer = uma.send("POST", f"{path}/same", data=page.form_fields(f"{path}/same"))
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    after = uma.page(path)
    assert "Your heat pump is connected again" in after.text
    assert "Is this the same heat pump?" not in after.text + uma.page("/devices").text
    assert uma.customer
    kept = journey.find(ports=running.app.extensions["portal"].ports, customer=uma.customer, device_id=pump.id)
    assert kept is not None
    assert kept.provider_device_id == "nox-new"


def test_one_who_says_that_it_is_another_one_reads_which_still_needs_reconnecting(
    running: Installation, uma: Visitor
) -> None:
    _, path = asked(running, uma)
    page = uma.page(path)
    uma.send("POST", f"{path}/another", data=page.form_fields(f"{path}/another"))
    after = uma.page(path)
    assert "That was a different account" in after.text
    assert "This one still needs reconnecting: Daikin Altherma 3" in after.text
    assert "Keep the other device instead" in after.text


def test_nobody_answers_for_another_customer(running: Installation, uma: Visitor) -> None:
    _, path = asked(running, uma)
    eve = Visitor(running.app, running.url).sign_in("eve-which")
    for answer in ("same", "another"):
        assert eve.post(f"{path}/{answer}").status_code == 404


def two_alike(running: Installation, uma: Visitor, **second: object) -> tuple[Device, Device]:
    assert uma.customer
    first = give(running, uma, **DAIKIN, id=f"a-{uma.customer.id}", provider_device_id="nox-00aa")
    other = {"id": f"b-{uma.customer.id}", "provider_device_id": "nox-00bb", **second}
    return first, give(running, uma, **DAIKIN, **other)


def test_two_devices_of_one_name_are_told_apart_on_cards_and_before_one_is_removed(
    running: Installation, uma: Visitor
) -> None:
    first, second = two_alike(running, uma)
    page = uma.page("/devices")
    assert "Daikin Altherma 3 (…00AA)" in page.text
    assert "Daikin Altherma 3 (…00BB)" in page.text
    for device, end in ((first, "…00AA"), (second, "…00BB")):
        assert f"Remove Daikin Altherma 3 ({end})?" in uma.page(f"/devices/{device.id}/remove").text


def test_the_day_tells_devices_of_one_name_apart_where_it_differs(running: Installation, uma: Visitor) -> None:
    two_alike(running, uma, linked_at=NOW - timedelta(days=40))
    assert uma.page("/devices").text.count("Daikin Altherma 3 (connected ") == 2


def test_a_name_that_is_the_only_one_stays_as_it_is(running: Installation, uma: Visitor) -> None:
    give(running, uma, **DAIKIN)
    assert "Daikin Altherma 3 (" not in uma.page("/devices").text


def test_a_device_that_another_explains_is_not_to_be_connected_again(running: Installation, uma: Visitor) -> None:
    two_alike(running, uma, connection=Connection.UNKNOWN, cause=Cause.NOT_NAMED)
    page = uma.page("/devices")
    assert "remove it and connect it again" not in page.text
    assert "If it is the same one as Daikin Altherma 3 (…00AA), you can remove it here." in page.text


def test_one_whose_device_has_lapsed_reads_first_that_it_only_needs_reconnecting(
    running: Installation, uma: Visitor
) -> None:
    device = give(running, uma, nickname="Villa", **LAPSED)
    page = uma.page("/connect/heat-pump/nibe")
    assert "Villa only needs reconnecting" in page.text
    assert page.html.index(f"/devices/{device.id}/reauthenticate") < page.html.index('name="consent"')


def brought_in(running: Installation, uma: Visitor) -> tuple[Device, str]:
    """A charger that was to be reconnected, and an attempt that another account's charger came back with."""
    easee = {"provider_key": "telematica", "vendor_key": "easee", "vendor_name": "Easee", "model": "Home"}
    charger = give(running, uma, device_type=DeviceType.CHARGER, **easee, **LAPSED)
    came = DeviceReading("b" * 24, DeviceType.CHARGER, Connection.WORKING, "EASEE", "Easee", "Charge")
    renewal = {"purpose": Purpose.REAUTHENTICATE, "device_id": charger.id, "confirmed": (came,), "ended_at": NOW}
    choice = {"provider_key": "telematica", "vendor_key": "easee", "vendor_code": "EASEE"}
    choice["device_type"] = DeviceType.CHARGER
    return charger, give_attempt(running, uma, State.FAILED, reason=Reason.OTHER_ACCOUNT, **renewal, **choice)


def test_what_another_account_brought_in_is_a_question_on_both_pages(running: Installation, uma: Visitor) -> None:
    _, path = brought_in(running, uma)
    for page in (uma.page("/devices"), uma.page("/privacy")):
        assert "Easee Charge" in page.text
        assert "You signed in with another account, and Telematica connected this device too." in page.text
        assert path in page.links()
    attempt = uma.page(path)
    assert "You can also keep both devices, or end the access to the other one." in attempt.text
    assert "End the access to Easee Charge" in attempt.text


@pytest.mark.parametrize("answer", ["keep", "let-go"])
def test_an_answer_ends_the_question(running: Installation, uma: Visitor, answer: str) -> None:
    _, path = brought_in(running, uma)
    sent = uma.send("POST", f"{path}/{answer}", data=uma.page(path).form_fields(f"{path}/{answer}"))
    assert (sent.status_code, sent.headers["Location"]) == (303, path if answer == "keep" else "/devices")
    for page in (uma.page("/devices"), uma.page("/privacy")):
        assert "Telematica connected this device too" not in page.text
    again = uma.post(f"{path}/let-go")
    assert (again.status_code, again.headers["Location"]) == (303, path)


def test_a_device_from_the_manufacturers_side_is_offered(running: Installation, uma: Visitor) -> None:
    off_the_list = {"removed_at": NOW, "removed_because": RemovedBecause.LINKED_ELSEWHERE}
    found = give(running, uma, **DAIKIN, **off_the_list)
    page = uma.page("/devices")
    assert "NOX has this device too, but it was not connected here." in page.text
    assert "/connect/heat-pump/daikin" in page.links()
    uma.send("POST", f"/devices/{found.id}/put-away", data=page.form_fields(f"/devices/{found.id}/put-away"))
    assert "NOX has this device too" not in uma.page("/devices").text
