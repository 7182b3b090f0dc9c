"""In the retailer's app: signed in already, out by the system's browser, and back to where one began."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from portal.domain.link_session import State
from tests.browser.phone import Phone
from tests.browser.story import Story
from tests.browser.visitor import PATIENCE, Visitor
from tests.support.live import Installation
from tests.support.sampling import sampled

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

Make = Callable[..., Visitor]


STORIES = [
    Story("podero", "sv-SE", "heat-pump", "nibe", "demomyuplink@nibe.se", "nibe"),
    Story("nox", "hu", "inverter", "sma", "anna@example.com"),
    Story("telematica", "de", "charger", "easee", "anna@example.com"),
]


@pytest.fixture
def phone(visitor: Make, live: Installation) -> Phone:
    return Phone(visitor, live)


def link_nibe(phone: Phone) -> None:
    """As far as the page that leads back to the app."""
    phone.ask_to_leave("heat-pump", "nibe")
    phone.let_go()
    phone.go_on()
    phone.system.sign_in_there("demomyuplink@nibe.se", "nibe")
    phone.system.page.wait_for_url("**/app/back")


def newest(live: Installation) -> str:
    return f"/link-sessions/{live.newest_attempt()}"


@pytest.mark.parametrize("story", sampled(STORIES, 2), ids=str)
def test_a_customer_links_in_the_app_and_ends_where_they_began(phone: Phone, live: Installation, story: Story) -> None:
    language = story.language[:2]
    phone.enter(locale=story.language, target=f"connect/{story.device_type}/{story.vendor}")
    assert phone.app.path == f"/connect/{story.device_type}/{story.vendor}"
    assert phone.app.language == language
    assert phone.app.page.locator("header, footer").count() == 0

    phone.app.leave()
    phone.app.sees("departed")
    phone.let_go()
    assert phone.system.language == language
    assert "A. L." in phone.system.page.inner_text("h1")
    phone.go_on()
    phone.system.is_there(story.provider)
    phone.system.sign_in_there(story.account, story.vendor_there)
    phone.system.page.wait_for_url("**/app/back")
    told = phone.system.page.inner_text("body")
    assert not any(word.casefold() in told.casefold() for word in (story.provider, story.vendor, "Lind", "A. L."))
    assert phone.system.page.locator('a[href^="example.nordvind.app:"]').count() == 1
    assert live.devices() == ()

    phone.come_back()
    phone.app.sees("linked")
    assert phone.app.language == language
    assert len(live.devices()) == 1


def test_the_page_in_the_app_goes_on_by_itself_once_the_app_is_back(phone: Phone, live: Installation) -> None:
    phone.enter()
    link_nibe(phone)
    phone.app.sees("held")
    other = phone.app.context.new_page()
    phone.press_back()
    other.goto(f"{live.url}/app/return?{phone.brought[-1].partition('?')[2]}")
    phone.app.sees("linked")


@pytest.mark.torture
def test_a_device_that_lapsed_is_reconnected_from_the_app(phone: Phone, live: Installation) -> None:
    phone.enter()
    link_nibe(phone)
    phone.come_back()
    phone.app.sees("linked")
    phone.system.press_at_the_sandbox("Break this device")
    phone.app.open("/devices")
    phone.app.reconnect_button().click()
    phone.app.sees("departed")
    phone.let_go()
    phone.go_on()
    phone.system.sign_in_there("demomyuplink@nibe.se")
    phone.come_back()
    phone.app.sees("linked")
    assert len(live.devices()) == 1


def test_the_way_out_is_followed_once_by_itself_and_again_by_hand(phone: Phone) -> None:
    phone.enter()
    phone.ask_to_leave("heat-pump", "nibe")
    phone.wait_for(phone.let_out, 1)
    phone.app.reload()
    expect(phone.app.page.locator("#way-out")).to_be_visible()
    assert len(phone.let_out) == 1
    phone.press_way_out()
    assert len(phone.let_out) == 2


@pytest.mark.torture
def test_an_app_that_does_not_let_go_shows_an_address_and_a_picture_for_another_browser(
    visitor: Make, live: Installation
) -> None:
    phone = Phone(visitor, live, lets_go=False)
    phone.enter()
    phone.app.open("/connect/heat-pump/nibe")
    phone.app.leave()
    address = phone.app.page.locator("#page-url")
    expect(address).to_have_value(f"{live.url}{newest(live)}")
    expect(phone.app.page.locator(".elsewhere img")).to_be_visible()

    # On a laptop: whoever opens the address signs in, and goes on with the same attempt there.
    laptop = visitor()
    laptop.open(newest(live))
    laptop.page.fill("#username", "anna")
    laptop.page.fill("#password", "demo")
    laptop.page.click("button.main")
    laptop.is_there("podero")
    laptop.sign_in_there("demomyuplink@nibe.se", "nibe")
    laptop.sees("linked")
    phone.app.open(newest(live))
    phone.app.sees("linked")


@pytest.mark.torture
def test_a_foreign_apps_webview_never_shows_a_vendors_sign_in(visitor: Make, live: Installation) -> None:
    iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/22F76 FBAN/FBIOS"
    anna = visitor(user_agent=iphone)
    anna.open("/connect/heat-pump/nibe")
    anna.page.click("main .button--secondary")
    anna.page.fill("#username", "anna")
    anna.page.fill("#password", "demo")
    anna.page.click("button.main")
    anna.leave()
    expect(anna.page.locator("#page-url")).to_have_value(f"{live.url}{newest(live)}")
    assert anna.page.locator("#way-out").count() == 0


STEPS = ("before leaving", "let go", "at the provider", "back", "in the end")


@pytest.mark.parametrize("lost", sampled(STEPS, 3))
def test_a_webview_that_loses_its_cookies_loses_nothing_else(phone: Phone, live: Installation, lost: str) -> None:
    phone.app.foreseen |= {401}
    phone.enter()

    def step(name: str) -> None:
        if name == lost:
            phone.app.context.clear_cookies()
            phone.app.open("/devices")
            assert phone.app.path == "/app/again"
            phone.enter(target=f"link-sessions/{live.newest_attempt()}" if live.newest_attempt() else "devices")

    step("before leaving")
    phone.ask_to_leave("heat-pump", "nibe")
    phone.wait_for(phone.let_out, 1)  # another address opened too early would get in the way of the one it follows
    step("let go")
    phone.let_go()
    phone.go_on()
    step("at the provider")
    phone.system.sign_in_there("demomyuplink@nibe.se", "nibe")
    phone.system.page.wait_for_url("**/app/back")
    step("back")
    if lost == "in the end":
        phone.app.context.clear_cookies()
        phone.come_back()
        expect(phone.app.page.locator("h1")).to_have_text("Open this again from the app")
        phone.enter(target=f"link-sessions/{live.newest_attempt()}")
        phone.app.sees("held")
    phone.come_back()
    phone.app.sees("linked")
    assert len(live.devices()) == 1


@pytest.mark.torture
def test_a_system_browser_that_loses_its_cookies_finishes_nothing(phone: Phone, live: Installation) -> None:
    phone.enter()
    phone.ask_to_leave("heat-pump", "nibe")
    phone.let_go()
    phone.go_on()
    phone.system.is_there("podero")
    phone.system.context.clear_cookies()
    phone.system.sign_in_there("demomyuplink@nibe.se", "nibe")
    phone.system.page.wait_for_url("**/oidc/**")
    assert live.state_of(newest(live)) is State.HELD
    assert live.devices() == ()


@pytest.mark.torture
def test_the_stranger_who_was_sent_the_link_reads_for_whom_it_is_and_ends_it(visitor: Make, live: Installation) -> None:
    mallory, anna = Phone(visitor, live), visitor()
    anna.foreseen |= {410}
    mallory.enter("bela")
    link = mallory.ask_to_leave("heat-pump", "nibe")
    anna.page.goto(link)
    assert "B. K." in anna.page.inner_text("h1")
    anna.page.click('form[action="/out/not-me"] button')
    assert anna.path == "/out/not-me"
    mallory.app.sees("cancelled")
    anna.open("/out")
    assert live.devices() == ()


@pytest.mark.torture
def test_what_a_stranger_was_tricked_into_is_finished_by_nobody(visitor: Make, live: Installation) -> None:
    mallory, anna = Phone(visitor, live), Phone(visitor, live)
    anna.app.foreseen |= {404}
    mallory.enter("bela")
    anna.enter("anna")
    anna.system.page.goto(mallory.ask_to_leave("heat-pump", "nibe"))
    anna.go_on()
    anna.system.sign_in_there("demomyuplink@nibe.se", "nibe")
    anna.come_back()
    assert live.state_of(newest(live)) is State.HELD
    mallory.app.sees("held")
    assert live.devices() == ()


@pytest.mark.torture
def test_two_telephones_of_one_customer_do_not_get_in_each_others_way(visitor: Make, live: Installation) -> None:
    one, two = Phone(visitor, live), Phone(visitor, live)
    one.enter()
    two.enter()
    link_nibe(one)
    first = newest(live)
    two.ask_to_leave("inverter", "sma")
    two.let_go()
    two.go_on()
    two.system.sign_in_there("anna@example.com")
    two.come_back()
    two.app.sees("linked")
    one.come_back()
    one.app.sees("linked")
    assert live.state_of(first) is State.LINKED
    assert len(live.devices()) == 2


@pytest.mark.torture
def test_a_cancelled_sign_in_is_told_in_the_app_without_a_code(phone: Phone, live: Installation) -> None:
    phone.enter()
    phone.ask_to_leave("heat-pump", "nibe")
    phone.let_go()
    phone.go_on()
    phone.system.page.click("button[value=cancel]")
    phone.system.page.wait_for_url("**/app/back")
    assert "code=" not in (phone.system.main_button().get_attribute("href") or "")
    phone.app.sees("cancelled")


@pytest.mark.torture
def test_another_account_of_the_household_is_asked_to_sign_out_first(phone: Phone, live: Installation) -> None:
    phone.system.foreseen |= {409, 410}
    phone.system.sign_in("bela")
    phone.enter("anna")
    phone.ask_to_leave("heat-pump", "nibe")
    phone.let_go()
    assert phone.system.page.locator('form[action="/out"]').count() == 0
    phone.system.page.click('main form[action="/sign-out"] button')
    phone.system.page.wait_for_url(f"{live.url}/")
    phone.app.reload()
    phone.press_way_out()
    phone.go_on()
    phone.system.is_there("podero")


def test_the_app_is_entered_without_a_word_and_from_another_site_with_a_question(
    visitor: Make, live: Installation
) -> None:
    phone, anna = Phone(visitor, live), visitor()
    phone.enter("bela")
    assert phone.app.path == "/devices"
    anna.sign_in("anna")
    phone.enter("bela")
    assert phone.app.path == "/devices"
    code = phone.code("bela")
    anna.page.set_content(f'<a href="{live.url}/app/enter?code={code}">Your bonus</a>')
    anna.page.click("text=Your bonus")
    assert anna.path == "/app/continue"
    assert "Béla" in anna.page.inner_text("h1")
    anna.page.click("main .button--secondary")
    anna.page.wait_for_url("**/devices")
    assert "Anna" in anna.page.inner_text("header")
