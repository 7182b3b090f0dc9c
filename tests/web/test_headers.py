"""What every answer forbids, wherever it comes from."""

import pytest

from tests.support.live import Installation
from tests.web.test_routes import ROUTES, address
from tests.web.visitor import Visitor

GETS = [address(route) for route in ROUTES if route.startswith("GET")]


def directives(policy: str) -> dict[str, str]:
    return dict(rule.split(" ", 1) for rule in policy.split("; "))


@pytest.mark.parametrize("signed_in", [False, True], ids=["stranger", "customer"])
@pytest.mark.parametrize("path", [*GETS, "/nothing-here", "/webhooks/podero", "/connect/heat-pump/unheard-of"])
def test_every_answer_carries_the_headers(running: Installation, path: str, signed_in: bool) -> None:
    visitor = Visitor(running.app, running.url)
    if signed_in:
        visitor.sign_in()
    headers = visitor.send("GET", path).headers
    rules = directives(headers["Content-Security-Policy"])
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert rules["form-action"] == "'self'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["X-Request-Id"]
    if path not in {"/theme.css", "/logo"} and not path.startswith("/.well-known/"):
        assert headers["Cache-Control"] == "no-store"
        assert {"Cookie", "Accept-Language", "HX-Request"} <= {name.strip() for name in headers["Vary"].split(",")}


@pytest.mark.parametrize("path", ["/sign-in/callback?code=c", "/return/podero/secret/success", "/return/nox?data=x"])
def test_an_address_that_carries_a_secret_is_told_to_nobody(stranger: Visitor, path: str) -> None:
    assert stranger.send("GET", path).headers["Referrer-Policy"] == "no-referrer"


def test_https_is_insisted_on_only_where_it_is_used(stranger: Visitor) -> None:
    assert "Strict-Transport-Security" not in stranger.send("GET", "/").headers


def test_the_theme_may_be_kept_and_asked_for_again(stranger: Visitor) -> None:
    first = stranger.send("GET", "/theme.css")
    assert first.content_type == "text/css; charset=utf-8"
    assert "public" in first.headers["Cache-Control"]
    assert "Set-Cookie" not in first.headers
    again = stranger.send("GET", "/theme.css", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_no_hostile_header_changes_what_is_allowed(stranger: Visitor) -> None:
    plain = stranger.send("GET", "/").headers["Content-Security-Policy"]
    for headers in (
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "https"},
        {"Origin": "https://evil.example"},
    ):
        assert stranger.send("GET", "/?embed=1", headers=headers).headers["Content-Security-Policy"] == plain


def test_a_host_that_is_not_ours_gets_no_page(running: Installation) -> None:
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example"):
        answer = running.app.test_client().get("/", base_url=f"http://{host}")
        assert answer.status_code == 400
        assert host not in answer.text
