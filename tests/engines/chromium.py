"""Chromium, driven by Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser

from tests.engines.window import PATIENCE, speaks_of_policy


class ChromiumWindow:
    """One profile of the Chromium that all browser tests share."""

    def __init__(self, browser: Browser, *, javascript: bool) -> None:
        self._context = browser.new_context(java_script_enabled=javascript, locale="en")
        self._context.set_default_timeout(PATIENCE * 1000)
        self._said: list[str] = []
        self._context.on("console", lambda message: self._said.append(message.text))
        self._page = self._context.new_page()

    @property
    def url(self) -> str:
        self._page.wait_for_timeout(1)  # Playwright hears of a new page only while it is asked something
        return self._page.url

    def open(self, url: str) -> None:
        self._page.goto(url)

    def has(self, selector: str) -> bool:
        return self._page.locator(selector).count() > 0

    def click(self, selector: str) -> None:
        self._page.locator(selector).first.click()

    def fill(self, selector: str, text: str) -> None:
        self._page.locator(selector).first.fill(text)

    def text(self) -> str:
        return self._page.inner_text("body")

    def forget(self) -> None:
        self._context.clear_cookies()

    def complaints(self) -> list[str]:
        said, self._said = self._said, []
        return [line for line in said if speaks_of_policy(line)]

    def close(self) -> None:
        self._context.close()


@contextmanager
def chromium(browser: Browser, *, javascript: bool) -> Iterator[ChromiumWindow]:
    window = ChromiumWindow(browser, javascript=javascript)
    try:
        yield window
    finally:
        window.close()
