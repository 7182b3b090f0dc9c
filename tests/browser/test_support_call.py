"""A call to customer support from beginning to end: two browsers, the agent's and the customer's, in two languages."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from portal.domain.link_session import State
from tests.browser.desk import (
    at_the_desk,
    ends,
    helps,
    opens_the_letter,
    reads_out_a_code,
    signs_in_there,
    takes_code,
    views,
    watches,
)
from tests.browser.phone import Phone
from tests.browser.story import Story
from tests.browser.visitor import DESKTOP, PATIENCE, Visitor
from tests.support.live import Installation
from tests.support.person import Person
from tests.support.sampling import sampled

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

Make = Callable[..., Visitor]

CUSTOMERS = {"hu": ("bela", "Béla Kovács"), "nl": ("daan", "Daan de Vries"), "de": ("dieter", "Dieter Schäfer")}

STORIES = [
    Story("podero", "hu", "heat-pump", "nibe", "demomyuplink@nibe.se", "nibe"),
    Story("nox", "nl", "heat-pump", "daikin", "daan@example.com"),
    Story("telematica", "de", "charger", "easee", "dieter@example.com"),
]
LAPSED, WORKING = ".lapsed", ".state--working"


def has_linked(live: Installation, story: Story) -> None:
    """Some time ago the customer linked a device, which has stopped working since."""
    username, _ = CUSTOMERS[story.language]
    with Person(live.url, story.language) as person:
        person.sign_in(username)
        page = person.link(story.device_type, story.vendor, story.account, vendor_there=story.vendor_there)
        person.sees(page.path, lambda shown: 'data-state="linked"' in shown.html)
        (device,) = live.sandbox.state.devices
        broken = f"{live.sandbox.url}/control/devices/{story.provider}/{device.id}/break"
        person.post(broken, json={}, timeout=10).raise_for_status()


def reconnects(customer: Visitor, story: Story) -> None:
    """Presses the button, signs in with the manufacturer, and is back with a device that works."""
    customer.reconnect_button().click()
    customer.is_there(story.provider)
    customer.sign_in_there(story.account)
    if story.provider == "nox":
        # It gives the device a new id and nothing to know it by, so that is asked.
        customer.page.locator('form[action$="/same"] button').click()
    customer.sees("linked")
    assert customer.language == story.language


def follows_the_letter(customer: Visitor, story: Story, target: str) -> None:
    """Reads the letter in a browser where nobody is signed in, and signs in where it leads."""
    username, _ = CUSTOMERS[story.language]
    opens_the_letter(customer, target)
    letters = customer.live.sandbox.state.mails
    assert {letter["Content-Language"] for letter in letters} == {story.language}
    assert customer.path.startswith("/oidc/"), "the link alone shows nothing"
    signs_in_there(customer, username)
    assert customer.language == story.language


def the_banner_is_swedish(staff: Visitor, name: str, story: Story) -> None:
    """The page is in the customer's language, what is said about it in the agent's."""
    banner = staff.page.locator(".banner")
    assert (staff.language, banner.get_attribute("lang")) == (story.language, "sv")
    expect(banner).to_contain_text(name)
    expect(banner).to_contain_text("T-4711")


@pytest.mark.parametrize("story", sampled(STORIES), ids=str)
def test_a_lead_sees_what_is_wrong_and_the_customer_puts_it_right(
    visitor: Make, live: Installation, story: Story
) -> None:
    lea, customer = visitor(size=DESKTOP, language="sv"), visitor(language=story.language)
    _, name = CUSTOMERS[story.language]
    has_linked(live, story)
    at_the_desk(lea, "lea")
    prefix = views(lea, name, "reconnecting")
    the_banner_is_swedish(lea, name, story)
    helps(lea)
    assert lea.language == "sv"
    lea.page.click('form[action$="/check"] button')
    watches(lea, f"{prefix}/devices", LAPSED)
    lea.page.click('.banner a[href$="/timeline"]')
    expect(lea.page.locator(".timeline .entry--attention").first).to_be_visible()
    helps(lea)
    lea.page.click('form[action$="/invite"][action*="/devices/"] button')
    expect(lea.page.locator("main .notice").first).to_be_visible()

    follows_the_letter(customer, story, "devices/")
    assert customer.path == "/devices"
    reconnects(customer, story)
    customer.to_devices()
    expect(customer.page.locator(WORKING)).to_have_count(1)
    watches(lea, f"{prefix}/devices", WORKING)
    assert lea.page.locator(LAPSED).count() == 0
    watches(lea, f"{prefix}/timeline", ".timeline .entry--success")
    ends(lea)
    assert len(live.devices()) == 1


@pytest.mark.parametrize("story", sampled(STORIES, 0), ids=str)
def test_an_agent_helps_once_the_customer_has_read_out_a_code(visitor: Make, live: Installation, story: Story) -> None:
    sam, customer = visitor(size=DESKTOP, language="sv"), visitor(language=story.language)
    username, name = CUSTOMERS[story.language]
    has_linked(live, story)
    customer.sign_in(username)
    at_the_desk(sam, "sam")
    prefix = views(sam, name, "reconnecting")
    helps(sam)
    assert sam.page.locator('main form[action$="/invite"]').count() == 0
    takes_code(sam, reads_out_a_code(customer))
    sam.page.click('form[action$="/check"] button')
    watches(sam, f"{prefix}/devices", LAPSED)
    helps(sam)
    sam.page.click('form[action$="/invite"][action*="/devices/"] button')
    opens_the_letter(customer, "devices/")
    customer.page.wait_for_url("**/devices*")
    reconnects(customer, story)
    watches(sam, f"{prefix}/devices", WORKING)
    customer.open("/privacy")
    expect(customer.page.locator(".looks > li")).to_have_count(1)


@pytest.mark.parametrize("story", sampled(STORIES), ids=str)
def test_a_customer_without_a_device_is_invited_to_connect_one(visitor: Make, live: Installation, story: Story) -> None:
    lea, customer = visitor(size=DESKTOP, language="sv"), visitor(language=story.language)
    username, name = CUSTOMERS[story.language]
    with Person(live.url, story.language) as person:
        person.sign_in(username)
    at_the_desk(lea, "lea")
    prefix = views(lea, name)
    assert lea.page.locator(".device").count() == 0
    helps(lea)
    lea.page.select_option("#choice", f"{story.device_type}/{story.vendor}")
    lea.main_button().click()
    follows_the_letter(customer, story, "connect/")
    assert customer.path == f"/connect/{story.device_type}/{story.vendor}"
    customer.leave()
    customer.is_there(story.provider)
    customer.sign_in_there(story.account, story.vendor_there)
    customer.sees("linked")
    lea.open(f"{prefix}/devices")
    expect(lea.page.locator(".device")).to_have_count(1)
    ends(lea)


@pytest.mark.torture
def test_a_look_at_an_attempt_that_is_ready_to_go_on_presses_nothing(visitor: Make, live: Installation) -> None:
    phone, sam = Phone(visitor, live), visitor(size=DESKTOP)
    phone.enter("bela")
    phone.ask_to_leave("heat-pump", "nibe")
    at_the_desk(sam, "sam")
    page = f"{views(sam, 'béla')}/link-sessions/{live.newest_attempt()}"
    sam.open(page)
    expect(sam.page.locator('main form[action$="/continue"]')).to_be_visible()
    sam.page.wait_for_load_state("networkidle")
    assert sam.path == page
    assert live.state_of(page) is State.DEPARTED
