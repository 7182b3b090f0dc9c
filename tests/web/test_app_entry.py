"""Coming in from the app: once, by the customer's own will, and with the same few words for everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from portal import logs
from portal.sandbox.program import RunningSandbox
from tests.support.clock import Clock
from tests.support.live import serving
from tests.support.retailer import ANDROID_WEBVIEW, IPHONE_WEBVIEW
from tests.web.conftest import ENGLISH
from tests.web.visitor import Visitor, good_page
from tests.web.webview import CHROME, FROM_APP, FROM_ELSEWHERE, RetailersApp, use, who, without_chance

SESSION_MINUTES = 17
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile Safari/604.1"
IPAD_WEBVIEW = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
FIREFOX = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="module")
def retailers(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RetailersApp]:
    url = f"sqlite:///{tmp_path_factory.mktemp('app')}/portal.sqlite"
    more = {
        **ENGLISH,
        "PORTAL_LANGUAGES": "en,sv",
        "PORTAL_LOG_LEVEL": "warning",
        "PORTAL_APP__SESSION_MINUTES": str(SESSION_MINUTES),
    }
    clock = Clock()
    with serving(web_sandbox, url, more, clock=clock) as live:
        yield RetailersApp(live, clock)
    logs.configure(log_format="text", level="error")


@pytest.fixture
def app(retailers: RetailersApp) -> Iterator[RetailersApp]:
    yield retailers
    retailers.clock.later = timedelta()


def bodies(app: RetailersApp) -> dict[str, dict[str, Any]]:
    """What may be sent instead of a good token, by the word that the log gets."""
    used = app.token()
    app.change(used)
    deep = {"data": "[" * 30_000, "content_type": "application/json"}
    return {
        "token_missing": {},
        "token_missing, deep": deep,
        "token_missing, deep object": {**deep, "data": '{"a":' * 5_000},
        "token_missing, huge": {"data": "x" * 100_000, "content_type": "application/jwt"},
        "token_missing, huge field": {"data": {"token": "x" * 100_000}},
        "token_missing, too long": {"data": {"token": app.token(name="x" * 15_000)}},
        "token_missing, number": {"json": {"token": 7}},
        "token_missing, list": {"json": ["token"]},
        "token_missing, not text": {"data": b"\xff\xfe", "content_type": "application/json"},
        "token_missing, other field": {"data": {"jwt": app.token()}},
        "token_forged": {"data": {"token": app.token()[:-9]}},
        "token_algorithm": {"data": {"token": "eyJhbGciOiJub25lIn0.e30."}},
        "token_type": {"data": {"token": app.token(nonce="n")}},
        "token_for_another_audience": {"json": {"token": app.token(aud="https://staging.example")}},
        "token_of_another_issuer": {"data": app.token(iss="else"), "content_type": "application/jwt"},
        "token_expired": {"data": {"token": app.token(iat=1, exp=2)}},
        "token_lives_too_long": {"data": {"token": app.token(exp=2**60)}},
        "token_without_times": {"data": {"token": app.token(exp=10**400)}},
        "token_without_id": {"data": {"token": app.token(jti="short")}},
        "token_without_subject": {"data": {"token": app.token("")}},
        "token_with_unknown_app_link": {"data": {"token": app.token(app_link_id="evil")}},
        "token_replayed": {"data": {"token": used}},
    }


def test_every_refused_token_has_the_same_answer_and_the_log_alone_the_reason(app: RetailersApp) -> None:
    answers = set()
    for expected, body in bodies(app).items():
        with capture_logs() as log:
            answer = app.visitor().send("POST", "/app/tickets", **body)
        said = {line["reason"] for line in log if line["event"] == "app_entry_refused"}
        known = {"token_without_times", "token_lives_too_long"} if "times" in expected or "long" in expected else set()
        assert said in [{expected.split(",")[0]}, *({word} for word in known)], expected
        headers = {name: value for name, value in answer.headers if name not in {"X-Request-Id", "Date"}}
        answers.add((answer.status_code, answer.data, str(sorted(headers.items()))))
    ((status, body, _),) = answers
    assert (status, body) == (401, b'{"error":"token_refused"}\n')


def dead_codes(app: RetailersApp) -> dict[str, str]:
    """Codes that open nothing, by the word that the log gets."""
    used, held, expired = app.code(), app.code(), app.code()
    use(app.visitor(), used)
    use(app.visitor(), held, headers=FROM_ELSEWHERE)
    app.clock.later += timedelta(seconds=61)
    return {
        "code_used": used,
        "code_unknown, held": held,
        "code_expired": expired,
        "code_unknown": "x",
        "code_unknown, ": "",
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("headers", [FROM_APP, {**FROM_ELSEWHERE, "Sec-Fetch-Site": "same-origin"}], ids=["app", "own"])
def test_everybody_who_is_not_let_in_reads_the_same_page(
    app: RetailersApp, method: str, headers: dict[str, str]
) -> None:
    pages = set()
    for expected, code in dead_codes(app).items():
        visitor = app.visitor()
        with capture_logs() as log:
            answer = use(visitor, code, method, headers)
        assert [line["reason"] for line in log if "reason" in line] == [expected.split(",")[0]]
        assert not code or code == "x" or code not in answer.text
        pages.add(without_chance(good_page(answer, 401, "en").html))
        assert who(visitor) is None
    assert len(pages) == 1


SILENT = {
    "opened by the app": FROM_APP,
    "opened by an iPhone's app that does not say": {"User-Agent": IPHONE_WEBVIEW},
    "opened by an iPad's app that does not say": {"User-Agent": IPAD_WEBVIEW},
    "opened by an Android app that does not say": {"User-Agent": ANDROID_WEBVIEW},
    "opened by a program": {"User-Agent": "okhttp/5.1"},
    "from a page of ours": {"User-Agent": CHROME, "Sec-Fetch-Site": "same-origin"},
}
ASKED = {
    "a link on another site": FROM_ELSEWHERE,
    "a link on a neighbour's site": {**FROM_ELSEWHERE, "Sec-Fetch-Site": "same-site"},
    "a frame": {**FROM_ELSEWHERE, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"},
    "a script's request": {**FROM_ELSEWHERE, "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "no-cors"},
    "a picture": {**FROM_ELSEWHERE, "Sec-Fetch-Dest": "image"},
    "another site in the webview": {"User-Agent": ANDROID_WEBVIEW, "Sec-Fetch-Site": "cross-site"},
    "a word nobody knows": {"User-Agent": CHROME, "Sec-Fetch-Site": "NONE"},
    "an older browser that does not say": {"User-Agent": SAFARI},
    "another that does not say": {"User-Agent": FIREFOX},
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("how", SILENT)
def test_what_the_app_opens_lets_its_customer_in(app: RetailersApp, how: str, method: str) -> None:
    visitor = app.visitor()
    answer = use(visitor, app.code(name="Anna", target="connect"), method, SILENT[how])
    assert (answer.status_code, answer.headers["Location"]) == (303, "/connect")
    assert answer.headers["Cache-Control"] == "no-store"
    assert who(visitor) == "Anna"


def test_a_token_may_be_brought_by_the_webview_itself_and_is_good_for_once(app: RetailersApp) -> None:
    token, visitor = app.token("anna"), app.visitor()
    answer = visitor.send("POST", "/app/enter", data={"token": token}, headers=FROM_APP)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/devices")
    assert who(visitor) == "Anna"
    for spoilt in (token, app.token("anna", aud="https://elsewhere.example"), "nonsense", ""):
        other = app.visitor()
        refused = other.send("POST", "/app/enter", data={"token": spoilt}, headers=FROM_APP)
        assert good_page(refused, 401, "en").heading == "Open this again from the app"
        assert who(other) is None


def test_a_token_that_another_site_brings_is_asked_about(app: RetailersApp) -> None:
    answer = app.visitor().send("POST", "/app/enter", data={"token": app.token("anna")}, headers=FROM_ELSEWHERE)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/app/enter?code=")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("how", ASKED)
def test_whom_another_site_led_here_is_asked_first(app: RetailersApp, how: str, method: str) -> None:
    visitor, headers = app.visitor(), ASKED[how]
    answer = use(visitor, app.code("mallory", name="Mallory"), method, headers)
    if method == "POST":
        assert who(visitor) is None
        answer = visitor.send("GET", answer.headers["Location"], headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/app/continue")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert who(visitor) is None
    question = visitor.page("/app/continue")
    assert question.heading == "Continue as Mallory?"
    answer = visitor.post("/app/continue", **question.form_fields("/app/continue"))
    assert answer.headers["Location"] == "/devices"
    assert who(visitor) == "Mallory"


@pytest.mark.parametrize("headers", [FROM_APP, FROM_ELSEWHERE], ids=["app", "another site"])
def test_nobody_is_signed_out_by_another_customers_code_without_being_asked(
    app: RetailersApp, headers: dict[str, str]
) -> None:
    visitor = app.enters("anna", name="Anna")
    answer = use(visitor, app.code("mallory", name="Mallory"), headers=headers)
    assert answer.headers["Location"] == "/app/continue"
    question = visitor.page("/app/continue")
    assert "Anna is signed in here now, and will be signed out if you continue." in question.text
    assert who(visitor) == "Anna"


def test_a_customer_who_is_in_already_comes_in_again_without_a_question(app: RetailersApp) -> None:
    visitor = app.enters("anna", name="Anna")
    assert use(visitor, app.code("anna", target="connect")).headers["Location"] == "/connect"
    assert use(visitor, app.code("anna"), headers=FROM_ELSEWHERE).headers["Location"] == "/app/continue"


def test_a_yes_is_to_what_was_read_and_to_nothing_that_took_its_place(app: RetailersApp) -> None:
    visitor = app.visitor()
    use(visitor, app.code("anna", name="Anna"), headers=FROM_ELSEWHERE)
    read = visitor.page("/app/continue").form_fields("/app/continue")
    app.clock.later += timedelta(seconds=1)
    use(visitor, app.code("mallory", name="Mallory"), headers=FROM_ELSEWHERE)
    assert visitor.post("/app/continue", **read).headers["Location"] == "/app/continue"
    assert who(visitor) is None
    assert visitor.page("/app/continue").heading == "Continue as Mallory?"


@pytest.mark.parametrize("fields", [{}, {"entry": ""}, {"entry": "x"}])
def test_a_yes_to_nothing_is_none(app: RetailersApp, fields: dict[str, str]) -> None:
    visitor = app.visitor()
    use(visitor, app.code(), headers=FROM_ELSEWHERE)
    assert visitor.post("/app/continue", **fields).headers["Location"] == "/app/continue"
    assert who(visitor) is None


def test_nobody_else_says_yes(app: RetailersApp) -> None:
    visitor, other = app.visitor(), app.visitor()
    use(visitor, app.code("anna", name="Anna"), headers=FROM_ELSEWHERE)
    read = visitor.page("/app/continue").form_fields("/app/continue")
    assert other.post("/app/continue", entry=read["entry"]).headers["Location"] == "/app/again"
    assert visitor.send("POST", "/app/continue", data=read, headers=FROM_ELSEWHERE).status_code == 403
    answer = visitor.send("POST", "/app/continue", data={"entry": read["entry"]})
    assert answer.headers["Location"] == "/app/continue"
    assert (who(visitor), who(other)) == (None, None)
    app.clock.later += timedelta(minutes=6)
    assert visitor.post("/app/continue", **read).headers["Location"] == "/app/again"


PROBES: list[tuple[str, dict[str, str], int]] = [
    ("HEAD", {}, 204),
    ("OPTIONS", {}, 200),
    ("GET", {"Sec-Purpose": "prefetch"}, 503),
    ("GET", {"Sec-Purpose": "prefetch;prerender"}, 503),
    ("GET", {"Purpose": "prefetch"}, 503),
]


@pytest.mark.parametrize(("method", "headers", "status"), PROBES)
def test_a_probe_uses_no_code_up(app: RetailersApp, method: str, headers: dict[str, str], status: int) -> None:
    visitor, code = app.visitor(), app.code(name="Anna")
    for _ in range(3):
        answer = use(visitor, code, method, {**FROM_APP, **headers})
        assert (answer.status_code, "Location" in answer.headers) == (status, False)
    assert who(visitor) is None
    assert use(visitor, code).status_code == 303
    assert who(visitor) == "Anna"


def test_a_code_used_twice_leads_on_where_its_session_is_and_nowhere_else(app: RetailersApp) -> None:
    visitor, code = app.visitor(), app.code(target="connect")
    for _ in range(3):
        assert use(visitor, code).headers["Location"] == "/connect"
    assert use(app.visitor(), code).status_code == 401
    assert use(app.enters("bela"), code).status_code == 401
    app.clock.later += timedelta(minutes=SESSION_MINUTES)
    assert use(visitor, code).status_code == 401


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "app/enter", "sign-out", "javascript:1", 7]
)
def test_a_token_leads_to_pages_of_ours_alone(app: RetailersApp, target: object) -> None:
    assert use(app.visitor(), app.code(target=target)).headers["Location"] == "/devices"


def test_a_code_is_told_in_no_address_that_is_shown(app: RetailersApp) -> None:
    code = app.code()
    assert code not in str(use(app.visitor(), code).headers)


def test_where_there_is_no_app_there_are_no_such_pages(web_sandbox: RunningSandbox, tmp_path_factory: Any) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('no-app')}/portal.sqlite"
    without = {f"PORTAL_APP__{name}": "" for name in ("ISSUER", "JWKS_FILE", "SUBJECT_ISSUER", "LINKS", "SCHEMES")}
    with serving(web_sandbox, url, {**ENGLISH, **without}) as live:
        visitor = Visitor(live.app, live.url)
        for method, path in (("POST", "/app/tickets"), ("GET", "/app/enter?code=x"), ("GET", "/app/again")):
            assert visitor.send(method, path).status_code == 404
