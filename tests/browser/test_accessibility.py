"""Everybody can use every page: axe-core's verdict, no sideways scrolling, the keyboard alone."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser import scenes
from tests.browser.household import Household
from tests.browser.phone import Phone
from tests.browser.visitor import DESKTOP, PATIENCE, PHONE, Scheme, Visitor
from tests.support.browser import assert_accessible
from tests.support.live import Installation

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

Make = Callable[..., Visitor]

View = tuple[tuple[int, int], Scheme]

ALL: tuple[View, ...] = ((PHONE, "light"), (DESKTOP, "light"), (PHONE, "dark"))
SMALL: tuple[View, ...] = ((PHONE, "light"),)

NARROW = ((320, "106.25%"), (320, "212.5%"), (1280, "212.5%"))
"""Widths and sizes of text at which nothing may stick out."""

SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden])")]
  .filter(target => target.checkVisibility() && !target.closest(".skip, .notice, p:not(.text-link)"))
  .map(target => [target, (target.closest(".brand, .consent__label, .reasons__one") ?? target).getBoundingClientRect()])
  .filter(([_, box]) => box.height < 43.5 || box.width < 24)
  .map(([target, box]) => `${target.outerHTML.slice(0, 90)} is ${Math.round(box.width)} x ${Math.round(box.height)}`)"""

SHOWS_FOCUS = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}"""


@pytest.fixture
def live(household: Household) -> Installation:
    """The household's installation, as it is."""
    return household.live


def everything(visitor: Visitor, household: Household, language: str) -> Iterator[str]:
    """Every page in this language: a stranger's, a new customer's, and those of one who has been through it all."""
    visitor.open("/")
    visitor.speak(language)
    yield from scenes.of_everybody(visitor)
    visitor.sign_in("bela")
    visitor.speak(language)
    yield "devices-empty"
    visitor.page.click('form[action="/sign-out"] button')
    visitor.page.wait_for_url(f"{visitor.live.url}/")
    yield "signed-out"
    visitor.sign_in("anna")
    visitor.speak(language)
    yield from scenes.of_anna(visitor, household)
    visitor.open(household.slow_attempt())
    yield "attempt-created"


LONG_WORDS = pytest.mark.sample
"""Each language takes a minute: the suite has the one whose words are longest, `make torture` all."""


@pytest.mark.torture
@pytest.mark.parametrize(
    ("language", "views"), [("sv", ALL), pytest.param("hu", SMALL, marks=LONG_WORDS), ("de", SMALL)]
)
def test_axe_finds_no_fault_on_any_page_and_it_fits_a_small_phone_large_text_and_a_thumb(
    visitor: Make, household: Household, axe_source: str, language: str, views: tuple[View, ...]
) -> None:
    anna = visitor()
    faults = set()
    for name in everything(anna, household, language):
        assert anna.language == language, name
        script = axe_source
        for (width, height), scheme in views:
            anna.page.set_viewport_size({"width": width, "height": height})
            anna.page.emulate_media(color_scheme=scheme)
            try:
                assert_accessible(anna.page, script)
            except AssertionError as fault:
                faults.add(f"{name}, {width} px, {scheme}: {fault}")
            script = "0"  # axe-core is there already
        anna.page.emulate_media(color_scheme="light")
        faults |= too_narrow_or_small(name, anna)
    assert not faults, "\n".join(sorted(faults))


@pytest.mark.torture
@pytest.mark.parametrize("language", ["sv", "hu", "de"])
def test_axe_finds_no_fault_in_the_retailers_app_and_fits_its_pages(
    visitor: Make, household: Household, axe_source: str, language: str
) -> None:
    phone = Phone(visitor, household.live)
    phone.system.open("/")
    phone.system.speak(language)
    phone.enter("bela", locale=language)
    faults = set()
    for name, shown in scenes.of_app(phone):
        assert shown.language == language, name
        try:
            assert_accessible(shown.page, axe_source)
        except AssertionError as fault:
            faults.add(f"{name}: {fault}")
        faults |= too_narrow_or_small(name, shown)
    assert not faults, "\n".join(sorted(faults))


def too_narrow_or_small(name: str, shown: Visitor) -> set[str]:
    """What sticks out of this page where there is little room, and what is too small for a thumb."""
    page = shown.page
    faults = {f"{name}: {what}" for what in page.evaluate(SMALL_TARGETS)}
    for width, text in NARROW:
        page.set_viewport_size({"width": width, "height": 780})
        page.evaluate(f"document.documentElement.style.fontSize = '{text}'")
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            faults.add(f"{name}: needs {needed} px of {width}, text at {text}")
    page.evaluate("document.documentElement.style.fontSize = ''")
    return faults


def test_a_keyboard_alone_is_enough_to_leave_for_the_provider(visitor: Make, household: Household) -> None:
    anna = visitor(size=DESKTOP)
    anna.sign_in("carla")
    tab_to(anna, 'a[href="/connect"]')
    tab_to(anna, 'a[href="/connect/heat-pump"]')
    tab_to(anna, "#q", press=None)
    anna.page.keyboard.type("nibe")
    anna.page.keyboard.press("Enter")
    anna.page.locator(".count").filter(has_text="1").wait_for()
    tab_to(anna, 'a[href="/connect/heat-pump/nibe"]')
    tab_to(anna, "#consent", press="Space")
    tab_to(anna, "main form .button--primary")
    anna.is_there("podero")


def test_the_first_tab_offers_to_skip_to_the_content(visitor: Make, household: Household) -> None:
    anna = visitor()
    anna.open("/privacy")
    anna.page.keyboard.press("Tab")
    assert anna.page.evaluate("document.activeElement.getAttribute('href')") == "#content"
    assert anna.page.locator(".skip").bounding_box()["y"] >= 0  # type: ignore[index]  # it is on the page
    anna.page.keyboard.press("Enter")
    assert anna.page.evaluate("document.activeElement.id") == "content"


def test_the_language_menu_opens_and_closes_by_keyboard(visitor: Make, household: Household) -> None:
    anna = visitor()
    anna.open("/privacy")
    tab_to(anna, "details[data-menu] > summary")
    expect(anna.page.locator("details[data-menu]")).to_have_attribute("open", "")
    anna.page.keyboard.press("Tab")
    anna.page.keyboard.press("Escape")
    expect(anna.page.locator("details[data-menu]")).not_to_have_attribute("open", "")
    assert anna.page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_a_missing_consent_is_told_and_leads_to_the_box(visitor: Make, household: Household) -> None:
    anna = visitor()
    anna.foreseen.add(422)
    anna.sign_in("carla")
    anna.open("/connect/heat-pump/nibe")
    anna.main_button().click()
    anna.page.locator("#consent-error").wait_for()
    assert anna.page.evaluate("document.activeElement.matches('[role=alert]')")
    anna.page.click("[role=alert] a")
    assert anna.page.evaluate("document.activeElement.id") == "consent"


@pytest.mark.torture
def test_the_outcome_that_a_waiting_page_brings_gets_the_focus(visitor: Make, household: Household) -> None:
    anna = visitor()
    sandbox = household.live.sandbox.state
    sandbox.set_faults("nox", {"lag": 3600})
    anna.sign_in("carla")
    anna.choose("heat-pump", "vaillant", "vaillant")
    anna.leave()
    anna.sign_in_there("carla@example.com")
    expect(anna.page.locator("#progress")).to_be_visible()
    for device in sandbox.devices:
        device.listed_from = 0
    anna.sees("linked")
    expect(anna.page.locator("h1")).to_be_focused()


def test_the_count_that_a_search_brings_is_read_out_and_the_focus_stays(visitor: Make, household: Household) -> None:
    anna = visitor()
    anna.sign_in("carla")
    anna.open("/connect/heat-pump")
    anna.page.locator("#q").press_sequentially("nib")
    expect(anna.page.locator("#announcement")).not_to_be_empty()
    expect(anna.page.locator("#announcement")).to_have_text(anna.page.inner_text(".count"))
    assert anna.page.evaluate("document.activeElement.id") == "q"


def tab_to(visitor: Visitor, selector: str, press: str | None = "Enter") -> None:
    """Goes on with the Tab key until the focus is there and can be seen, and presses a key on it."""
    visitor.page.locator(selector).first.wait_for()
    for _ in range(80):
        visitor.page.keyboard.press("Tab")
        if visitor.page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
    else:
        raise AssertionError(f"the Tab key never reaches {selector} on {visitor.path}")
    assert visitor.page.evaluate(SHOWS_FOCUS), f"nobody sees the focus on {selector}"
    if press is not None:
        visitor.page.keyboard.press(press)
