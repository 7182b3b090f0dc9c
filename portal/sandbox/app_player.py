"""The program behind `portal app-simulator`: it plays the telephone, by hand or by itself. It needs Playwright."""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from joserfc.errors import JoseError
from playwright.sync_api import Browser, Error, Page, sync_playwright

from portal.sandbox.app_backend import AppBackend, NotLetIn, read_key
from portal.sandbox.app_simulator import Plan
from portal.sandbox.app_telephone import LoadedInWebview, NotOpened, Telephone
from portal.sandbox.chromium import NoBrowser, driver_environment, find_chromium

PATIENCE = 30.0
"""Seconds until what is to be seen must be seen."""

MAIN_BUTTON = "main .actions .button--primary"
OVER = ("cancelled", "failed", "expired", "held")


class Stuck(Exception):
    """A walk that does not go on; the text says where."""


def play(browser: Browser, plan: Plan) -> None:
    """Plays the plan to its end. Raises LoadedInWebview, Stuck, and what the backend and the telephone raise."""
    backend = AppBackend(
        read_key(Path(plan.key)),
        plan.portal_url.rstrip("/"),
        plan.audience or plan.portal_url.rstrip("/"),
        plan.issuer,
        plan.app_link_id,
    )
    telephone = Telephone(
        browser,
        lambda target: backend.code(plan.subject, locale=plan.language, target=target),
        portal_url=plan.portal_url,
        app_link=plan.app_link,
        language=plan.language,
        delegate=plan.delegate,
        cold_start=plan.cold_start,
        say=say,
    )
    try:
        if plan.walk is None:
            by_hand(telephone)
        else:
            walk(telephone, plan, plan.walk)
    finally:
        # It is the worst that can happen, and often why a walk does not go on: it is what is told.
        telephone.check()


def by_hand(telephone: Telephone) -> None:
    """Until the window of the webview is closed."""
    telephone.enter()
    say("app       two windows are open; close the webview's to end")
    while not telephone.page.is_closed():
        try:
            telephone.turn()
        except Error:
            if not telephone.page.is_closed():
                raise


def walk(telephone: Telephone, plan: Plan, choice: str) -> None:
    """Connects what is chosen, as far as this app lets its customer come."""
    leave(telephone, choice)
    if plan.delegate:
        connect(telephone, plan)
    else:
        is_told_what_to_do(telephone)


def leave(telephone: Telephone, choice: str) -> None:
    """From the page before leaving, with the customer's consent."""
    telephone.enter(f"connect/{choice}")
    telephone.turn()
    consent = telephone.page.locator("#consent")
    if consent.count() == 0:
        raise Stuck(f"the portal has nothing to connect at {choice}")
    consent.check()
    telephone.page.click(MAIN_BUTTON)


def is_told_what_to_do(telephone: Telephone) -> None:
    """An app that does not let go: the portal's own page says how to go on in a browser."""
    address = telephone.page.locator("#page-url")
    until(telephone, lambda: address.count() > 0, "the portal shows no address to open in a browser")
    say(f"webview   says: go on in your browser, at {address.input_value()}")


def connect(telephone: Telephone, plan: Plan) -> None:
    """In the browser and back, until the device is linked."""
    until(telephone, lambda: bool(telephone.tabs), "the app was given nothing to open in the browser")
    tab = telephone.tabs[-1]
    tab.click('form[action$="/out"] button')
    sign_in(telephone, tab, plan)
    link = tab.locator(f'{MAIN_BUTTON}[href^="{plan.app_link}"]')
    until(telephone, lambda: link.count() > 0, "the browser shows no way back to the app")
    link.click()
    until(telephone, lambda: telephone.returns > 0, "the way back did not open the app")
    page = telephone.page
    until(telephone, lambda: state_in(page) in {"linked", *OVER}, "the portal does not say that the device is linked")
    if (state := state_in(page)) != "linked":
        raise Stuck(f"the attempt ended as {state}")
    say("webview   says: the device is linked")


def sign_in(telephone: Telephone, tab: Page, plan: Plan) -> None:
    """At the Connect UI of the sandbox, choosing the vendor where that is asked."""
    form, vendors = tab.locator("#username"), tab.locator("button[name=vendor]")
    until(telephone, lambda: form.count() + vendors.count() > 0, "this is no Connect UI of the sandbox: go by hand")
    if vendors.count():
        wanted = letters(str(plan.walk).rpartition("/")[2])
        named = [vendor for vendor in vendors.all() if letters(vendor.inner_text()) == wanted]
        if not named:
            raise Stuck(f"the Connect UI does not know the vendor of {plan.walk}")
        named[0].click()
    form.fill(plan.account or tab.locator(".samples code").first.inner_text())
    tab.fill("#password", plan.password)
    tab.click("button[value=sign-in]")


def until(telephone: Telephone, is_so: Callable[[], bool], otherwise: str) -> None:
    """Lets time pass until something is so. Raises Stuck, and what the telephone raises."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise Stuck(otherwise)
        telephone.turn()


def state_in(page: Page) -> str | None:
    """How the attempt stands that a page shows; None while it is being loaded."""
    shown = page.locator("[data-state]")
    return shown.get_attribute("data-state") if shown.count() else None


def letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


@contextmanager
def chromium(*, show: bool) -> Iterator[Browser]:
    """A running Chromium. Raises NoBrowser."""
    found = find_chromium()
    if found is None:
        raise NoBrowser("no Chromium is here; `playwright install chromium` fetches one, PORTAL_CHROMIUM names one")
    os.environ.update(driver_environment())
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=found.executable, headless=not show, env={**os.environ, **found.environment}
        )


def say(line: str) -> None:
    print(line, flush=True)


def main(written: str) -> int:
    """Plays a plan that is written as JSON; 0 where all went well."""
    plan = Plan(**json.loads(written))
    try:
        with chromium(show=plan.show or plan.walk is None) as browser:
            play(browser, plan)
    except KeyboardInterrupt:
        return 130
    except LoadedInWebview as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
    except (Stuck, NotLetIn, NotOpened, NoBrowser) as failure:
        print(f"stopped: {failure}", file=sys.stderr)
    except requests.RequestException:
        print(f"stopped: no portal answers at {plan.portal_url}", file=sys.stderr)
    except (JoseError, ValueError):
        print(f"stopped: {plan.key} holds no private key as `--make-key` makes one", file=sys.stderr)
    except Error as failure:
        print(f"stopped: {failure.message.splitlines()[0]}", file=sys.stderr)
    else:
        say("Nothing but the portal was loaded in the webview.")
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
