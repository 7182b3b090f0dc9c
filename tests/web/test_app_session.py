"""A session of the app is what it was when it began: no address, header or cookie makes it another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from portal.sandbox.program import RunningSandbox
from tests.support.clock import Clock
from tests.support.live import serving
from tests.web.conftest import ENGLISH
from tests.web.test_routes import ROUTES, address
from tests.web.visitor import Visitor
from tests.web.webview import FROM_APP, FROM_ELSEWHERE, RetailersApp, use, who, without_chance

SESSION_MINUTES = 17
HTTPS = "https://localhost:8443"
PAGES = ("/devices", "/connect", "/connect/heat-pump", "/connect/heat-pump/nibe", "/privacy", "/app/again", "/nothing")


@pytest.fixture(scope="module")
def app(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RetailersApp]:
    url = f"sqlite:///{tmp_path_factory.mktemp('app')}/portal.sqlite"
    clock = Clock()
    more = {**ENGLISH, "PORTAL_LANGUAGES": "en,sv", "PORTAL_APP__SESSION_MINUTES": str(SESSION_MINUTES)}
    with serving(web_sandbox, url, more, clock=clock) as live:
        yield RetailersApp(live, clock)


@pytest.fixture
def secure(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RetailersApp]:
    """The same where customers come over https."""
    url = f"sqlite:///{tmp_path_factory.mktemp('app')}/portal.sqlite"
    clock = Clock()
    with serving(web_sandbox, url, {**ENGLISH, "PORTAL_PUBLIC_URL": HTTPS}, clock=clock) as live:
        yield RetailersApp(live, clock)


def cookie(visitor: Visitor, name: str = "portal") -> str:
    found = visitor.client.get_cookie(name)
    assert found is not None
    return found.value


def test_a_cookie_planted_before_is_worth_nothing_after(app: RetailersApp) -> None:
    visitor = app.enters("mallory")
    planted = cookie(visitor)
    use(visitor, app.code("anna", name="Anna"))
    question = visitor.page("/app/continue").form_fields("/app/continue")
    visitor.send("POST", "/app/continue", data=question, headers={"Sec-Fetch-Site": "same-origin"})
    assert who(visitor) == "Anna"
    other = app.visitor()
    other.client.set_cookie("portal", planted)
    assert who(other) is None


def test_a_customer_who_comes_in_anew_ends_the_session_before(app: RetailersApp) -> None:
    visitor = app.enters("anna", name="Anna")
    before = cookie(visitor)
    use(visitor, app.code("anna"))
    other = app.visitor()
    other.client.set_cookie("portal", before)
    assert (who(visitor), who(other)) == ("Anna", None)


def test_the_cookie_of_a_webview_names_its_end_and_is_out_of_reach(secure: RetailersApp) -> None:
    answer = use(secure.visitor(), secure.code())
    (header,) = answer.headers.getlist("Set-Cookie")
    name, *attributes = (part.strip() for part in header.split(";"))
    assert name.startswith("__Host-portal=")
    (expires,) = [part for part in attributes if part.startswith("Expires=")]
    assert set(attributes) - {expires} == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    left = parsedate_to_datetime(expires.removeprefix("Expires=")) - datetime.now(UTC)
    assert timedelta(minutes=58) < left <= timedelta(minutes=60)


def test_the_session_is_over_when_the_settings_say_whatever_the_cookie_says(app: RetailersApp) -> None:
    visitor = app.enters("anna", name="Anna")
    try:
        app.clock.later = timedelta(minutes=SESSION_MINUTES, seconds=-5)
        assert who(visitor) == "Anna"
        app.clock.later = timedelta(minutes=SESSION_MINUTES)
        assert visitor.send("GET", "/devices", headers=FROM_APP).headers["Location"] == "/app/again?to=devices"
    finally:
        app.clock.later = timedelta()


@pytest.mark.parametrize("where", [1, 30, -2, -10, -30])
def test_an_edited_cookie_is_a_strangers(app: RetailersApp, where: int) -> None:
    visitor = app.enters("anna")
    text = cookie(visitor)
    place = where % len(text)
    visitor.client.set_cookie("portal", text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :])
    assert who(visitor) is None


QUERIES = ["embed=1", "embed=0", "surface=app", "surface=browser", "app_link=main", "channel=app", "app=1", "in-app=1"]
HEADERS = [
    {"X-Requested-With": "example.nordvind.app"},
    {"X-Surface": "app"},
    {"Surface": "browser"},
    {"Sec-Fetch-Dest": "iframe"},
    {"X-Forwarded-Host": "evil.example"},
    {"Origin": "null"},
]


def seen(visitor: Visitor, path: str, headers: dict[str, str] | None = None) -> tuple[object, ...]:
    """A page and all its headers, without what is another each time."""
    answer = visitor.send("GET", path, headers={**FROM_APP, **(headers or {})})
    kept = sorted(item for item in answer.headers if item[0] not in {"X-Request-Id", "Set-Cookie", "Content-Length"})
    return answer.status_code, kept, without_chance(answer.text)


@pytest.mark.parametrize("kind", ["app", "browser", "stranger"])
def test_no_parameter_header_or_cookie_makes_a_surface_another(app: RetailersApp, kind: str) -> None:
    visitor = {"app": app.enters, "browser": lambda: app.visitor().sign_in(), "stranger": app.visitor}[kind]()
    for path in PAGES:
        plain = seen(visitor, path)
        assert ('class="in-app"' in str(plain[2])) is (kind == "app" and not path.startswith("/return"))
        for query in QUERIES:
            assert seen(visitor, f"{path}?{query}") == plain
        for headers in HEADERS:
            assert seen(visitor, path, headers) == plain
        for name in ("surface", "embed", "app_link", "__Host-portal"):
            visitor.client.set_cookie(name, "app")
        assert seen(visitor, path) == plain


def test_both_surfaces_carry_the_same_headers_everywhere(app: RetailersApp) -> None:
    in_app, in_browser = app.enters("anna"), app.visitor().sign_in("bela")
    for route in ROUTES:
        method, path = route.split(" ")[0], address(route)
        if "/sign-" in path:
            continue
        answers = [visitor.send(method, path, headers=FROM_APP) for visitor in (in_app, in_browser)]
        safe = [
            {
                name: value
                for name, value in answer.headers
                if name not in {"X-Request-Id", "Content-Length", "Set-Cookie"}
            }
            for answer in answers
        ]
        assert safe[0] == safe[1], route
        assert answers[0].status_code == answers[1].status_code


@pytest.mark.parametrize(
    "path", ["/theme.css", "/.well-known/assetlinks.json", "/.well-known/apple-app-site-association"]
)
def test_what_anybody_may_keep_carries_nobodys_cookie(app: RetailersApp, path: str) -> None:
    for visitor in (app.enters("anna"), app.visitor().sign_in(), app.visitor()):
        answer = visitor.send("GET", f"{path}?lang=sv")
        assert "public" in answer.headers["Cache-Control"]
        assert "Set-Cookie" not in answer.headers


def test_whoever_signs_out_in_the_webview_stays_in_the_portal(app: RetailersApp) -> None:
    visitor = app.enters("anna")
    token = visitor.page("/connect/heat-pump/not-listed", headers=FROM_APP).form_fields("/connect/heat-pump/not-listed")
    answer = visitor.send("POST", "/sign-out", data=token, headers={**FROM_APP, "Sec-Fetch-Site": "same-origin"})
    assert answer.headers["Location"] == "/"
    assert who(visitor) is None


def test_another_site_signs_nobody_out(app: RetailersApp) -> None:
    visitor = app.enters("anna", name="Anna")
    assert visitor.send("POST", "/sign-out", headers=FROM_ELSEWHERE).status_code == 403
    assert who(visitor) == "Anna"
