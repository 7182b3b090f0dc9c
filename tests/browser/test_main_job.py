"""The main job in a real browser: link a device, see it break, reconnect it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.story import Story
from tests.browser.visitor import DESKTOP, PATIENCE, Visitor
from tests.support.live import Installation
from tests.support.sampling import sampled

pytestmark = pytest.mark.browser

expect.set_options(timeout=PATIENCE)

Make = Callable[..., Visitor]


STORIES = [
    Story("podero", "sv", "heat-pump", "nibe", "demomyuplink@nibe.se", "nibe"),
    Story("podero", "hu", "vehicle", "tesla", "demo-tesla@getfreeheat.com", "tesla"),
    Story("nox", "nl", "heat-pump", "daikin", "anna@example.com"),
    Story("telematica", "sv", "charger", "easee", "anna@example.com"),
    Story("telematica", "hu", "charger", "zaptec", "anna@example.com"),
    Story("telematica", "nl", "battery", "enphase", "anna@example.com"),
]


QUICK = (4,)
"""The story of the suite; the one without JavaScript is another, and `make torture` tells all."""


@pytest.mark.parametrize("story", sampled(STORIES, *QUICK), ids=str)
def test_a_customer_links_a_device_sees_it_break_and_reconnects_it(
    visitor: Make, live: Installation, story: Story
) -> None:
    anna = visitor()
    anna.sign_in("anna")
    anna.speak(story.language)
    anna.choose(story.device_type, story.vendor, story.vendor)
    anna.leave()
    anna.is_there(story.provider)
    anna.sign_in_there(story.account, story.vendor_there)
    anna.sees("linked")
    assert anna.language == story.language

    anna.press_at_the_sandbox("Break this device")
    anna.to_devices()
    loaded = anna.loaded_at()
    expect(anna.reconnect_button()).to_be_visible()
    assert anna.loaded_at() == loaded, "the page was loaded anew"
    assert anna.language == story.language

    anna.reconnect_button().click()
    anna.is_there(story.provider)
    anna.sign_in_there(story.account)
    if story.provider == "nox":
        # It names no device by which it could be known under its new id: the customer says that it is the same one.
        anna.page.locator('form[action$="/same"] button').click()
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
    anna.to_devices()
    by_hand(anna, 'form[action$="/reauthenticate"]', '#devices a[href^="/devices?"], #devices a[href="/devices"]')
    anna.reconnect_button().click()
    anna.sign_in_there("demomyuplink@nibe.se")
    by_hand(anna, '[data-state="linked"]', '#progress a[href^="/link-sessions/"]')
    anna.to_devices()
    expect(anna.page.locator(".state--working")).to_have_count(1)
    assert anna.language == "de"


def by_hand(anna: Visitor, wanted: str, link: str) -> None:
    """Presses the page's own refresh link until what is wanted is there."""
    for _ in range(20):
        if anna.page.locator(wanted).count():
            return
        anna.page.wait_for_timeout(300)
        anna.page.click(link)
    raise AssertionError(f"{wanted} never came: {anna.page.inner_text('main')}")
