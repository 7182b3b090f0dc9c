"""Nobody but our own pages acts for a customer."""

import pytest
from sqlalchemy import func, select

from portal.storage import tables
from tests.support.live import Installation
from tests.web.test_routes import ROUTES, address
from tests.web.visitor import Visitor, good_page

WITH_PROOF = {"/app/tickets", "/app/enter", "/app/return"}
"""What the retailer's app and its backend bring carries a proof of its own."""

NOT_SENT = "nothing was sent"

TARGET_URLS = {
    "/privacy/support-code": "/privacy",
    "/privacy/support-asks-first": "/privacy",
    "/sign-in/again": "/privacy",
    "/sign-out": "/",
    "/link-sessions/abc/continue": "/link-sessions/abc",
    "/link-sessions/abc/keep": "/link-sessions/abc",
    "/link-sessions/abc/same": "/link-sessions/abc",
    "/link-sessions/abc/another": "/link-sessions/abc",
    "/link-sessions/abc/let-go": "/link-sessions/abc",
    "/devices/abc/reauthenticate": "/devices",
    "/devices/abc/put-away": "/devices",
    "/link-sessions/abc/put-away": "/devices",
    "/out/not-me": "/out",
}
"""The page of each form, where that is not its own address."""

POSTS = [
    path
    for route in ROUTES
    if route.startswith("POST") and "/webhooks" not in (path := address(route)) and path not in WITH_PROOF
]


WITH_TOKEN = [path for path in POSTS if path != "/language"]


def attempts_of(visitor: Visitor) -> int:
    """How many attempts there are of a customer."""
    assert visitor.customer
    database = visitor.app.extensions["portal"].ports.database
    with database.read() as tx:
        mine = select(func.count()).where(tables.link_sessions.c.customer_id == visitor.customer.id)
        return int(tx.connection.execute(mine).scalar_one())


@pytest.mark.parametrize("path", WITH_TOKEN)
@pytest.mark.parametrize("token", ["none", "another browser's"])
def test_a_form_that_is_refused_for_its_token_does_nothing_and_leads_back_to_its_page(
    running: Installation, anna: Visitor, path: str, token: str
) -> None:
    before = attempts_of(anna)
    fields = {} if token == "none" else {"csrf_token": Visitor(running.app, running.url).sign_in("bela").token()}
    anna.token()
    answer = anna.send("POST", path, data={"consent": "yes", **fields})
    assert answer.status_code == 303
    assert answer.headers["Location"] == TARGET_URLS.get(path, path)
    assert attempts_of(anna) == before
    assert NOT_SENT in anna.page("/connect").text
    assert NOT_SENT not in anna.page("/connect").text


def test_a_language_is_chosen_in_a_tab_that_was_open_before_the_sign_in(anna: Visitor) -> None:
    for fields in ({}, {"csrf_token": "of a session before"}):
        answer = anna.send("POST", "/language", data={"language": "en", "to": "connect/heat-pump", **fields})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/connect/heat-pump")


def test_a_browser_that_does_not_say_where_a_form_comes_from_is_believed_by_its_token(anna: Visitor) -> None:
    said = {"Origin": "null"}
    fields = {"vendor": "Rare pumps"}
    path = "/connect/heat-pump/not-listed"
    answer = anna.send("POST", path, data={"csrf_token": anna.token(), **fields}, headers=said)
    assert answer.headers["Location"] == f"{path}/thanks"
    answer = anna.send("POST", path, data={"csrf_token": "made up", **fields}, headers=said)
    assert answer.headers["Location"] == path


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Origin": "https://evil.example"},
    ],
    ids=["another site", "a sibling site", "another site without an origin", "another origin"],
)
def test_a_form_of_another_site_is_refused_even_with_a_token(anna: Visitor, path: str, headers: dict[str, str]) -> None:
    assert anna.send("POST", path, data={"csrf_token": anna.token()}, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "path", [path for path in POSTS if path not in {"/sign-out", "/language", "/privacy/support-code"}]
)
def test_our_own_form_is_taken_in(anna: Visitor, path: str) -> None:
    answer = anna.post(path)
    assert answer.status_code in {200, 303, 404, 422}
    assert NOT_SENT not in anna.page("/connect").text


def test_signing_out_ends_every_copy_of_the_cookie(anna: Visitor) -> None:
    token = anna.token()
    with anna.client.session_transaction(base_url=anna.base_url) as cookie:
        copied = dict(cookie)
    answer = anna.send("POST", "/sign-out", data={"csrf_token": token})
    assert answer.headers["Refresh"].startswith("0;url=")
    assert "You are signed out" in anna.page("/").text
    assert "You are signed out" not in anna.page("/").text
    with anna.client.session_transaction(base_url=anna.base_url) as cookie:
        cookie.update(copied)
    assert anna.send("GET", "/devices").headers["Location"] == "/sign-in?to=devices"


def test_a_provider_event_needs_no_token_but_a_proof(stranger: Visitor) -> None:
    assert stranger.send("POST", "/webhooks/telematica", data=b"{}").status_code == 401
    assert stranger.send("POST", "/webhooks/nobody", data=b"{}").status_code == 404
    assert stranger.send("POST", "/webhooks/telematica", data=b"x" * (256 * 1024 + 1)).status_code == 413
    assert "Set-Cookie" not in stranger.send("POST", "/webhooks/telematica", data=b"{}").headers


def test_a_form_that_comes_back_says_so_before_anything_else(anna: Visitor) -> None:
    answer = anna.post("/connect/heat-pump/not-listed", vendor="")
    page = good_page(answer, 422, "en")
    assert page.title.startswith("Error: ")
    assert not anna.page("/connect/heat-pump/not-listed").title.startswith("Error")
