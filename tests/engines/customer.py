"""A customer in a browser of any engine: presses what a page shows, and gets where it leads."""

import requests

from tests.engines.window import PATIENCE, Window, path_of, until
from tests.support.live import Installation

NEXT_LOOK = 40.0
"""Seconds within which a page that waits looks again, however long it has been waiting."""

WAITING = ("/link-sessions/", "/devices")
MAIN_BUTTON = "main .actions .button--primary"


class Customer:
    """Anna, for whom every button must work."""

    def __init__(self, window: Window, live: Installation, *, javascript: bool) -> None:
        self.window = window
        self.live = live
        self.javascript = javascript

    def open(self, path: str) -> None:
        self.window.open(self.live.url + path)

    def is_at(self, path: str) -> None:
        """Arrives at the portal's page."""
        until(
            lambda: self.window.url.startswith(f"{self.live.url}/") and path_of(self.window.url) == path,
            lambda: f"never came to {path}, stayed at {self.window.url}:\n{self.window.text()}",
        )

    def is_at_sandbox(self, path: str) -> None:
        """Arrives at a hosted page, over all the origins on the way to it."""
        last = self.live.sandbox.origins[-1]
        until(
            lambda: self.window.url.startswith(f"{last}{path}"),
            lambda: f"never came to {path}, stayed at {self.window.url}:\n{self.window.text()}",
        )

    def sees(self, selector: str) -> None:
        """A page that waits changes by itself; without JavaScript it is looked at again."""

        def is_there() -> bool:
            if self.window.has(selector):
                return True
            if not self.javascript and path_of(self.window.url).startswith(WAITING):
                self.window.open(self.window.url)
            return False

        otherwise = f"no {selector} at"
        until(is_there, lambda: f"{otherwise} {self.window.url}:\n{self.window.text()}", within=NEXT_LOOK + PATIENCE)

    def sign_in(self) -> None:
        self.open("/sign-in?to=devices")
        self.is_at_sandbox("/oidc/authorize")
        self.enter_password()
        self.is_at("/devices")

    def enter_password(self) -> None:
        self.window.fill("#username", "anna")
        self.window.fill("#password", "demo")
        self.window.click("button.main")

    def leave_for(self, provider: str, device_type: str, vendor: str) -> None:
        self.open(f"/connect/{device_type}/{vendor}")
        self.window.click("#consent")
        self.window.click(MAIN_BUTTON)
        self.is_at_sandbox(f"/{provider}/")

    def sign_in_there(self, account: str, vendor: str | None = None) -> None:
        """Signs in to the vendor account, after choosing the vendor where that is asked."""
        if vendor is not None:
            self.window.click(f'button[name="vendor"][value="{vendor}" i]')
        self.window.fill("#username", account)
        self.window.fill("#password", "Demo1234")
        self.window.click("button[value=sign-in]")

    def break_device(self, provider: str) -> None:
        """At the provider, where access to it lapses."""
        device = self.live.sandbox.state.devices[-1]
        place = f"{self.live.sandbox.url}/control/devices/{provider}/{device.id}/break"
        requests.post(place, json={}, timeout=10).raise_for_status()
