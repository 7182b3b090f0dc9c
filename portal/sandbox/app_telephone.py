"""A telephone with the retailer's app on it: the app's webview and the system's browser, and what goes between them."""

from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import Browser, BrowserContext, Frame, Page, Request, Response, Route

ENGINE = "AppleWebKit/537.36 (KHTML, like Gecko)"
BROWSER = f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {ENGINE} Chrome/142.0.0.0 Mobile Safari/537.36"
WEBVIEW = f"Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) {ENGINE} Version/4.0 Chrome/142.0.0.0 Mobile Safari/537.36"
SCREEN: dict[str, Any] = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}

TURN = 100
"""Milliseconds in which something may happen before the app looks what it has to do."""

LetIn = Callable[[str | None], str]
"""The backend's one-time code for the customer; with the name of the page to open."""


class LoadedInWebview(Exception):
    """Another host than the portal's was asked for something in the webview."""


class NotOpened(Exception):
    """The portal did not let the customer in."""


class Telephone:
    """The app and the browser of one customer. With `delegate` the app lets go of what is not for its webview.

    `tabs` is what the app opened in the browser; `returns` how often a way back has led to the app.
    """

    def __init__(
        self,
        browser: Browser,
        let_in: LetIn,
        *,
        portal_url: str,
        app_link: str,
        language: str,
        delegate: bool = True,
        cold_start: bool = False,
        say: Callable[[str], None] = print,
    ) -> None:
        self.portal_url = portal_url.rstrip("/")
        self.app_link = app_link
        self.delegate = delegate
        self.cold_start = cold_start
        self.tabs: list[Page] = []
        self.returns = 0
        self._let_in = let_in
        self._say = say
        self._strays: list[str] = []
        self._tickets: deque[str] = deque()
        self._ways_back: deque[str] = deque()
        self._browser = browser
        self._language = language
        self._system = browser.new_context(user_agent=BROWSER, locale=language, **SCREEN)
        self._system.route("**/*", self._in_the_browser)
        self._start_app()

    def enter(self, target: str | None = None) -> None:
        """The app lets its customer into the portal. Raises NotOpened."""
        code = self._let_in(target)
        if (answer := self._open(f"/app/enter?{urlencode({'code': code})}")) is None or answer.status >= 400:
            where = readable(answer.url) if answer else self.portal_url
            raise NotOpened(f"a fresh code led to {where}, which answered {answer.status if answer else 'nothing'}")

    def turn(self) -> None:
        """A moment passes, and the app does what there is to do. Raises LoadedInWebview."""
        self.page.wait_for_timeout(TURN)
        while self._tickets:
            self.tabs.append(self._followed(self._system.new_page(), "browser"))
            self.tabs[-1].goto(self._tickets.popleft())
        while self._ways_back:
            self._come_back(self._ways_back.popleft())
        self.check()

    def check(self) -> None:
        """Raises LoadedInWebview where the webview has asked for anything of another host."""
        if self._strays:
            raise LoadedInWebview(f"the webview asked another host than the portal's: {self._strays[0]}")

    def _start_app(self) -> None:
        self._app: BrowserContext = self._browser.new_context(user_agent=WEBVIEW, locale=self._language, **SCREEN)
        self._app.on("request", self._watch)
        self._app.route("**/*", self._in_the_webview)
        self.page = self._followed(self._app.new_page(), "webview")

    def _in_the_webview(self, route: Route, request: Request) -> None:
        """The app's navigation delegate. A redirect is never asked about, which is why all is watched as well."""
        if self.delegate and request.is_navigation_request():
            if request.url.startswith(f"{self.portal_url}/out/"):
                self._tickets.append(request.url)
                return route.fulfill(status=204)
            if self._is_app_link(request.url):
                self._say("app       closes the webview")
                return route.fulfill(status=204)
        return route.abort() if self._is_stray(request.url) else route.continue_()

    def _in_the_browser(self, route: Route, request: Request) -> None:
        """The telephone, which knows the app's own links."""
        if request.is_navigation_request() and self._is_app_link(request.url):
            self._ways_back.append(request.url)
            return route.fulfill(status=204)
        return route.continue_()

    def _watch(self, request: Request) -> None:
        is_let_go = self.delegate and request.is_navigation_request() and self._is_app_link(request.url)
        if self._is_stray(request.url) and not is_let_go:
            self._strays.append(readable(request.url))

    def _come_back(self, link: str) -> None:
        """The app was opened by a way back, and finishes with its own session; where that is gone, with a new one."""
        words = dict(parse_qsl(urlsplit(link).query))
        self._say(f"app       opened with {', '.join(words) or 'nothing'}")
        if self.cold_start:
            self._app.close()
            self._start_app()
        if "ref" in words:
            finish = f"/app/return?{urlencode(words)}"
            if (answer := self._open(finish)) is not None and answer.status == 401:
                self.enter(f"link-sessions/{words['ref']}")
                self._open(finish)
        self.returns += 1

    def _open(self, path: str) -> Response | None:
        return self.page.goto(self.portal_url + path)

    def _is_app_link(self, url: str) -> bool:
        return url.partition("?")[0] == self.app_link

    def _is_stray(self, url: str) -> bool:
        place, portal = urlsplit(url), urlsplit(self.portal_url)
        return place.scheme not in {"data", "blob", "about"} and place[:2] != portal[:2]

    def _followed(self, page: Page, who: str) -> Page:
        """The page, of which is said where it goes."""

        def tell(frame: Frame) -> None:
            if frame.parent_frame is None:
                self._say(f"{who:<9} {readable(frame.url).removeprefix(self.portal_url)}")

        page.on("framenavigated", tell)
        return page


def readable(url: str) -> str:
    """A URL without what is secret in it: its query, and the ticket of a way out."""
    bare = url.partition("?")[0]
    before, out, _ = bare.partition("/out/")
    return f"{before}{out}..." if out else bare
