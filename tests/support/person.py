"""A person with a browser that has no JavaScript: follows links and redirects, fills in the forms that are there."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests

from tests.support.html import assert_valid_html, tree_of


@dataclass(frozen=True)
class Form:
    """A form of a page: where it goes and what it holds already."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


def onward(answer: requests.Response) -> str | None:
    """Where a page goes on to by itself, at once."""
    wait, _, url = answer.headers.get("Refresh", "").partition(";url=")
    assert not url or wait == "0", answer.headers["Refresh"]
    return urljoin(answer.url, url) if url else None


class Page:
    """What the person sees now."""

    def __init__(self, answer: requests.Response) -> None:
        self.url = answer.url
        self.path = urlsplit(answer.url).path
        self.status = answer.status_code
        self.html = answer.text
        self.headers = answer.headers
        self.tree = tree_of(answer.text)

    @property
    def text(self) -> str:
        body = self.tree.find("body")
        return " ".join("".join(body.itertext()).split()) if body is not None else ""

    @property
    def language(self) -> str:
        return str(self.tree.get("lang"))

    @property
    def heading(self) -> str:
        headings = ["".join(found.itertext()) for found in self.tree.iter("h1")]
        assert len(headings) == 1, headings
        return " ".join(headings[0].split())

    def forms(self) -> list[Form]:
        return [
            Form(
                urljoin(self.url, found.get("action") or self.url),
                (found.get("method") or "get").lower(),
                {
                    name: item.get("value", "")
                    for item in found.iter("input")
                    if (name := item.get("name")) and item.get("type") not in {"checkbox", "radio", "submit"}
                },
            )
            for found in self.tree.iter("form")
        ]

    def form(self, part_of_action: str) -> Form:
        found = [form for form in self.forms() if part_of_action in urlsplit(form.action).path]
        assert found, f"no form for {part_of_action} on {self.path}: {[form.action for form in self.forms()]}"
        return found[0]

    def offers(self, part_of_action: str) -> bool:
        return any(part_of_action in urlsplit(form.action).path for form in self.forms())

    def links(self) -> list[str]:
        return [urljoin(self.url, link.get("href")) for link in self.tree.iter("a") if link.get("href")]


class Person(requests.Session):
    """One browser. `at` is the portal's address; every page of the portal that it sees must be valid HTML."""

    def __init__(self, at: str, language: str = "en") -> None:
        super().__init__()
        self.at = at
        self.trust_env = False
        self.headers["Accept-Language"] = language

    def look(self, where: str, **more: Any) -> Page:
        return self._page(self.get(urljoin(self.at, where), timeout=30, **more))

    def submit(self, form: Form, **fields: str) -> Page:
        answer = self.request(form.method, form.action, data={**form.fields, **fields}, timeout=30)
        return self._page(answer)

    def sign_in(self, username: str, target: str = "/sign-in") -> Page:
        """Signs in at the issuer wherever the target leads; answers the page that comes after it."""
        page = self.look(target)
        if "/oidc/" not in page.path:
            return page
        return self.submit(page.forms()[0], username=username, password="demo")

    def press_connect(self, device_type: str, vendor: str) -> Page:
        """Chooses, agrees and goes; answers the Connect UI's first page, or the portal's if it does not go on."""
        form = self.look(f"/connect/{device_type}/{vendor}").form(f"/connect/{device_type}/{vendor}")
        return self.submit(form, consent="on")

    def leave_for(self, device_type: str, vendor: str) -> Page:
        """Chooses, agrees and goes, as far as the Connect UI's first page."""
        return self._go_on(self.press_connect(device_type, vendor))

    def sign_in_at_vendor(
        self, page: Page, username: str = "demomyuplink@nibe.se", *, vendor: str | None = None, **fields: str
    ) -> Page:
        """Chooses the vendor where the Connect UI asks, signs in there and comes back."""
        form = Form(page.url, "post")
        if vendor is not None:
            self.submit(form, vendor=vendor)
        return self.submit(form, **{"username": username, "password": "Demo1234", "action": "sign-in", **fields})

    def link(self, device_type: str, vendor: str, username: str, *, vendor_there: str | None = None) -> Page:
        return self.sign_in_at_vendor(self.leave_for(device_type, vendor), username, vendor=vendor_there)

    def press_reconnect(self) -> Page:
        """Presses the first reconnect button of the devices page; answers as `press_connect` does."""
        return self.submit(self.look("/devices").form("/reauthenticate"))

    def reconnect(self) -> Page:
        """Presses the first reconnect button of the devices page, and goes as far as the Connect UI's first page."""
        return self._go_on(self.press_reconnect())

    def _go_on(self, page: Page) -> Page:
        """From the portal's own page, where the provider took longer than a click waits."""
        if not page.path.startswith("/link-sessions/"):
            return page
        return self.submit(self.sees(page.path, lambda seen: seen.offers("/continue")).form("/continue"))

    def sees(self, where: str, is_so: Callable[[Page], bool], *, within: float = 20.0) -> Page:
        """Looks again and again until it is so."""
        deadline = time.monotonic() + within
        while not is_so(page := self.look(where)):
            assert time.monotonic() < deadline, page.text
            time.sleep(0.2)
        return page

    def __enter__(self) -> Self:
        return self

    def _page(self, answer: requests.Response) -> Page:
        is_ours = answer.url.startswith(self.at)
        if is_ours and answer.headers.get("Content-Type", "").startswith("text/html"):
            assert_valid_html(answer.text)
        goes_on = onward(answer) if is_ours else None
        return self._page(self.get(goes_on, timeout=30)) if goes_on else Page(answer)
