"""Every page of the portal by name, and the way a visitor comes to it."""

from collections.abc import Iterator

from tests.browser.household import Household, broken_database
from tests.browser.phone import OUT, Phone
from tests.browser.visitor import Visitor

EVERYBODYS = {
    "welcome": "/",
    "privacy": "/privacy",
    "accessibility": "/accessibility",
    "sign-in-failed": "/sign-in/failed",
    "back-without-attempt": "/return",
    "error-404": "/nowhere",
}

CUSTOMERS = {
    "devices": "/devices",
    "connect-types": "/connect",
    "vendors": "/connect/heat-pump",
    "vendors-charger": "/connect/charger",
    "vendors-search": "/connect/heat-pump?q=mitsu",
    "vendors-none": "/connect/heat-pump?q=xyzxyz",
    "not-listed": "/connect/heat-pump/not-listed",
    "not-listed-thanks": "/connect/heat-pump/not-listed/thanks",
    "before-leaving": "/connect/heat-pump/nibe",
    "before-leaving-nox": "/connect/inverter/fronius",
    "before-leaving-telematica": "/connect/charger/easee",
    "before-leaving-other": "/connect/vehicle/other",
    "privacy-own": "/privacy",
    "privacy-data": "/privacy/data",
    "privacy-delete": "/privacy/delete",
    "error-not-offered": "/connect/heat-pump/nobody",
    "error-405": "/language",
}


def of_everybody(visitor: Visitor) -> Iterator[str]:
    """Walks through the pages that need no sign-in; answers the name of each while it is shown."""
    visitor.foreseen.update({404, 500})
    for name, path in EVERYBODYS.items():
        visitor.open(path)
        yield name
    with broken_database(visitor.live):
        visitor.open("/sign-in")
        yield "error-500"


def of_anna(visitor: Visitor, household: Household) -> Iterator[str]:
    """Walks through the pages of a customer who is signed in."""
    visitor.foreseen.update({400, 404, 405, 422})
    for name, path in CUSTOMERS.items():
        visitor.open(path)
        yield name
    for name, path in household.attempts.items():
        visitor.open(path)
        yield f"attempt-{name}"
    for name, device in {"remove": household.lapsed, "remove-nox": household.working}.items():
        visitor.open(f"/devices/{device}/remove")
        yield name
    visitor.open("/privacy")
    visitor.page.locator('a[href$="/withdraw"]').first.click()
    visitor.page.locator(".button--danger").wait_for()
    yield "withdraw"
    yield from _with_mistakes(visitor)


def of_app(phone: Phone) -> Iterator[tuple[str, Visitor]]:
    """Walks out of the retailer's app and back into it; answers each page with the browser that shows it."""
    phone.system.foreseen.update({401, 409, 410})
    way_out = phone.ask_to_leave("heat-pump", "nibe")
    yield "app-ready", phone.app
    phone.wait_for(phone.let_out, 1)  # or the page's own way out would get in the way of the next address
    phone.app.context.unroute(OUT)
    phone.app.open(way_out.removeprefix(phone.live.url))
    yield "app-in-webview", phone.app
    phone.system.page.goto(way_out)
    yield "out", phone.system
    phone.go_on()
    phone.system.sign_in_there("demomyuplink@nibe.se", "nibe")
    phone.system.page.wait_for_url("**/app/back")
    yield "app-back", phone.system
    phone.app.open(f"/link-sessions/{phone.live.newest_attempt()}")
    yield "app-held", phone.app
    phone.come_back()
    phone.app.sees("linked")
    yield "app-linked", phone.app
    phone.app.open("/devices")
    yield "app-devices", phone.app
    for name, path in {"out-over": "/out", "out-refused": "/out/not-me", "app-again": "/app/again"}.items():
        phone.system.open(path)
        yield name, phone.system
    yield from _with_another_account(phone)


def _with_another_account(phone: Phone) -> Iterator[tuple[str, Visitor]]:
    language = phone.system.language or "en"
    phone.system.sign_in("carla")
    phone.system.speak(language)
    phone.system.open("/app/enter?code=" + phone.code("anna"))
    yield "app-ask", phone.system
    phone.app.context.route(OUT, lambda route: route.fulfill(status=204))
    phone.system.page.goto(phone.ask_to_leave("heat-pump", "bosch"))
    yield "out-somebody-else", phone.system


def _with_mistakes(visitor: Visitor) -> Iterator[str]:
    visitor.open("/connect/heat-pump/nibe")
    visitor.main_button().click()
    visitor.page.locator("#consent-error").wait_for()
    yield "consent-missing"
    visitor.open("/connect/heat-pump/not-listed")
    visitor.main_button().click()
    visitor.page.locator("#vendor-error").wait_for()
    yield "not-listed-missing"
    visitor.page.evaluate("document.querySelector('form[action=\"/sign-out\"] [name=csrf_token]').value = 'old'")
    visitor.page.click('form[action="/sign-out"] button')
    visitor.page.locator("main .notice--attention").wait_for()
    yield "not-sent"
