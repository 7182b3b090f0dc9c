"""The retailer's app in front of the portal: its backend's tokens, and visitors that come in with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

from tests.support.clock import Clock
from tests.support.live import Installation
from tests.support.retailer import ANDROID_WEBVIEW, backend
from tests.web.visitor import Visitor

CHROME = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
FROM_APP = {"User-Agent": ANDROID_WEBVIEW, "Sec-Fetch-Site": "none"}
FROM_ELSEWHERE = {"User-Agent": CHROME, "Sec-Fetch-Site": "cross-site"}


@dataclass(frozen=True)
class RetailersApp:
    """The app of this portal. Its backend's clock goes right, whatever the portal's says."""

    live: Installation
    clock: Clock

    @property
    def url(self) -> str:
        return self.live.settings.public_url

    def visitor(self) -> Visitor:
        return Visitor(self.live.app, self.url)

    def token(self, subject: str = "anna", **claims: Any) -> str:
        now = int(self.clock().timestamp())
        return backend(self.url).token(subject, **{"iat": now, "exp": now + 60, **claims})

    def change(self, token: object) -> TestResponse:
        return self.visitor().send("POST", "/app/tickets", data={"token": token})

    def code(self, subject: str = "anna", **claims: Any) -> str:
        answer = self.change(self.token(subject, **claims))
        assert answer.status_code == 201, answer.text
        return str(answer.json["code"])  # type: ignore[index]  # it is an object

    def enters(self, subject: str = "anna", **claims: Any) -> Visitor:
        """A webview that has come in."""
        visitor = self.visitor()
        answer = use(visitor, self.code(subject, **claims))
        assert answer.status_code == 303, answer.text
        return visitor


def use(visitor: Visitor, code: str, method: str = "GET", headers: dict[str, str] | None = None) -> TestResponse:
    """Opens a code as the app does, or in whatever way these headers tell of."""
    sent = FROM_APP if headers is None else headers
    if method == "POST":
        return visitor.send("POST", "/app/enter", data={"code": code}, headers=sent)
    return visitor.send(method, "/app/enter", query_string={"code": code}, headers=sent)


def who(visitor: Visitor) -> str | None:
    """Whose devices this browser is shown; None for a stranger."""
    answer = visitor.send("GET", "/devices")
    found = re.search(r"Signed in as\s*(?:</span>|</p>)?\s*(\w+)", answer.text)
    return found.group(1) if answer.status_code == 200 and found else None


def without_chance(text: str) -> str:
    """A page without what is another on each: the form's token and the reference number."""
    text = re.sub(r'(name="csrf_token" value=")[^"]+', r"\1", text)
    return re.sub(r"[2-9B-Z]{4}-[2-9B-Z]{4}", "", text)


Make = Callable[..., Visitor]
