"""WebKit, driven by Selenium: the engine of Safari, in the browser that Debian packs with its driver."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Remote
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from tests.engines.window import PATIENCE, until
from tools.engines import webkit as find_webkit


class WebKitWindow:
    """A WebKit browser without a memory. `homes` are the addresses that set cookies."""

    def __init__(self, driver: Remote, homes: tuple[str, ...]) -> None:
        self._driver = driver
        self._homes = homes

    @property
    def url(self) -> str:
        return self._driver.current_url

    def open(self, url: str) -> None:
        self._driver.get(url)

    def has(self, selector: str) -> bool:
        return bool(self._driver.find_elements(By.CSS_SELECTOR, selector))

    def click(self, selector: str) -> None:
        until(lambda: self._tried(selector, "click"), lambda: f"no {selector} at {self.url}: {self.text()}")

    def fill(self, selector: str, text: str) -> None:
        until(lambda: self._tried(selector, "send_keys", text), lambda: f"no {selector} at {self.url}: {self.text()}")

    def text(self) -> str:
        return self._driver.find_element(By.CSS_SELECTOR, "body").text

    def forget(self) -> None:
        """Its driver forgets the cookies of the page that is open."""
        for home in self._homes:
            self.open(home)
            self._driver.delete_all_cookies()

    def _tried(self, selector: str, what: str, *given: str) -> bool:
        try:
            getattr(self._driver.find_element(By.CSS_SELECTOR, selector), what)(*given)
        except (NoSuchElementException, StaleElementReferenceException):
            return False
        return True


@contextmanager
def webkit(folder: Path, homes: tuple[str, ...], *, javascript: bool) -> Iterator[WebKitWindow]:
    """A WebKit browser for as long as it is needed. Raises NoBrowser."""
    driver, browser, display = find_webkit()
    options = Options()
    options.binary_location = str(browser)
    for argument in ("--automation", f"--enable-javascript={str(javascript).lower()}"):
        options.add_argument(argument)
    with shown_on(display) as number:
        environment = {**os.environ, "DISPLAY": number, "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"}
        service = Service(str(driver), log_output=str(folder / "webkit.log"), env=environment)
        service.start()
        try:
            # Not Selenium's class for it, which warns of its own ways.
            wire = RemoteConnection(client_config=ClientConfig(service.service_url))
            with Remote(command_executor=wire, options=options) as driven:
                driven.set_page_load_timeout(PATIENCE)
                yield WebKitWindow(driven, homes)
        finally:
            service.stop()


@contextmanager
def shown_on(display: Path) -> Iterator[str]:
    """A display that nobody looks at, with the first number that is free."""
    command = [str(display), "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            yield f":{server.stdout.readline().strip()}"
        finally:
            server.terminate()
