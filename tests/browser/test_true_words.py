"""No page says what is not so, and nobody is left without a way on: at each provider, each in another language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.browser.test_network import shows_the_device
from tests.browser.visitor import PATIENCE, Visitor
from tests.support.live import Installation
from tests.support.sampling import sampled

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

Make = Callable[..., Visitor]


@dataclass(frozen=True)
class Story:
    """Who links what, and whose account is the wrong one."""

    provider: str
    language: str
    device_type: str
    vendor: str
    account: str
    other_account: str
    vendor_there: str | None = None

    def __str__(self) -> str:
        return f"{self.provider}-{self.language}"


STORIES = [
    Story("podero", "sv", "heat-pump", "nibe", "demomyuplink@nibe.se", "second@nibe.se", "nibe"),
    Story("nox", "nl", "heat-pump", "daikin", "anna@example.com", "daan@example.com"),
    Story("telematica", "hu", "charger", "easee", "anna@example.com", "dieter@example.com"),
]
LAPSED = "#devices .lapsed"


def links(anna: Visitor, story: Story) -> None:
    anna.sign_in("anna")
    anna.speak(story.language)
    anna.choose(story.device_type, story.vendor, story.vendor)
    anna.leave()
    anna.sign_in_there(story.account, story.vendor_there)


@pytest.mark.parametrize("story", sampled(STORIES, 1), ids=str)
def test_another_account_is_never_called_connected_again(visitor: Make, live: Installation, story: Story) -> None:
    anna = visitor()
    links(anna, story)
    anna.sees("linked")
    anna.press_at_the_sandbox("Break this device")
    anna.to_devices()
    anna.reconnect_button().click()
    anna.sign_in_there(story.other_account)
    anna.page.wait_for_url("**/link-sessions/*")
    expect(anna.page.locator('[data-state="failed"]')).to_be_visible()
    assert anna.page.locator(".heading--success").count() == 0
    assert anna.language == story.language
    anna.to_devices()
    expect(anna.page.locator(LAPSED)).to_have_count(1)


@pytest.mark.parametrize("story", sampled(STORIES[:2], 0), ids=str)
def test_what_shows_up_late_is_in_sight_until_it_does(visitor: Make, live: Installation, story: Story) -> None:
    live.sandbox.state.set_faults(story.provider, {"lag": 3600})
    anna = visitor()
    links(anna, story)
    anna.sees("waiting")
    anna.to_devices()
    unfinished = anna.page.locator('#devices a[href*="/link-sessions/"]')
    expect(unfinished).to_have_count(1)
    shows_the_device(live)
    expect(unfinished).to_have_count(0)
    expect(anna.page.locator("#devices .state--working, #devices .state--waiting")).to_have_count(1)


@pytest.mark.parametrize("language", sampled(["de", "pl", "fr"], 0))
def test_a_search_without_a_hit_leads_on(visitor: Make, live: Installation, language: str) -> None:
    anna = visitor()
    anna.sign_in("anna")
    anna.speak(language)
    anna.open("/connect/heat-pump?q=stiebel")
    expect(anna.page.locator('a[href="/connect/heat-pump/other"]')).to_be_visible()
    anna.page.locator('a[href*="/not-listed"]').click()
    expect(anna.page.locator("#vendor")).to_have_value("stiebel")
    anna.page.locator("main form button").click()
    anna.page.wait_for_url("**/not-listed/thanks")
    assert anna.language == language
