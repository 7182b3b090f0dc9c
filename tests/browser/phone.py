"""A telephone: the retailer's app with its webview, and the system's browser beside it, each with its own cookies."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import Route, expect

from tests.browser.visitor import Visitor
from tests.support.live import Installation
from tests.support.retailer import ANDROID_WEBVIEW, APP_LINK, backend

NAMES = {"anna": "Anna Lindqvist", "bela": "Béla Kovács"}
OUT = re.compile(r"/out/[\w-]+$")
WAY_BACK = re.compile(re.escape(APP_LINK))


class Phone:
    """One telephone. `lets_go` is whether its app opens the way out in the system's browser, as it should."""

    def __init__(self, visitor: Callable[..., Visitor], live: Installation, *, lets_go: bool = True) -> None:
        self.live = live
        self.app = visitor(user_agent=ANDROID_WEBVIEW)
        self.system = visitor()
        # No vendor and no provider is ever met in the webview.
        self.app.known = {live.url}
        origin = urlsplit(APP_LINK)
        self.system.known |= {f"{origin.scheme}://{origin.netloc}"}
        self.let_out: list[str] = []
        self.opened = 0
        self.brought: list[str] = []
        if lets_go:
            self.app.context.route(OUT, self._keep_in(self.let_out))
        self.system.context.route(WAY_BACK, self._keep_in(self.brought))

    def enter(self, customer: str = "anna", **claims: object) -> None:
        """The app opens the portal: its backend says who is there."""
        self.app.open(f"/app/enter?code={self.code(customer, **claims)}")

    def code(self, customer: str, **claims: object) -> str:
        """What the app's backend gets from the portal for this customer."""
        return backend(self.live.url).code(f"customer-{customer}", **{"name": NAMES[customer], **claims})

    def ask_to_leave(self, device_type: str, vendor: str) -> str:
        """Chooses and agrees in the app, which stays where it is; answers the way out."""
        self.app.open(f"/connect/{device_type}/{vendor}")
        self.app.leave()
        expect(self.app.page.locator("#way-out")).to_be_visible()
        return f"{self.live.url}{self.app.page.locator('#way-out').get_attribute('href')}"

    def let_go(self) -> None:
        """What the app does with the way out that its page followed by itself."""
        self.wait_for(self.let_out, self.opened + 1)
        self.opened = len(self.let_out)
        self.system.page.goto(self.let_out[-1])

    def press_way_out(self) -> None:
        """Presses the way out by hand, which the app opens in the system's browser."""
        before = len(self.let_out)
        self.app.page.click("#way-out")
        self.wait_for(self.let_out, before + 1)
        self.system.page.goto(self.let_out[-1])

    def go_on(self) -> None:
        """Reads for whom it is, and goes on to the provider."""
        self.system.page.click('form[action="/out"] button')

    def come_back(self) -> None:
        """Presses the button in the browser; the app is opened by its link, and its webview takes what it carries."""
        self.system.page.wait_for_url("**/app/back")
        self.press_back()
        self.app.open(f"/app/return?{urlsplit(self.brought[-1]).query}")

    def press_back(self) -> None:
        """Presses the button that leads back, which opens the app."""
        before = len(self.brought)
        self.system.main_button().click()
        self.wait_for(self.brought, before + 1)

    def wait_for(self, seen: list[str], count: int) -> None:
        """Until the app has been handed so many addresses."""
        for _ in range(200):
            self.system.page.wait_for_timeout(50)
            if len(seen) >= count:
                return
        raise AssertionError(f"the app was handed {len(seen)} addresses, not {count}")

    @staticmethod
    def _keep_in(seen: list[str]) -> Callable[[Route], None]:
        def keep(route: Route) -> None:
            seen.append(route.request.url)
            route.fulfill(status=204)  # the page stays where it is, as it does when an app takes a link

        return keep
