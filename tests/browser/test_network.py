"""A page that waits never dies: a tunnel, a lift, a server that is just being replaced."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Request, Route, expect

from tests.browser.phone import Phone
from tests.browser.visitor import PATIENCE, Visitor
from tests.support.live import Installation

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

Make = Callable[..., Visitor]

OFFLINE = "main #offline:not(:empty)"


@contextmanager
def no_network(anna: Visitor) -> Iterator[None]:
    """Cuts the network of this browser."""
    anna.context.set_offline(True)
    yield
    anna.context.set_offline(False)


@contextmanager
def complaints_expected(anna: Visitor) -> Iterator[None]:
    """What the browser says of a lost network is no fault of the page."""
    before = len(anna.faults)
    yield
    said, anna.faults[before:] = anna.faults[before:], []
    assert all("ERR_INTERNET_DISCONNECTED" in one or "Failed to fetch" in one or "502" in one for one in said), said


def is_look(request: Request) -> bool:
    return "hx-request" in request.headers


def waits_for_the_device(anna: Visitor, live: Installation) -> None:
    """Is back from the vendor, and the provider does not show the device yet."""
    live.sandbox.state.set_faults("nox", {"lag": 3600})
    anna.sign_in("anna")
    anna.choose("heat-pump", "daikin", "daikin")
    anna.leave()
    anna.sign_in_there("anna@example.com")
    anna.sees("waiting")


def shows_the_device(live: Installation) -> None:
    for device in live.sandbox.state.devices:
        device.listed_from = 0


def test_a_waiting_page_looks_again_as_soon_as_the_network_is_back(visitor: Make, live: Installation) -> None:
    anna = visitor()
    waits_for_the_device(anna, live)
    with complaints_expected(anna):
        with no_network(anna):
            expect(anna.page.locator(OFFLINE)).to_be_visible()
            anna.page.wait_for_timeout(9_000)
            shows_the_device(live)
        anna.sees("linked")
    expect(anna.page.locator(OFFLINE)).to_have_count(0)


def test_one_bad_answer_while_the_server_is_replaced_stops_nothing(visitor: Make, live: Installation) -> None:
    anna = visitor()
    waits_for_the_device(anna, live)
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if is_look(route.request) and not refused:
            refused.append(route.request.url)
            shows_the_device(live)
            route.fulfill(status=502, body="Bad Gateway")
        else:
            route.fallback()

    anna.foreseen.add(502)
    with complaints_expected(anna):
        anna.context.route("**/link-sessions/*", refuse_once)
        anna.context.route("**/link-sessions/*?*", refuse_once)
        anna.sees("linked")
    assert refused


@pytest.mark.torture
def test_the_page_before_the_vendor_goes_on_after_a_tunnel(visitor: Make, live: Installation) -> None:
    anna = visitor()
    anna.sign_in("anna")
    anna.choose("heat-pump", "daikin", "daikin")
    live.sandbox.state.set_faults("nox", {"delay": 6, "path_contains": "link-sessions"})
    anna.leave()
    anna.sees("created")
    with complaints_expected(anna):
        with no_network(anna):
            expect(anna.page.locator(OFFLINE)).to_be_visible()
            anna.page.wait_for_timeout(8_000)
        anna.is_there("nox")


@pytest.mark.torture
def test_the_devices_page_looks_again_when_it_is_seen_again(visitor: Make, live: Installation) -> None:
    anna = visitor()
    waits_for_the_device(anna, live)
    anna.to_devices()
    expect(anna.page.locator("#devices [data-polls]")).to_be_attached()
    expect(anna.page.locator("main .text-link a")).to_be_visible()
    with complaints_expected(anna):
        with no_network(anna):
            expect(anna.page.locator(OFFLINE)).to_be_visible()
            shows_the_device(live)
            anna.page.wait_for_timeout(3_000)
        expect(anna.page.locator("#devices")).to_contain_text("Altherma")


def test_a_search_without_a_network_says_so_and_keeps_its_list(visitor: Make, live: Installation) -> None:
    anna = visitor()
    anna.sign_in("anna")
    anna.open("/connect/heat-pump")
    with complaints_expected(anna), no_network(anna):
        anna.page.fill("#q", "daik")
        expect(anna.page.locator(OFFLINE)).to_be_visible()
        expect(anna.page.locator('.choice[href$="/nibe"]')).to_be_visible()


def test_a_waiting_page_can_always_be_asked_by_hand(visitor: Make, live: Installation) -> None:
    anna = visitor()
    waits_for_the_device(anna, live)
    expect(anna.page.locator("main .text-link a")).to_be_visible()


@pytest.mark.torture
def test_in_the_retailers_app_a_lost_network_stops_nothing_either(visitor: Make, live: Installation) -> None:
    phone = Phone(visitor, live)
    live.sandbox.state.set_faults("podero", {"lag": 3600})
    phone.enter(locale="hu-HU")
    phone.ask_to_leave("heat-pump", "nibe")
    with complaints_expected(phone.app):
        with no_network(phone.app):
            # While the customer is in the other browser, the app has no network.
            expect(phone.app.page.locator(OFFLINE)).to_be_visible()
            phone.let_go()
            phone.go_on()
            phone.system.sign_in_there("demomyuplink@nibe.se", "nibe")
            phone.system.page.wait_for_url("**/app/back")
        phone.come_back()
        phone.app.sees("waiting")
        with no_network(phone.app):
            expect(phone.app.page.locator(OFFLINE)).to_be_visible()
            shows_the_device(live)
            phone.app.page.wait_for_timeout(5_000)
        phone.app.sees("linked")
    assert phone.app.language == "hu"
