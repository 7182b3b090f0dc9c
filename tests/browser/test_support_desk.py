"""A call to customer support in a real browser, and that everybody can work there."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.household import Household
from tests.browser.test_accessibility import tab_to, too_narrow_or_small
from tests.browser.visitor import DESKTOP, PATIENCE, PHONE, Visitor
from tests.support.browser import assert_accessible
from tests.support.live import Installation

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

Make = Callable[..., Visitor]

COVERED = """() => {
  const box = document.activeElement.getBoundingClientRect();
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 20));
  return top === null || !(document.activeElement.contains(top) || top.contains(document.activeElement));
}"""


@pytest.fixture
def live(household: Household) -> Installation:
    """The household's installation, as it is."""
    return household.live


def at_the_desk(staff: Visitor, name: str) -> None:
    """Signs in at the staff's issuer."""
    staff.open("/support/")
    staff.page.fill("#username", name)
    staff.page.fill("#password", "demo")
    staff.page.click("button.main")
    staff.page.wait_for_url("**/support/")


def finds_anna(sam: Visitor) -> None:
    sam.open("/support/")
    sam.page.fill("#q", "anna lind")
    sam.page.press("#q", "Enter")
    sam.page.click('.choice[href*="/customers/"]')


def views_anna(sam: Visitor) -> None:
    finds_anna(sam)
    sam.page.check("[name=reason][value=connecting]")
    sam.page.fill("#ticket", "T-4711")
    sam.main_button().click()
    sam.page.wait_for_url("**/support/as/*/devices")


def ends(sam: Visitor) -> None:
    sam.page.click('.banner form[action$="/end"] button')
    sam.page.wait_for_url("**/support/over")


def test_a_whole_call(visitor: Make, household: Household) -> None:
    sam = visitor(size=DESKTOP)
    sam.foreseen.add(403)
    with_anna = visitor()
    with_anna.sign_in("anna")
    with_anna.speak("sv")
    at_the_desk(sam, "sam")
    views_anna(sam)
    banner = sam.page.locator(".banner")
    assert (sam.language, banner.get_attribute("lang")) == ("sv", "en")
    expect(banner).to_contain_text("Viewing as Anna Lindqvist")
    expect(banner).to_contain_text("T-4711")
    sam.page.click('.banner a[href$="/timeline"]')
    expect(sam.page.locator(".timeline > li").first).to_be_visible()
    sam.open(sam.path.removesuffix("/timeline") + "/connect/heat-pump/nibe")
    sam.leave()
    expect(sam.page.locator("h1")).to_be_visible()
    assert sam.path.startswith("/support/as/")
    sam.page.click('.banner form[action$="/language"] button')
    expect(sam.page.locator("html")).to_have_attribute("lang", "en")
    assert sam.path.endswith("/connect/heat-pump/nibe")
    sam.page.click('.banner form[action$="/language"] button')
    expect(sam.page.locator("html")).to_have_attribute("lang", "sv")
    ends(sam)
    with_anna.open("/privacy")
    expect(with_anna.page.locator(".looks > li").first).to_be_visible()


def test_the_banner_comes_first_and_covers_nothing_that_has_the_focus(visitor: Make, household: Household) -> None:
    sam = visitor(size=(360, 500))
    at_the_desk(sam, "lea")
    views_anna(sam)
    sam.page.keyboard.press("Tab")
    assert sam.page.evaluate("document.activeElement.closest('.banner') !== null")
    for _ in range(25):
        assert not sam.page.evaluate(COVERED), sam.page.evaluate("document.activeElement.outerHTML")
        sam.page.keyboard.press("Tab")
    tab_to(sam, '.banner form[action$="/end"] button')
    sam.page.wait_for_url("**/support/over")


def pages(staff: Visitor, language: str) -> Iterator[str]:
    """Every page of support in this language."""
    staff.foreseen.update({403, 404, 422})
    at_the_desk(staff, "sam")
    staff.speak(language)
    yield "search"
    finds_anna(staff)
    yield "customer"
    staff.main_button().click()
    staff.page.locator("#ticket-error").wait_for()
    yield "customer-mistakes"
    views_anna(staff)
    prefix = staff.path.removesuffix("/devices")
    yield "viewed-devices"
    staff.page.click('.banner form[action$="/language"] button')
    yield "viewed-devices-in-my-language"
    staff.open(f"{prefix}/timeline")
    yield "timeline"
    staff.open(f"{prefix}/connect/heat-pump/nibe")
    staff.leave()
    yield "view-only"
    staff.open("/support/?q=a")
    yield "search-found"
    staff.open(f"{prefix}/devices")
    ends(staff)
    yield "over"
    staff.open("/support/audit")
    yield "refused"
    staff.open("/support/")
    staff.page.click('form[action="/support/sign-out"] button')
    staff.page.wait_for_load_state()
    at_the_desk(staff, "otto")
    staff.speak(language)
    staff.open("/support/audit")
    yield "audit"
    staff.open("/support/audit?customer=anna&since=2026-11-01&until=nonsense")
    yield "audit-mistakes"
    staff.open("/support/nowhere")
    yield "lost"
    staff.open("/support/sign-in/failed")
    yield "sign-in-failed"


@pytest.mark.parametrize("language", ["en", "de", "hu"])
def test_axe_finds_no_fault_at_the_desk_and_every_page_fits(
    visitor: Make, household: Household, axe_source: str, language: str
) -> None:
    staff = visitor(size=DESKTOP)
    faults = set()
    for name in pages(staff, language):
        for width, height in (PHONE, DESKTOP):
            staff.page.set_viewport_size({"width": width, "height": height})
            try:
                assert_accessible(staff.page, axe_source)
            except AssertionError as fault:
                faults.add(f"{name}, {width} px: {fault}")
        # The customer's own words are looked at where customers' pages are.
        if language == "de" and name != "viewed-devices":
            faults |= too_narrow_or_small(name, staff)
        staff.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    assert not faults, "\n".join(sorted(faults))
