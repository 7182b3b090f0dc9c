"""A customer at a real browser: presses what is there, and keeps whatever the browser complained about."""

import re
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Request, Response, WebError, expect

from tests.support.live import Installation

PATIENCE = 20_000
"""Milliseconds until what is to be seen must be seen."""

PHONE = (360, 780)
DESKTOP = (1280, 900)

REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", event =>
  console.error(`refused by the content security policy: ${event.violatedDirective} ${event.blockedURI}`));
"""

Scheme = Literal["light", "dark"]


class Visitor:
    """One browser profile. `faults` are console errors, refusals, failed answers and calls to strangers.

    `foreseen` are statuses that are no fault, `known` the origins that it may go to.
    """

    def __init__(
        self,
        browser: Browser,
        live: Installation,
        *,
        language: str = "en",
        javascript: bool = True,
        size: tuple[int, int] = PHONE,
        scheme: Scheme = "light",
        **more: Any,
    ) -> None:
        self.live = live
        self.faults: list[str] = []
        self.foreseen: set[int] = set()
        self.known = {live.url, *live.sandbox.origins}
        self.context = browser.new_context(
            locale=language,
            java_script_enabled=javascript,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            reduced_motion="reduce",
            **more,
        )
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(REPORT_VIOLATIONS)
        self.context.on("console", self._hear)
        self.context.on("weberror", self._crash)
        self.context.on("request", self._watch)
        self.context.on("response", self._answer)
        self.page: Page = self.context.new_page()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.close()
        assert error or not self.faults, "the browser complained:\n  " + "\n  ".join(self.faults)

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    @property
    def language(self) -> str | None:
        return self.page.locator("html").get_attribute("lang")

    def open(self, path: str) -> None:
        self._go(lambda: self.page.goto(self.live.url + path))

    def reload(self) -> None:
        self._go(self.page.reload)

    @staticmethod
    def _go(there: Callable[[], object]) -> None:
        """Once more where the page before went on by itself at that very moment and won."""
        try:
            there()
        except Error as error:
            if not any(lost in error.message for lost in ("ERR_ABORTED", "interrupted by another navigation")):
                raise
            there()

    def main_button(self) -> Locator:
        return self.page.locator("main .actions .button--primary")

    def sign_in(self, username: str) -> None:
        self.open("/")
        self.main_button().click()
        self.page.fill("#username", username)
        self.page.fill("#password", "demo")
        self.page.click("button.main")
        self.page.wait_for_url(f"{self.live.url}/**")

    def speak(self, language: str) -> None:
        """Chooses a language in the menu."""
        self.page.click("details[data-menu] > summary")
        self.page.click(f"details[data-menu] button[value={language}]")
        expect(self.page.locator("html")).to_have_attribute("lang", language)

    def choose(self, device_type: str, vendor: str, search: str) -> None:
        """From the devices to the page before leaving, the vendor found by searching."""
        self.main_button().click()
        self.page.click(f'.choice[href="/connect/{device_type}"]')
        self.page.fill("#q", search)
        self.page.press("#q", "Enter")
        self.page.click(f'.choice[href="/connect/{device_type}/{vendor}"]')
        self.page.locator("#consent").wait_for()

    def leave(self) -> None:
        """Agrees and goes on, wherever that leads."""
        self.page.check("#consent")
        self.main_button().click()

    def is_there(self, provider: str) -> None:
        origins = "|".join(map(re.escape, self.live.sandbox.origins))
        self.page.wait_for_url(re.compile(rf"({origins})/{provider}/"))
        self.page.wait_for_load_state()

    def sign_in_there(self, account: str, vendor: str | None = None) -> None:
        """Signs in on the Connect UI, after choosing the vendor where that is asked."""
        if vendor is not None:
            self.page.click(f'button[name="vendor"][value="{vendor}" i]')
        self.page.fill("#username", account)
        self.page.fill("#password", "Demo1234")
        self.page.click("button[value=sign-in]")

    def sees(self, state: str) -> None:
        """The attempt's page, as soon as it shows this state."""
        expect(self.page.locator(f'[data-state="{state}"]')).to_be_visible(timeout=PATIENCE)

    def to_devices(self) -> None:
        self.page.click('main .actions a[href="/devices"]')

    def reconnect_button(self) -> Locator:
        return self.page.locator('form[action$="/reauthenticate"] button')

    def press_at_the_sandbox(self, button: str) -> None:
        """Presses a button of the sandbox's control page, in a tab of its own."""
        tab = self.context.new_page()
        tab.goto(self.live.sandbox.url)
        tab.get_by_role("button", name=button).first.click()
        tab.wait_for_load_state()
        tab.close()

    def loaded_at(self) -> float:
        """Stays the same for as long as the page is not loaded anew."""
        return float(self.page.evaluate("performance.timeOrigin"))

    def _hear(self, message: ConsoleMessage) -> None:
        # A page with status 404 is a page: `_answer` decides whether it was foreseen.
        known = message.text.startswith("Failed to load resource: the server responded with a status of")
        if message.type in {"error", "warning"} and not known:
            self.faults.append(f"{message.type}: {message.text}")

    def _crash(self, error: WebError) -> None:
        self.faults.append(f"script error: {error.error}")

    def _watch(self, request: Request) -> None:
        place = urlsplit(request.url)
        origin = f"{place.scheme}://{place.netloc}"
        known = self.known if request.is_navigation_request() else {_page_origin(request)}
        if place.scheme in {"http", "https"} and origin not in known:
            self.faults.append(f"a call to {request.url}")

    def _answer(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.foreseen:
            self.faults.append(f"{response.status} for {response.request.method} {urlsplit(response.url).path}")


def _page_origin(request: Request) -> str:
    place = urlsplit(request.frame.url)
    return f"{place.scheme}://{place.netloc}"
