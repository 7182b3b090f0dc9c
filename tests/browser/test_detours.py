"""What else happens to a customer on the way: slow providers, second thoughts, the back button, the wrong account."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Request, expect

from portal.storage import tables
from tests.browser.household import let_days_pass, newest_attempt
from tests.browser.visitor import PATIENCE, Visitor
from tests.support.live import Installation
from tests.support.sampling import sampled

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

Make = Callable[..., Visitor]

NIBE = ("heat-pump", "nibe", "nibe")
ATTEMPT = re.compile(r"/link-sessions/[\w-]+$")


def linked_nibe(anna: Visitor) -> None:
    anna.sign_in("anna")
    anna.choose(*NIBE)
    anna.leave()
    anna.sign_in_there("demomyuplink@nibe.se", "nibe")
    anna.sees("linked")


def test_a_slow_provider_is_waited_for_on_the_attempts_page_which_goes_on_by_itself(
    visitor: Make, live: Installation
) -> None:
    anna = visitor()
    anna.sign_in("anna")
    anna.choose(*NIBE)
    live.sandbox.state.set_faults("podero", {"delay": 7, "path_contains": "onboarding"})
    anna.leave()
    anna.page.wait_for_url(ATTEMPT)
    anna.sees("created")
    anna.is_there("podero")
    anna.sign_in_there("demomyuplink@nibe.se", "nibe")
    anna.sees("linked")


@pytest.mark.torture
def test_without_javascript_the_slow_provider_needs_two_more_clicks(visitor: Make, live: Installation) -> None:
    anna = visitor(javascript=False)
    anna.sign_in("anna")
    anna.choose("inverter", "sma", "sma")
    live.sandbox.state.set_faults("nox", {"delay": 7, "path_contains": "link-sessions"})
    anna.leave()
    anna.sees("created")
    for _ in range(40):
        anna.page.wait_for_timeout(500)
        anna.page.click("#progress a")
        if anna.page.locator('[data-state="departed"]').count():
            break
    anna.sees("departed")
    anna.main_button().click()
    anna.is_there("nox")


@pytest.mark.torture
def test_a_waiting_page_stops_asking_and_leaves_a_link_to_ask_again(visitor: Make, live: Installation) -> None:
    anna = visitor()
    anna.page.clock.install()
    anna.sign_in("anna")
    anna.choose("heat-pump", "daikin", "daikin")
    live.sandbox.state.set_faults("nox", {"lag": 3600})
    anna.leave()
    anna.sign_in_there("anna@example.com")
    expect(anna.page.locator('[data-state="waiting"], [data-state="arrived"]')).to_be_visible()
    asked: list[str] = []
    anna.page.on("request", lambda request: asked.append(request.url) if is_look(request) else None)
    for _ in range(12):
        if not anna.page.locator('#progress[data-hx-trigger^="load"]').count():
            break
        before = anna.page.locator("#progress").get_attribute("data-hx-get") or ""
        anna.page.clock.fast_forward(31_000)
        expect(anna.page.locator("#progress")).not_to_have_attribute("data-hx-get", before)
    assert 5 <= len(asked) <= 10
    anna.page.clock.fast_forward(600_000)
    anna.page.wait_for_timeout(300)
    assert len(asked) <= 10
    live.sandbox.state.set_faults("nox", {"lag": 0})
    for device in live.sandbox.state.devices:
        device.listed_from = 0
    anna.page.click("#progress a")
    anna.sees("linked")


def is_look(request: Request) -> bool:
    return "hx-request" in request.headers


@pytest.mark.torture
def test_the_back_button_after_leaving_offers_the_same_choice_again(visitor: Make, live: Installation) -> None:
    anna = visitor()
    anna.sign_in("anna")
    anna.choose(*NIBE)
    anna.leave()
    anna.is_there("podero")
    anna.page.go_back()
    assert anna.path == "/connect/heat-pump/nibe"
    anna.leave()
    anna.is_there("podero")
    anna.sign_in_there("demomyuplink@nibe.se", "nibe")
    anna.sees("linked")
    assert len(live.devices()) == 1


@pytest.mark.torture
def test_the_back_button_after_coming_back_changes_nothing(visitor: Make, live: Installation) -> None:
    anna = visitor()
    anna.foreseen.add(410)
    linked_nibe(anna)
    anna.page.go_back()
    anna.page.go_forward()
    anna.sees("linked")
    assert len(live.devices()) == 1


def test_a_second_click_opens_no_second_attempt(visitor: Make, live: Installation) -> None:
    anna = visitor()
    anna.sign_in("anna")
    anna.choose(*NIBE)
    live.sandbox.state.set_faults("podero", {"delay": 0.7, "path_contains": "onboarding"})
    anna.page.check("#consent")
    anna.main_button().dblclick()
    anna.is_there("podero")
    assert len(live.sandbox.state.links) == 1


@pytest.mark.torture
def test_the_language_may_change_at_every_step(visitor: Make, live: Installation) -> None:
    anna = visitor()
    anna.sign_in("anna")
    assert anna.language == "sv", "the language of her customer account"
    anna.page.click('main .actions a[href="/connect"]')
    anna.speak("de")
    assert anna.path == "/connect"
    anna.page.click('.choice[href="/connect/heat-pump"]')
    anna.speak("nl")
    assert anna.path == "/connect/heat-pump"
    anna.page.click('.choice[href="/connect/heat-pump/nibe"]')
    anna.speak("hu")
    assert anna.path == "/connect/heat-pump/nibe"
    anna.leave()
    anna.is_there("podero")
    assert anna.language == "hu"
    anna.sign_in_there("demomyuplink@nibe.se", "nibe")
    anna.sees("linked")
    assert anna.language == "hu"
    attempt = anna.path
    anna.speak("et")
    assert anna.path == attempt
    again = visitor()
    again.sign_in("anna")
    assert again.language == "et", "her choice follows her to another browser"


@pytest.mark.torture
def test_after_signing_out_the_back_button_shows_nothing_personal(visitor: Make, live: Installation) -> None:
    anna = visitor()
    anna.foreseen.add(410)
    linked_nibe(anna)
    anna.to_devices()
    expect(anna.page.get_by_text("Anna Lindqvist")).to_be_visible()
    anna.page.click('form[action="/sign-out"] button')
    anna.page.wait_for_url(f"{live.url}/")
    for _ in range(3):
        anna.page.go_back()
        anna.page.wait_for_load_state()
        seen = anna.page.inner_text("body")
        assert "NIBE S1255" not in seen
        assert "Lindqvist" not in seen or "/oidc/" in anna.path


def test_a_page_that_looks_by_itself_says_that_its_customer_is_signed_out(visitor: Make, live: Installation) -> None:
    anna = visitor()
    linked_nibe(anna)
    anna.to_devices()
    with live.database.write() as tx:
        tx.connection.execute(tables.login_sessions.delete())
    expect(anna.page.get_by_role("heading", name="You’ve been signed out")).to_be_visible(timeout=60_000)
    assert "NIBE S1255" not in anna.page.inner_text("main")
    assert anna.path == "/devices"
    anna.page.click('main a[href="/sign-in?to=devices"]')
    anna.page.wait_for_url(f"{live.url}/devices")
    expect(anna.page.get_by_text("NIBE S1255")).to_be_visible()


@pytest.mark.parametrize("choice", sampled(["vehicle/tesla", "inverter/sma", "charger/easee"], 0))
def test_somebody_who_cancels_keeps_the_choice_and_may_go_on(visitor: Make, live: Installation, choice: str) -> None:
    device_type, vendor = choice.split("/")
    anna = visitor()
    anna.sign_in("anna")
    anna.choose(device_type, vendor, vendor)
    anna.leave()
    anna.page.click("button[value=cancel]")
    anna.sees("cancelled")
    anna.main_button().click()
    assert anna.path == f"/connect/{device_type}/{vendor}"
    anna.leave()
    anna.page.locator("button[value=cancel]").wait_for()
    assert len(live.sandbox.state.links) == 2


@pytest.mark.torture
def test_a_link_that_ran_out_is_begun_again_with_one_button(visitor: Make, live: Installation) -> None:
    anna = visitor()
    anna.foreseen.add(410)
    anna.sign_in("anna")
    anna.choose(*NIBE)
    anna.leave()
    anna.page.click("button[value=expire]")
    attempt = newest_attempt(live)
    anna.open(attempt)
    anna.sees("departed")
    let_days_pass(live, attempt)
    anna.open(attempt)
    anna.sees("expired")
    anna.main_button().click()
    anna.leave()
    anna.sign_in_there("demomyuplink@nibe.se", "nibe")
    anna.sees("linked")


def test_the_wrong_vendor_account_is_named_and_the_right_one_heals(visitor: Make, live: Installation) -> None:
    anna = visitor()
    reconnect_with_the_other_account(anna)
    anna.sees("failed")
    anna.reconnect_button().first.click()
    anna.is_there("podero")
    anna.sign_in_there("demomyuplink@nibe.se")
    anna.sees("linked")
    assert [device.needs_customer for device in live.devices()] == [False]


@pytest.mark.torture
def test_the_device_of_the_other_account_may_be_kept_too(visitor: Make, live: Installation) -> None:
    anna = visitor()
    reconnect_with_the_other_account(anna)
    anna.sees("failed")
    anna.page.click('form[action$="/keep"] button')
    expect(anna.page.locator(".device")).to_have_count(2)
    anna.to_devices()
    expect(anna.reconnect_button()).to_have_count(1)


def reconnect_with_the_other_account(anna: Visitor) -> None:
    linked_nibe(anna)
    anna.press_at_the_sandbox("Break this device")
    time.sleep(anna.live.portal.ports.policy.fresh_for.total_seconds())
    anna.to_devices()
    anna.reconnect_button().click()
    anna.is_there("podero")
    anna.sign_in_there("second@nibe.se")
