"""What a customer reads on the way from the first page to a connected device."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, event

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection
from tests.support.live import Installation
from tests.web.giving import give
from tests.web.visitor import Visitor, good_page

HOSTILE = '"><script>alert(1)</script>{{7*7}}%(x)s'


def test_a_stranger_is_welcomed_and_can_sign_in(stranger: Visitor) -> None:
    page = stranger.page("/")
    assert page.title == "Welcome"
    assert "/sign-in?to=devices" in page.links()
    assert {"/privacy", "/accessibility"} <= set(page.links())


def test_a_customer_who_is_signed_in_goes_straight_to_the_devices(anna: Visitor) -> None:
    assert anna.send("GET", "/").headers["Location"] == "/devices"


def test_the_short_pages_are_there_for_everybody(stranger: Visitor) -> None:
    assert "random number" in stranger.page("/privacy").text
    assert "WCAG 2.2" in stranger.page("/accessibility").text
    assert stranger.page("/return").heading == "You are back"
    assert stranger.page("/sign-in/failed").heading == "Signing in did not work"


def test_a_customer_without_devices_is_invited_to_connect_one(running: Installation) -> None:
    page = Visitor(running.app, running.url).sign_in("nobody").page("/devices")
    assert "Nothing is connected yet" in page.text
    assert "/connect" in page.links()


def test_a_customer_chooses_a_type_and_a_manufacturer(anna: Visitor) -> None:
    assert "/connect/heat-pump" in anna.page("/connect").links()
    page = anna.page("/connect/heat-pump")
    assert page.heading == "Who made your heat pump?"
    assert {"/connect/heat-pump/nibe", "/connect/heat-pump/not-listed"} <= set(page.links())


def test_a_search_narrows_the_list_with_and_without_a_script(anna: Visitor) -> None:
    page = anna.page("/connect/heat-pump?q=nib")
    assert "/connect/heat-pump/nibe" in page.links()
    assert "1 manufacturer " in page.text
    fragment = anna.fragment("/connect/heat-pump?q=nib")
    assert "/connect/heat-pump/nibe" in fragment.text
    assert "<h1" not in fragment.text


def test_a_search_that_finds_nothing_says_so_and_runs_nothing(anna: Visitor) -> None:
    page = anna.page("/connect/heat-pump", query_string={"q": HOSTILE})
    assert "We don’t know" in page.text
    assert "<script>alert" not in page.html
    assert "{{7*7}}" in page.text


def test_a_customer_reads_whom_they_meet_before_leaving(anna: Visitor) -> None:
    page = anna.page("/connect/heat-pump/nibe")
    assert page.heading == "Before you continue to Podero"
    assert "You sign in with NIBE there" in page.text
    assert "Choose NIBE once more on the next page." in page.text
    assert "Your password with NIBE" in page.text
    assert "I allow Nordvind Energi and Podero to read data from this device." in page.text
    assert "checked" not in page.html
    assert "The next page will be in" not in page.text


def test_a_customer_who_gives_no_permission_keeps_the_choice_and_is_told(anna: Visitor) -> None:
    page = good_page(anna.post("/connect/heat-pump/nibe"), 422, "en")
    assert page.heading == "Before you continue to Podero"
    assert "#consent" in page.links()
    assert 'aria-invalid="true"' in page.html


def test_a_customer_who_gives_permission_leaves_from_a_page_of_ours(running: Installation, anna: Visitor) -> None:
    answer = anna.post("/connect/heat-pump/nibe", consent="yes")
    assert answer.status_code == 303
    assert answer.data == b""
    assert running.sandbox.url not in answer.headers["Location"]
    page = anna.page(answer.headers["Location"])
    assert page.heading == "Taking you to Podero"
    assert page.headers["Refresh"].startswith(f"0;url={running.sandbox.url}/podero/connect?")
    assert page.headers["Refresh"].removeprefix("0;url=") in page.links()
    assert "Continue to Podero" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_a_customer_tells_which_manufacturer_is_missing(anna: Visitor) -> None:
    path = "/connect/vehicle/not-listed"
    assert "#vendor" in good_page(anna.post(path, vendor="  "), 422, "en").links()
    answer = anna.post(path, vendor="Trabant")
    assert answer.headers["Location"] == f"{path}/thanks"
    assert "cannot promise" in anna.page(f"{path}/thanks").text


def test_a_lapsed_device_stands_first_with_its_reason_and_its_button(running: Installation) -> None:
    dora = Visitor(running.app, running.url).sign_in("dora")
    give(running, dora)
    lapsed = give(
        running,
        dora,
        device_type=DeviceType.VEHICLE,
        vendor_name="Tesla",
        model="Model 3",
        connection=Connection.NEEDS_REAUTHENTICATION,
        provider_device_id="there-too",
    )
    page = dora.page("/devices")
    assert page.text.index("Tesla Model 3") < page.text.index("NIBE S1255")
    assert "Tesla has ended the access" in page.text
    assert page.form_fields(f"/devices/{lapsed.id}/reauthenticate")["csrf_token"]
    assert "last contact today" in page.text


def test_a_name_that_a_provider_made_up_is_only_ever_text(running: Installation) -> None:
    eva = Visitor(running.app, running.url).sign_in("eva")
    device = give(running, eva, nickname=HOSTILE, vendor_name=HOSTILE, model=HOSTILE)
    for path in ("/devices", f"/devices/{device.id}/remove"):
        page = eva.page(path)
        assert "<script>alert" not in page.html
        assert "{{7*7}}" in page.text


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        (Connection.WORKING, "Connected"),
        (Connection.NEEDS_REAUTHENTICATION, "Needs reconnecting"),
        (Connection.WAITING, "Waiting for the device"),
        (Connection.UNREACHABLE, "Cannot be reached right now"),
        (Connection.UNKNOWN, "No recent information"),
    ],
)
def test_every_connection_is_said_in_words(running: Installation, connection: Connection, words: str) -> None:
    fay = Visitor(running.app, running.url).sign_in(f"fay-{connection}")
    give(running, fay, connection=connection, last_contact_at=None)
    page = fay.page("/devices")
    assert words in page.text
    assert "last contact" not in page.text


def test_another_customers_device_is_as_good_as_none(running: Installation, anna: Visitor) -> None:
    device = give(running, Visitor(running.app, running.url).sign_in("gil"))
    absent = anna.page("/devices/absent/remove", status=404)
    foreign = anna.page(f"/devices/{device.id}/remove", status=404)
    assert foreign.heading == absent.heading
    assert anna.post(f"/devices/{device.id}/remove").status_code == 404
    assert anna.post(f"/devices/{device.id}/reauthenticate").status_code == 404


def test_the_devices_page_looks_again_by_itself_and_then_rests(running: Installation) -> None:
    hal = Visitor(running.app, running.url).sign_in("hal")
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    give(running, hal, provider_key="podero", read_at=long_ago)
    assert "load delay" in hal.fragment("/devices?n=7").text
    assert "load delay" not in hal.fragment("/devices?n=8").text
    for nonsense in ("-1", "x", "٣", "9" * 50):
        assert hal.send("GET", "/devices", query_string={"n": nonsense}).status_code == 200


def test_the_devices_page_needs_few_statements_however_many_devices(running: Installation) -> None:
    ida = Visitor(running.app, running.url).sign_in("ida")
    for number in range(30):
        give(running, ida, id=f"ida-{number}", provider_device_id=f"there-{number}")
    ida.page("/devices")
    counted, here = [], threading.get_ident()

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if threading.get_ident() == here and statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            counted.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        ida.page("/devices")
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    assert len(counted) <= 5, counted
