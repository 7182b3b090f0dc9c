"""Firefox, in a profile of its own that knows no other machine."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.engines.marionette import Marionette, MarionetteError, port_of
from tests.engines.window import PATIENCE, speaks_of_policy, until
from tools.engines import firefox as find_firefox

# The browser's own console, where policies are told of whether pages may run scripts or not.
CONSOLE = """
const said = Services.console.getMessageArray().map(each => String(each.message));
Services.console.reset();
return said;
"""
ITS_OWN_CONSOLE = ("--no-remote", "--remote-allow-system-access")
FORGET = "Services.cookies.removeAll();"
GONE = {"no such element", "stale element reference"}


class FirefoxWindow:
    """What a customer does in it."""

    def __init__(self, marionette: Marionette) -> None:
        self._ask = marionette.ask

    @property
    def url(self) -> str:
        return str(self._ask("WebDriver:GetCurrentURL"))

    def open(self, url: str) -> None:
        self._ask("WebDriver:Navigate", url=url)

    def has(self, selector: str) -> bool:
        return bool(self._ask("WebDriver:FindElements", using="css selector", value=selector))

    def click(self, selector: str) -> None:
        self._do("WebDriver:ElementClick", selector)

    def fill(self, selector: str, text: str) -> None:
        self._do("WebDriver:ElementSendKeys", selector, text=text)

    def text(self) -> str:
        return str(self._ask("WebDriver:GetElementText", id=self._first("body")))

    def forget(self) -> None:
        self._of_the_browser(FORGET)

    def complaints(self) -> list[str]:
        return [line for line in self._of_the_browser(CONSOLE) if speaks_of_policy(line)]

    def _first(self, selector: str) -> str:
        (found,) = self._ask("WebDriver:FindElement", using="css selector", value=selector).values()
        return str(found)

    def _do(self, what: str, selector: str, **given: str) -> None:
        def tried() -> bool:
            try:
                self._ask(what, id=self._first(selector), **given)
            except MarionetteError as failure:
                if failure.error not in GONE:
                    raise
                return False
            return True

        until(tried, lambda: f"no {selector} at {self.url}: {self.text()}")

    def _of_the_browser(self, script: str) -> Any:
        self._ask("Marionette:SetContext", value="chrome")
        try:
            return self._ask("WebDriver:ExecuteScript", script=script, args=[])
        finally:
            self._ask("Marionette:SetContext", value="content")


@contextmanager
def firefox(folder: Path, *, javascript: bool) -> Iterator[FirefoxWindow]:
    """A headless Firefox for as long as it is needed. Raises NoBrowser."""
    preferences = {
        "javascript.enabled": javascript,
        "intl.accept_languages": "en",
        "marionette.port": 0,
        "network.proxy.type": 1,  # a proxy that is not there, for all but this machine
        "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": 9,
        "network.proxy.ssl": "127.0.0.1",
        "network.proxy.ssl_port": 9,
        "datareporting.policy.dataSubmissionEnabled": False,
        "app.update.disabledForTesting": True,
        "browser.shell.checkDefaultBrowser": False,
    }
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (folder / "user.js").write_text("".join(lines))
    command = [str(find_firefox()), "--headless", "--marionette", *ITS_OWN_CONSOLE, "--profile", str(folder)]
    with (folder / "firefox.log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as program:
        try:
            with closing(Marionette(port_of(folder, 2 * PATIENCE), 2 * PATIENCE)) as marionette:
                yield FirefoxWindow(marionette)
        finally:
            program.terminate()
