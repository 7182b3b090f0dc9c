"""A call to customer support in a real browser, and that everybody can work there."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from portal.domain.support import MOST_TRIES
from tests.browser import scenes
from tests.browser.desk import at_the_desk, ends, finds, helps, leaves_the_desk, views
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


def test_a_whole_call(visitor: Make, household: Household) -> None:
    sam = visitor(size=DESKTOP)
    sam.foreseen.add(403)
    with_anna = visitor()
    with_anna.sign_in("anna")
    with_anna.speak("sv")
    at_the_desk(sam, "sam")
    views(sam)
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
    views(sam)
    sam.page.keyboard.press("Tab")
    assert sam.page.evaluate("document.activeElement.closest('.banner') !== null")
    for _ in range(25):
        assert not sam.page.evaluate(COVERED), sam.page.evaluate("document.activeElement.outerHTML")
        sam.page.keyboard.press("Tab")
    tab_to(sam, '.banner form[action$="/end"] button')
    sam.page.wait_for_url("**/support/over")


def pages(staff: Visitor, household: Household, language: str) -> Iterator[str]:
    """Every page of support in this language, and every page of a customer as an agent sees it."""
    staff.foreseen.update({403, 404, 405, 422})
    at_the_desk(staff, "sam")
    staff.speak(language)
    yield "search"
    yield from looking(staff, household)
    yield from asking_for_a_code(staff)
    staff.open("/support/?q=anna")
    yield "search-found"
    staff.page.click('.choice[href*="/support/as/"]')
    ends(staff)
    yield "over"
    staff.open("/support/audit")
    yield "refused"
    yield from of_a_lead(staff, language)
    yield from of_an_auditor(staff, language)


def looking(staff: Visitor, household: Household) -> Iterator[str]:
    finds(staff)
    yield "customer"
    staff.main_button().click()
    staff.page.locator("#ticket-error").wait_for()
    yield "customer-mistakes"
    prefix = views(staff)
    staff.page.click('.banner form[action$="/language"] button')
    staff.page.wait_for_load_state()
    removals = {"remove": household.lapsed, "remove-nox": household.working}
    seen = {
        **scenes.CUSTOMERS,
        **household.attempts,
        **{name: f"/devices/{device}/remove" for name, device in removals.items()},
        "timeline": "/timeline",
        "privacy": "/privacy",
        "accessibility": "/accessibility",
    }
    for name, path in seen.items():
        staff.open(f"{prefix}{path}")
        yield f"viewed-{name}"
    staff.open(f"{prefix}/connect/heat-pump/nibe")
    staff.leave()
    yield "view-only"
    staff.open(f"{prefix}/devices")


def asking_for_a_code(staff: Visitor) -> Iterator[str]:
    helps(staff)
    yield "help-code"
    for _ in range(MOST_TRIES):
        staff.page.fill("#code", "not a code")
        staff.main_button().click()
        staff.page.wait_for_load_state()
        if not staff.page.locator("#code").count():
            break
        yield "help-code-wrong"
    staff.page.locator("main .notice").wait_for()
    yield "help-code-over"


def of_a_lead(staff: Visitor, language: str) -> Iterator[str]:
    leaves_the_desk(staff)
    at_the_desk(staff, "lea")
    staff.speak(language)
    views(staff)
    helps(staff)
    yield "help"
    staff.page.locator('form[action$="/check"] button').first.click()
    staff.page.locator("main .notice").first.wait_for()
    yield "help-done"
    views(staff)
    views(staff)
    finds(staff)
    staff.page.check("[name=reason][value=other]")
    staff.page.fill("#ticket", "T-4")
    staff.main_button().click()
    staff.page.wait_for_load_state()
    yield "not-allowed"


def of_an_auditor(staff: Visitor, language: str) -> Iterator[str]:
    leaves_the_desk(staff)
    at_the_desk(staff, "otto")
    staff.speak(language)
    yield "search-of-an-auditor"
    staff.open("/support/audit")
    yield "audit"
    staff.open("/support/audit?customer=anna&since=2026-11-01&until=nonsense")
    yield "audit-mistakes"
    staff.open("/support/nowhere")
    yield "lost"
    staff.open("/support/sign-in/failed")
    yield "sign-in-failed"


@pytest.mark.torture
@pytest.mark.parametrize("language", ["de", "en", "sv", "hu", "pl"])
def test_every_page_at_the_desk_is_accessible_and_fits_a_small_phone_and_large_text(
    visitor: Make, household: Household, axe_source: str, language: str
) -> None:
    staff = visitor(size=DESKTOP)
    faults = set()
    for name in pages(staff, household, language):
        assert staff.language == language, name
        script = axe_source
        for width, height in (PHONE, DESKTOP):
            staff.page.set_viewport_size({"width": width, "height": height})
            try:
                assert_accessible(staff.page, script)
            except AssertionError as fault:
                faults.add(f"{name}, {width} px: {fault}")
            script = "0"  # axe-core is there already
        faults |= too_narrow_or_small(name, staff)
        staff.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    assert not faults, "\n".join(sorted(faults))
