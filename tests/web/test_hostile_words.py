"""Whatever strangers write into whatever may be written into: no other host, no crash, no markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from portal.sandbox.program import RunningSandbox
from tests.support.clock import Clock
from tests.support.live import serving
from tests.support.retailer import APP_LINK
from tests.web.conftest import ENGLISH
from tests.web.hostile import CORPUS, assert_harmless, in_a_header, in_a_path, in_a_query
from tests.web.test_routes import ROUTES
from tests.web.visitor import Visitor
from tests.web.webview import FROM_APP, FROM_ELSEWHERE, RetailersApp, use

TAKEN = ("to", "lang", "n", "was", "q", "code", "ref", "state", "error", "iss", "embed")
"""What our GETs read of their query, and a word they must not."""

RETURNED = ("data", "devices", "deviceId", "deviceType", "error", "lang")

WITH_QUERY = {
    "/": TAKEN,
    "/sign-in": TAKEN,
    "/sign-in/callback": TAKEN,
    "/connect/heat-pump": TAKEN,
    "/devices": TAKEN,
    "/link-sessions/abc": TAKEN,
    "/app/again": TAKEN,
    "/app/enter": TAKEN,
    "/app/return": TAKEN,
    "/return/nox": RETURNED,
    "/return/telematica": RETURNED,
    f"/return/podero/{'s' * 43}/success": RETURNED,
}
WITH_PATH = (
    "/{}",
    "/connect/{}",
    "/connect/heat-pump/{}",
    "/link-sessions/{}",
    "/devices/{}/remove",
    "/privacy/permissions/{}/withdraw",
    "/privacy/deleted/{}",
    "/return/{}",
    "/return/podero/{}/success",
    "/return/{}/x/cancel",
    "/out/{}",
    "/static/{}",
    "/.well-known/{}",
)
WITH_FORM = {
    "/language": ("language", "to"),
    "/connect/heat-pump/not-listed": ("vendor",),
    "/connect/heat-pump/nibe": ("provider",),
    "/privacy/support-asks-first": ("asks",),
    "/sign-in/again": ("to",),
    "/app/continue": ("entry",),
    "/app/enter": ("code",),
    "/app/return": ("ref", "code"),
    "/out": ("attempt",),
    "/out/not-me": ("attempt",),
    "/app/tickets": ("token",),
    "/webhooks/nox": ("data",),
}
HEADERS = ("X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Forwarded-For", "Forwarded", "Referer")
MORE_HEADERS = ("X-Original-Url", "X-Rewrite-Url", "X-Host", "Accept-Language", "User-Agent", "HX-Current-Url")


@pytest.fixture(scope="module")
def app(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RetailersApp]:
    url = f"sqlite:///{tmp_path_factory.mktemp('hostile')}/portal.sqlite"
    clock = Clock()
    with serving(web_sandbox, url, {**ENGLISH, "PORTAL_LANGUAGES": "en,sv"}, clock=clock) as live:
        yield RetailersApp(live, clock)


@pytest.fixture
def homes(app: RetailersApp) -> frozenset[str]:
    """The only places that an answer may lead to: ourselves, the issuer, the app's registered link."""
    links = (app.url, app.live.sandbox.url, APP_LINK)
    return frozenset(f"{urlsplit(link).scheme}://{urlsplit(link).netloc}" for link in links)


@pytest.fixture
def each_in_turn(app: RetailersApp) -> Callable[[int], Visitor]:
    """A stranger, a customer in a browser, a customer in the webview."""
    visitors = (app.visitor(), app.visitor().sign_in("bela"), app.enters("anna"))
    return lambda number: visitors[number % len(visitors)]


Turn = Callable[[int], Visitor]


def a_third_for(path: str, paths: Iterable[str]) -> Sequence[str]:
    """Every third word, another third for the next path: each word is said in many places."""
    return CORPUS[list(paths).index(path) % 3 :: 3]


def test_the_corpus_is_worth_its_name() -> None:
    assert len(CORPUS) >= 300


def test_every_view_that_takes_a_form_is_among_them() -> None:
    posts = {route.split(" ")[1].rstrip("/") or "/" for route in ROUTES if route.startswith("POST")}
    nothing_read = {"/sign-out", "/privacy/support-code", "/privacy/data", "/privacy/delete"}
    ids = ("<link_session_id>", "<device_id>", "<consent_id>")
    by_id = {path for path in posts if any(one in path for one in ids)}
    named = {path.replace("<provider_key>", "nox").replace("<vendor_key>", "nibe") for path in posts - by_id}
    assert {path.replace("<device_type>", "heat-pump") for path in named} == {*WITH_FORM, *nothing_read}


@pytest.mark.parametrize("path", WITH_QUERY)
def test_in_a_query(each_in_turn: Turn, homes: frozenset[str], path: str) -> None:
    for number, said in enumerate(a_third_for(path, WITH_QUERY)):
        query = in_a_query(said, *WITH_QUERY[path])
        assert_harmless(each_in_turn(number).send("GET", f"{path}?{query}"), said, homes)


@pytest.mark.parametrize("path", WITH_PATH)
def test_in_a_path(each_in_turn: Turn, homes: frozenset[str], path: str) -> None:
    for number, said in enumerate(a_third_for(path, WITH_PATH)):
        assert_harmless(each_in_turn(number).send("GET", path.format(in_a_path(said))), said, homes)


@pytest.mark.parametrize("path", WITH_FORM)
def test_in_a_form(app: RetailersApp, homes: frozenset[str], path: str) -> None:
    visitor = app.visitor().sign_in("carla")
    token = visitor.token()
    for said in a_third_for(path, WITH_FORM):
        body = f"{in_a_query(said, *WITH_FORM[path])}&csrf_token={token}"
        answer = visitor.send("POST", path, data=body, content_type="application/x-www-form-urlencoded")
        assert_harmless(answer, said, homes)


@pytest.mark.parametrize("path", ["/", "/sign-in", "/devices", "/app/enter?code=x", "/nothing"])
def test_in_a_header(each_in_turn: Turn, homes: frozenset[str], path: str) -> None:
    for number, said in enumerate(CORPUS[::4]):
        written = {f"HTTP_{name.upper().replace('-', '_')}": in_a_header(said) for name in (*HEADERS, *MORE_HEADERS)}
        assert_harmless(each_in_turn(number).send("GET", path, environ_overrides=written), said, homes)


def test_in_the_name_of_the_host(app: RetailersApp, homes: frozenset[str]) -> None:
    for said in CORPUS:
        host = {"HTTP_HOST": in_a_header(said) or "evil.example"}
        answer = app.visitor().send("GET", "/app/again", environ_overrides=host)
        assert answer.status_code == 400, said
        assert_harmless(answer, said, homes)


def test_no_header_changes_where_the_app_is_sent(app: RetailersApp) -> None:
    for said in CORPUS[::5]:
        written = {f"HTTP_{name.upper().replace('-', '_')}": in_a_header(said) for name in HEADERS}
        answer = app.visitor().send("POST", "/app/tickets", data={"token": app.token()}, environ_overrides=written)
        assert answer.json is not None
        assert answer.json["enter_url"] == f"{app.url}/app/enter"


def test_in_the_claims_of_a_genuine_token(app: RetailersApp, homes: frozenset[str]) -> None:
    asked: list[TestResponse] = []
    for said in CORPUS[::4]:
        text = said.encode("utf-8", "replace").decode()
        told = {"target": text, "locale": text, "name": text, "email": text, "given_name": text, "zoneinfo": text}
        if len(str(told)) > 9_000:
            continue
        entering, doubting = app.visitor(), app.visitor()
        code = app.code("anna", **told)
        asked = [use(entering, code, headers=FROM_APP), use(doubting, app.code("anna", **told), headers=FROM_ELSEWHERE)]
        asked += [entering.send("GET", "/devices"), doubting.send("GET", "/app/continue")]
        for answer in asked:
            assert_harmless(answer, said, homes)
        assert asked[2].status_code == asked[3].status_code == 200
        assert app.change(app.token(app_link_id=text)).status_code == (201 if text == "main" else 401)
