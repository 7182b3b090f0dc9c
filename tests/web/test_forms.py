"""Nobody but our own pages acts for a customer."""

import pytest

from tests.support.live import Installation
from tests.web.test_routes import ROUTES, address
from tests.web.visitor import Visitor, good_page

WITH_PROOF = {"/app/tickets", "/app/enter", "/app/return"}
"""What the retailer's app and its backend bring carries a proof of its own."""

POSTS = [
    path
    for route in ROUTES
    if route.startswith("POST") and "/webhooks" not in (path := address(route)) and path not in WITH_PROOF
]


@pytest.mark.parametrize("path", POSTS)
def test_a_form_without_a_token_is_refused(anna: Visitor, path: str) -> None:
    assert anna.send("POST", path, data={"consent": "yes"}).status_code == 400


@pytest.mark.parametrize("path", POSTS)
def test_the_token_of_another_browser_is_refused(running: Installation, anna: Visitor, path: str) -> None:
    other = Visitor(running.app, running.url).sign_in("bela").token()
    anna.token()
    assert anna.send("POST", path, data={"csrf_token": other}).status_code == 400


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
    ids=["another site", "a sibling site", "another origin", "no origin"],
)
def test_a_form_of_another_site_is_refused_even_with_a_token(anna: Visitor, path: str, headers: dict[str, str]) -> None:
    assert anna.send("POST", path, data={"csrf_token": anna.token()}, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "path", [path for path in POSTS if path not in {"/sign-out", "/language", "/privacy/support-code"}]
)
def test_our_own_form_is_taken_in(anna: Visitor, path: str) -> None:
    assert anna.post(path).status_code in {303, 404, 422}


def test_a_page_that_was_open_when_the_session_ended_leads_to_sign_in(stranger: Visitor) -> None:
    answer = stranger.send("POST", "/connect/heat-pump/nibe", data={"csrf_token": "old", "consent": "yes"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in?to=connect/heat-pump/nibe"


def test_signing_out_ends_every_copy_of_the_cookie(anna: Visitor) -> None:
    token = anna.token()
    with anna.client.session_transaction(base_url=anna.base_url) as cookie:
        copied = dict(cookie)
    answer = anna.send("POST", "/sign-out", data={"csrf_token": token})
    assert answer.status_code == 303
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
