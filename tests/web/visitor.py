"""A browser without a network: it demands of every page what every page must be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from portal.domain.people import Customer, Identity
from portal.identity import login_sessions
from tests.support.html import assert_valid_fragment, assert_valid_html, tree_of

RETAILER = "Nordvind Energi"


@dataclass(frozen=True)
class Page:
    """An answer that was a page."""

    status: int
    title: str
    heading: str
    html: str
    text: str
    headers: Mapping[str, str]

    def form_fields(self, action: str) -> dict[str, str]:
        """The hidden fields of the form that goes to an address."""
        for form in self._tree().iter("form"):
            if form.get("action") == action:
                return {
                    item.get("name"): item.get("value", "")
                    for item in form.iter("input")
                    if item.get("type") == "hidden"
                }
        raise AssertionError(f"no form for {action}")

    def links(self) -> list[str]:
        return [link.get("href") for link in self._tree().iter("a")]

    def _tree(self) -> Any:
        return tree_of(self.html)


class Visitor:
    """A stranger, until signed in."""

    def __init__(self, app: Flask, base_url: str) -> None:
        self.app = app
        self.base_url = base_url
        self.client = app.test_client()
        self.customer: Customer | None = None

    def sign_in(self, subject: str = "anna", *, confirms: bool = False) -> "Visitor":
        """Opens a login session as the sign-in does, and takes its cookie; `confirms`: they have just shown that."""
        person = Identity("https://issuer.example", subject, f"{subject}@example.com", subject.capitalize())
        return self.sign_in_as(person, confirms=confirms)

    def sign_in_as(self, identity: Identity, *, confirms: bool = False) -> "Visitor":
        """The same for whom the issuer knows so."""
        portal = self.app.extensions["portal"]
        self.customer, token = login_sessions.sign_in(
            portal.ports.database, identity, None, portal.clock(), portal.session_hours, confirms=confirms
        )
        with self.client.session_transaction(base_url=self.base_url) as cookie:
            cookie["_user_id"] = token
        return self

    def send(self, method: str, path: str, **more: Any) -> TestResponse:
        """Any request, taken as it comes."""
        # Buffered, so that what is done once the answer is out is done.
        return self.client.open(path, method=method, base_url=self.base_url, buffered=True, **more)

    def page(self, path: str, *, status: int = 200, language: str = "en", **more: Any) -> Page:
        """A page, which must be a good one."""
        return good_page(self.send("GET", path, **more), status, language)

    def fragment(self, path: str) -> TestResponse:
        """A piece of a page, as htmx asks for it."""
        answer = self.send("GET", path, headers={"HX-Request": "true"})
        if answer.status_code == 200:
            assert_valid_fragment(answer.text)
        return answer

    def token(self) -> str:
        """A form token of this browser."""
        page = self.page("/connect/heat-pump/not-listed" if self.customer else "/")
        if self.customer:
            return page.form_fields("/connect/heat-pump/not-listed")["csrf_token"]
        return page.form_fields("/language")["csrf_token"]

    def post(self, path: str, **fields: str) -> TestResponse:
        """A form of ours, sent as a browser sends it."""
        return self.send(
            "POST",
            path,
            data={"csrf_token": self.token(), **fields},
            headers={"Sec-Fetch-Site": "same-origin", "Origin": self.base_url},
        )


def good_page(answer: TestResponse, status: int, language: str) -> Page:
    """The page in an answer: valid, titled, in the right language, kept by nobody and allowed nothing."""
    assert answer.status_code == status, (answer.status_code, answer.headers.get("Location"))
    assert answer.content_type == "text/html; charset=utf-8"
    assert_valid_html(answer.text)
    tree: Any = tree_of(answer.text)
    title = " ".join(tree.find("head/title").text.split())
    assert title.endswith(f" - {RETAILER}")
    assert tree.get("lang") == language
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    (heading,) = tree.iter("h1")
    return Page(
        status,
        title.removesuffix(f" - {RETAILER}"),
        " ".join("".join(heading.itertext()).split()),
        answer.text,
        re.sub(r"\s+", " ", "".join(tree.find("body").itertext())),
        dict(answer.headers),
    )
