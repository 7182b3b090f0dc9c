"""The desk of customer support in a real browser: signing in there, finding a customer, looking, helping."""

import re

from playwright.sync_api import expect

from tests.browser.visitor import Visitor

BANNER = ".banner"
CODE = re.compile(r"\d{6}")


def at_the_desk(staff: Visitor, name: str) -> None:
    """Signs in at the staff's issuer."""
    staff.open("/support/")
    staff.page.fill("#username", name)
    staff.page.fill("#password", "demo")
    staff.page.click("button.main")
    staff.page.wait_for_url("**/support/")


def leaves_the_desk(staff: Visitor) -> None:
    """Signs out, which ends every permission as well."""
    staff.open("/support/")
    staff.page.click('form[action="/support/sign-out"] button')
    staff.page.wait_for_load_state()


def finds(staff: Visitor, words: str = "anna lind") -> None:
    """Searches for a customer and takes the one who is found."""
    staff.open("/support/")
    staff.page.fill("#q", words)
    staff.page.press("#q", "Enter")
    staff.page.click('.choice[href*="/customers/"]')


def views(staff: Visitor, words: str = "anna lind", reason: str = "connecting", ticket: str = "T-4711") -> str:
    """Looks at a customer; answers the path that all their pages begin with."""
    finds(staff, words)
    staff.page.check(f"[name=reason][value={reason}]")
    staff.page.fill("#ticket", ticket)
    staff.main_button().click()
    staff.page.wait_for_url("**/support/as/*/devices")
    return staff.path.removesuffix("/devices")


def ends(staff: Visitor) -> None:
    staff.page.click(f'{BANNER} form[action$="/end"] button')
    staff.page.wait_for_url("**/support/over")


def helps(staff: Visitor) -> None:
    """From a page of the customer to what may be done for them."""
    staff.page.click(f'{BANNER} a[href$="/help"]')
    staff.page.wait_for_url("**/help")


def takes_code(staff: Visitor, code: str) -> None:
    """Types in what the customer reads out."""
    staff.page.fill("#code", code)
    staff.main_button().click()
    expect(staff.page.locator("#choice")).to_be_visible()


def reads_out_a_code(customer: Visitor) -> str:
    """What the customer reads out from their own page."""
    customer.open("/privacy")
    customer.page.click('form[action="/privacy/support-code"] button')
    found = CODE.fullmatch(customer.page.inner_text(".code"))
    assert found
    return found[0]


def watches(staff: Visitor, path: str, wanted: str) -> None:
    """Loads a page of the customer again and again until it shows what is wanted."""
    for _ in range(60):
        staff.open(path)
        if staff.page.locator(wanted).count():
            return
        staff.page.wait_for_timeout(300)
    raise AssertionError(f"{wanted} never came: {staff.page.inner_text('main')}")


def opens_the_letter(customer: Visitor, target: str) -> None:
    """Finds the newest letter that leads there in the sandbox's mailbox, and follows its link."""
    link = customer.page.locator(f'section a[href*="to={target}"]')
    for _ in range(60):
        customer.page.goto(f"{customer.live.sandbox.url}/mailbox")
        if link.count():
            break
        customer.page.wait_for_timeout(300)
    link.first.click()


def signs_in_there(customer: Visitor, username: str) -> None:
    """Signs in where a letter's link leads to."""
    customer.page.fill("#username", username)
    customer.page.fill("#password", "demo")
    customer.page.click("button.main")
    customer.page.wait_for_url(f"{customer.live.url}/**")
