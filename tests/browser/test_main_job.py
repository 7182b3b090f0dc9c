"""The main job in a real browser: link a device, see it break, reconnect it."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import DESKTOP, PATIENCE, Visitor
from tests.support.live import Installation

pytestmark = pytest.mark.browser

expect.set_options(timeout=PATIENCE)

Make = Callable[..., Visitor]

STORIES = [
    pytest.param("podero", "sv", "heat-pump", "nibe", "demomyuplink@nibe.se", "nibe", id="podero-nibe-sv"),
    pytest.param("podero", "hu", "vehicle", "tesla", "demo-tesla@getfreeheat.com", "tesla", id="podero-tesla-hu"),
    pytest.param("nox", "nl", "heat-pump", "daikin", "anna@example.com", None, id="nox-daikin-nl"),
    pytest.param("telematica", "sv", "charger", "easee", "anna@example.com", None, id="telematica-easee-sv"),
    pytest.param("telematica", "hu", "charger", "zaptec", "anna@example.com", None, id="telematica-zaptec-hu"),
    pytest.param("telematica", "nl", "battery", "enphase", "anna@example.com", None, id="telematica-enphase-nl"),
]


@pytest.mark.parametrize(("provider", "language", "device_type", "vendor", "account", "vendor_there"), STORIES)
def test_a_customer_links_a_device_sees_it_break_and_reconnects_it(
    visitor: Make,
    live: Installation,
    provider: str,
    language: str,
    device_type: str,
    vendor: str,
    account: str,
    vendor_there: str | None,
) -> None:
    anna = visitor()
    anna.sign_in("anna")
    anna.speak(language)
    anna.choose(device_type, vendor, vendor)
    anna.leave()
    anna.is_there(provider)
    anna.sign_in_there(account, vendor_there)
    anna.sees("linked")
    assert anna.language == language

    anna.press_at_the_sandbox("Break this device")
    no_longer_fresh(live)
    anna.to_devices()
    loaded = anna.loaded_at()
    expect(anna.reconnect_button()).to_be_visible()
    assert anna.loaded_at() == loaded, "the page was loaded anew"
    assert anna.language == language

    anna.reconnect_button().click()
    anna.is_there(provider)
    anna.sign_in_there(account)
    anna.sees("linked")
    anna.to_devices()
    expect(anna.page.locator(".state--working")).to_have_count(1)
    expect(anna.reconnect_button()).to_have_count(0)
    assert len(live.devices()) == 1


def test_the_whole_story_needs_no_javascript(visitor: Make, live: Installation) -> None:
    anna = visitor(javascript=False, size=DESKTOP)
    anna.sign_in("anna")
    anna.speak("de")
    anna.choose("heat-pump", "nibe", "nibe")
    anna.leave()
    anna.sign_in_there("demomyuplink@nibe.se", "nibe")
    by_hand(anna, '[data-state="linked"]', '#progress a[href^="/link-sessions/"]')

    anna.press_at_the_sandbox("Break this device")
    no_longer_fresh(live)
    anna.to_devices()
    by_hand(anna, 'form[action$="/reauthenticate"]', '#devices a[href^="/devices?"], #devices a[href="/devices"]')
    anna.reconnect_button().click()
    anna.sign_in_there("demomyuplink@nibe.se")
    by_hand(anna, '[data-state="linked"]', '#progress a[href^="/link-sessions/"]')
    anna.to_devices()
    expect(anna.page.locator(".state--working")).to_have_count(1)
    assert anna.language == "de"


def no_longer_fresh(live: Installation) -> None:
    """Waits until what was read of the devices is old enough to be read again."""
    time.sleep(live.portal.ports.policy.fresh_for.total_seconds())


def by_hand(anna: Visitor, wanted: str, link: str) -> None:
    """Presses the page's own refresh link until what is wanted is there."""
    for _ in range(20):
        if anna.page.locator(wanted).count():
            return
        anna.page.wait_for_timeout(300)
        anna.page.click(link)
    raise AssertionError(f"{wanted} never came: {anna.page.inner_text('main')}")
