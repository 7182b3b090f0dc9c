"""What the stories of the app share: a webview that is let in, a browser that it lets out, and the way back."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from portal.storage import tables
from tests.stories import strangers
from tests.stories.strangers import CHOICES, Choice
from tests.support.live import Installation
from tests.support.person import Form, Page, Person
from tests.support.retailer import ANDROID_WEBVIEW, APP_LINK, backend

Make = Callable[..., Person]

NAMES = {"anna": "Anna Lindqvist", "bela": "Béla Kovács"}
CHROME = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"

at_every_provider = pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.provider)


@dataclass(frozen=True)
class Words:
    """What the way back carries."""

    ref: str
    code: str | None


def enters(live: Installation, webview: Person, subject: str, **claims: Any) -> Page:
    """The app lets its customer in, whom the sandbox's OpenID issuer knows too."""
    webview.headers.update({"User-Agent": ANDROID_WEBVIEW, "Sec-Fetch-Site": "none"})
    code = backend(live.url).code(f"customer-{subject}", name=NAMES[subject], **claims)
    return webview.look(f"/app/enter?code={code}")


def ticket_on(page: Page) -> str:
    (ticket,) = [link for link in page.links() if "/out/" in link]
    return ticket


def chooses(webview: Person, choice: Choice) -> Page:
    """Chooses and agrees in the webview; answers the attempt's page with the ticket on it."""
    page = webview.press_connect(choice.device_type, choice.vendor)
    assert page.path.startswith("/link-sessions/"), page.path
    return webview.sees(page.path, lambda seen: "/out/" in seen.html)


def opens(browser: Person, ticket: str) -> Page:
    """A browser opens a ticket."""
    browser.headers["User-Agent"] = CHROME
    return browser.look(ticket)


def form_on(page: Page, path: str) -> Form:
    (form,) = [form for form in page.forms() if urlsplit(form.action).path == path]
    return form


def goes_on(browser: Person, page: Page) -> str:
    """Presses the button under the initials; answers the Connect UI's address."""
    left = browser.submit(form_on(page, "/out"))
    assert not left.url.startswith(browser.at), left.url
    return left.url


def comes_back(browser: Person, connect_url: str, choice: Choice, account: str | None = None) -> Page:
    """Signs in at the vendor and follows the way back."""
    return browser.look(strangers.sign_in_there(browser, connect_url, choice, account))


def words_on(page: Page) -> Words:
    """What the way back to the app on this page carries."""
    assert page.path == "/app/back", (page.path, page.text)
    (link,) = [link for link in page.links() if link.startswith(APP_LINK)]
    query = parse_qs(urlsplit(link).query)
    return Words(query["ref"][0], query.get("code", [None])[0])


def hands_over(webview: Person, words: Words, code: str | None = None) -> Page:
    """The app hands over to its webview what the way back carried."""
    return webview.look(f"/app/return?ref={words.ref}&code={code or words.code}")


def walks_out(webview: Person, browser: Person, choice: Choice, account: str | None = None) -> Words:
    """From the choice in the webview to the way back in the browser."""
    page = opens(browser, ticket_on(chooses(webview, choice)))
    return words_on(comes_back(browser, goes_on(browser, page), choice, account))


def departures(live: Installation) -> list[Any]:
    """All browsers that were let out."""
    with live.database.read() as tx:
        return list(tx.connection.execute(select(tables.app_departures)).all())


def made_up_code() -> str:
    return secrets.token_urlsafe(32)
