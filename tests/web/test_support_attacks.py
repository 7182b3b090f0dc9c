"""Customer support under attack: two kinds of people in one browser, forged permissions, pages that must not act."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import unquote

import pytest
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.app import create_app
from portal.domain.access import AccessEvent
from portal.domain.link_session import State
from portal.domain.support import Role
from portal.settings import load
from portal.storage import access_events, tables
from portal.web import support
from tests.support.live import Installation, environment
from tests.web.desk import Desk
from tests.web.giving import give, give_renewal
from tests.web.test_support import address, everything, observed_routes
from tests.web.visitor import Visitor

SECRET = "https://connect.example/secret-of-the-link"
EVERY_STATE = tuple(State)


@pytest.fixture
def busy(running: Installation, visitor: Callable[[], Visitor]) -> Visitor:
    """A customer with an attempt in every state, some of which hold a link that is a secret."""
    busy = visitor().sign_in("busy")
    device = give(running, busy)
    now = running.portal.clock()
    for state in EVERY_STATE:
        give_renewal(
            running,
            device,
            state,
            id=f"busy-{state.value}",
            connect_url=SECRET,
            expires_at=now + timedelta(hours=1),
            created_at=now - timedelta(minutes=3),
        )
    return busy


@pytest.fixture(autouse=True)
def _clean(running: Installation) -> Iterator[None]:
    yield
    with running.database.write() as tx:
        tx.connection.execute(tables.link_sessions.delete())


def events(running: Installation, desk: Desk) -> list[AccessEvent]:
    """What is on record of this agent, the latest first."""
    assert desk.agent
    with running.database.read() as tx:
        return [event for event in access_events.page(tx, limit=200) if event.actor == desk.agent.id]


# Two kinds of people


def test_each_application_knows_its_own_cookie_alone(running: Installation, anna: Visitor) -> None:
    desk = Desk(running, name="one-browser")
    staff, customers = desk.app.config, running.app.config
    assert staff["SESSION_COOKIE_NAME"] != customers["SESSION_COOKIE_NAME"]
    assert staff["SECRET_KEY"] != customers["SECRET_KEY"]
    theirs = anna.client.get_cookie("portal", domain="localhost")
    assert theirs
    for name in ("staff", "portal"):
        desk.client.delete_cookie("staff", domain="localhost")
        desk.client.set_cookie(name, theirs.value, domain="localhost")
        assert desk.send("GET", "/").headers["Location"] == "/support/sign-in"
    mine = Desk(running, name="one-browser").client.get_cookie("staff", domain="localhost")
    assert mine
    anna.client.set_cookie("portal", mine.value, domain="localhost")
    assert anna.send("GET", "/devices").status_code == 303


def test_a_cookie_of_staff_that_the_customers_key_signed_is_nobodys(running: Installation) -> None:
    desk = Desk(running, name="resigned")
    with desk.client.session_transaction(base_url=desk.base_url) as cookie:
        content = dict(cookie)
    signer = SecureCookieSessionInterface().get_signing_serializer(running.app)
    assert signer
    desk.client.set_cookie("staff", signer.dumps(content), domain="localhost")
    assert desk.send("GET", "/").headers["Location"] == "/support/sign-in"


def test_both_in_one_browser_go_on_and_leave_alone(running: Installation, anna: Visitor) -> None:
    """One cookie jar, as one browser has it: neither signs the other out."""
    desk = Desk(running, name="both")
    assert anna.customer
    theirs = anna.client.get_cookie("portal", domain="localhost")
    assert theirs
    desk.client.set_cookie("portal", theirs.value, domain="localhost")
    prefix = desk.view(anna.customer.id)
    for path in ("/", f"{prefix}/devices", f"{prefix}/privacy"):
        answer = desk.send("GET", path)
        assert not any(cookie.startswith("portal=") for cookie in answer.headers.getlist("Set-Cookie"))
    desk.post("/sign-out")
    kept = desk.client.get_cookie("portal", domain="localhost")
    assert kept
    assert kept.value == theirs.value
    assert anna.page("/devices").status == 200


def test_the_cookie_of_staff_is_the_strictest_there_is(running: Installation) -> None:
    settings = running.settings.model_copy(update={"public_url": "https://portal.example"})
    staff = create_app(settings).extensions["portal.support"].config
    assert staff["SESSION_COOKIE_NAME"] == "__Host-staff"
    assert staff["SESSION_COOKIE_SECURE"] is staff["SESSION_COOKIE_HTTPONLY"] is True
    assert (staff["SESSION_COOKIE_SAMESITE"], staff["SESSION_COOKIE_PATH"]) == ("Lax", "/")
    assert staff.get("SESSION_COOKIE_DOMAIN") is None


# Ways in


@pytest.mark.parametrize(
    "path",
    ["//support/", "/Support/", "/SUPPORT/audit", "/supports", "/support.", "/x/../support/audit", "/support%00/"],
)
def test_no_other_spelling_is_another_way_in(running: Installation, path: str) -> None:
    # As a server hands it on: the client of the tests takes two slashes for a host.
    as_it_came = {"PATH_INFO": unquote(path)}
    answer = running.app.test_client().get("/", base_url=running.url, environ_overrides=as_it_came)
    assert answer.status_code in {303, 404}
    assert answer.headers.get("Location") in {"/support/sign-in", "/support/sign-in?to=/audit", None}


@pytest.mark.parametrize("path", ["/support%2faudit", "/%73upport/audit", "/support/./audit", "/support//audit"])
def test_an_encoded_spelling_meets_the_same_guard(running: Installation, path: str) -> None:
    answer = running.app.test_client().get(path, base_url=running.url)
    assert answer.status_code in {303, 308, 404}
    assert answer.status_code != 303 or answer.headers["Location"] == "/support/sign-in?to=/audit"


def test_what_is_for_machines_is_not_behind_support(running: Installation) -> None:
    desk = Desk(running, name="machine")
    for path in ("/health/live", "/health/ready", "/healthz", "/.well-known/security.txt", "/app/entry-tokens"):
        assert desk.send("GET", path).status_code == 404, path
        assert desk.send("POST", path).status_code == 404, path
    for provider in ("podero", "nox", "telematica"):
        assert desk.send("POST", f"/webhooks/{provider}", data=b"{}").status_code == 404


def test_without_an_issuer_of_the_staff_there_is_no_support(running: Installation) -> None:
    app = create_app(running.settings.model_copy(update={"staff_oidc": None}))
    visitor = Visitor(app, running.url)
    for path in ("/support", "/support/", "/support/sign-in", "/support/as/x/devices"):
        visitor.page(path, status=404)


def test_a_stranger_as_a_host_gets_no_page(running: Installation) -> None:
    given = {
        **environment(running.sandbox, running.url, running.settings.database_url),
        "PORTAL_TRUSTED_HOSTS": "localhost",
    }
    app = create_app(load(given))
    for path in ("/support/", "/support/sign-in", "/support/nowhere"):
        answer = app.test_client().get(path, base_url="http://evil.example")
        assert (answer.status_code, answer.text) == (400, "400\n")


def test_the_proxy_is_believed_before_the_applications_part(running: Installation) -> None:
    app = create_app(running.settings.model_copy(update={"proxy_hops": 1}))
    assert isinstance(app.wsgi_app, ProxyFix)
    answer = app.test_client().get(
        "/support/",
        headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost", "X-Forwarded-For": "1.2.3.4"},
    )
    assert answer.headers["Location"] == "/support/sign-in"


def test_the_colours_and_the_static_files_are_there_for_whoever_asks(running: Installation) -> None:
    page = Desk(running, None).page("/sign-in/failed")
    links = [part.split('"', 1)[0] for part in page.html.split('href="')[1:] + page.html.split('src="')[1:]]
    files = [link for link in links if "/static/" in link or "theme.css" in link or link.endswith("/logo")]
    assert len(files) >= 3
    for link in files:
        answer = running.app.test_client().get(link, base_url=running.url, buffered=True)
        assert answer.status_code == 200, link
        assert "Set-Cookie" not in answer.headers
        assert "max-age" in answer.headers["Cache-Control"]


# Only to look


def test_no_look_at_any_page_of_any_attempt_writes_or_calls_or_tells_a_secret(
    running: Installation, busy: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(running, name="looker")
    queued: list[object] = []

    def note(_queue: object, task: object) -> bool:
        queued.append(task)
        return True

    monkeypatch.setattr(type(running.portal.ports.queue), "put", note)
    assert busy.customer
    grant = desk.view(busy.customer.id).rsplit("/", 1)[-1]
    device = f"device-{busy.customer.id}-heat_pump"
    before = everything(running)
    calls = {provider: list(made) for provider, made in running.sandbox.state.calls.items()}
    paths = {rule.replace("<device_id>", device) for _, rule in observed_routes(running)}
    attempts = {path for path in paths if "<link_session_id>" in path}
    paths |= {path.replace("<link_session_id>", f"busy-{state.value}") for path in attempts for state in EVERY_STATE}
    for path in sorted(paths - attempts):
        for method, headers in (("GET", {}), ("GET", {"HX-Request": "true"}), ("HEAD", {})):
            answer = desk.send(method, address(path, grant=grant), headers=headers)
            assert answer.status_code in {200, 204, 303, 404, 405}, (path, answer.status_code)
            assert SECRET not in answer.text + str(answer.headers), path
            assert "Set-Cookie" not in answer.headers, path
    assert everything(running) == before
    assert not queued
    assert {provider: list(made) for provider, made in running.sandbox.state.calls.items()} == calls


def test_every_other_method_is_refused_on_every_viewed_page(running: Installation, busy: Visitor) -> None:
    desk = Desk(running, name="poster")
    assert busy.customer
    prefix = desk.view(busy.customer.id)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in ("/connect/heat-pump/nibe", "/link-sessions/busy-departed/continue", "/language"):
            answer = desk.send(method, f"{prefix}{path}", headers={"Sec-Fetch-Site": "same-origin"})
            assert answer.status_code in {403, 405}, (method, path)
    assert desk.send("OPTIONS", f"{prefix}/devices").text == ""


def test_no_permission_of_somebody_else_or_of_before_opens_a_page(running: Installation, anna: Visitor) -> None:
    sam, kim = Desk(running, name="sam-1"), Desk(running, Role.LEAD, "kim-1")
    otto = Desk(running, Role.AUDITOR, "otto-1")
    assert anna.customer
    mine, ended = sam.view(anna.customer.id), sam.view(anna.customer.id)
    sam.post(f"/grants/{ended.rsplit('/', 1)[-1]}/end")
    forged = [f"/as/{odd}" for odd in ("0", "%00", "%27%20OR%201=1--", "x" * 3000, "..%2f..", "🙂")]
    tries = [(sam, [ended, *forged]), (kim, [mine, *forged]), (otto, [mine, *forged]), (Desk(running, None), [mine])]
    for desk, prefixes in tries:
        for prefix in prefixes:
            for path in ("/", "/devices", "/timeline", "/connect", "/privacy"):
                answer = desk.send("GET", f"{prefix}{path}")
                assert answer.status_code in {303, 404}, (prefix, path)
                assert "Anna" not in answer.text
            acted = desk.send("POST", f"{prefix}/connect/heat-pump/nibe")
            assert acted.status_code in {303, 404} or acted.headers["Refresh"] == "0;url=/support/sign-in"
            assert "Anna" not in acted.text
    grant = mine.rsplit("/", 1)[-1]
    for way in ("renew", "end"):
        assert kim.post(f"/grants/{grant}/{way}").headers["Location"] == "/support/over"
    assert sam.send("GET", f"{mine}/devices").status_code == 200


# Forms and addresses


def test_no_form_of_staff_is_taken_from_elsewhere_or_without_its_token(running: Installation, anna: Visitor) -> None:
    desk = Desk(running, name="forms")
    assert anna.customer
    grant = desk.view(anna.customer.id).rsplit("/", 1)[-1]
    token, others = desk.token(), Desk(running, name="other-forms").token()
    before = everything(running)
    forms = (f"/customers/{anna.customer.id}", f"/grants/{grant}/renew", f"/grants/{grant}/end")
    for path in (*forms, f"/grants/{grant}/language", "/language", "/sign-out"):
        fields = {"reason": "other", "ticket": "T-1", "own": "yes", "language": "en"}
        site = {"Sec-Fetch-Site": "cross-site"}
        assert desk.send("POST", path, data={**fields, "csrf_token": token}, headers=site).status_code == 403
        origin = {"Origin": "https://evil.example"}
        assert desk.send("POST", path, data={**fields, "csrf_token": token}, headers=origin).status_code == 403
        for bad in ("", "x", others):
            assert desk.send("POST", path, data={**fields, "csrf_token": bad}).status_code == 400, path
    assert everything(running) == before
    assert desk.send("GET", "/").status_code == 200


@pytest.mark.parametrize("number", ["9" * 30, "-1", "0", "x", "1e3", "%00"])
def test_any_number_of_a_page_is_borne(running: Installation, number: str) -> None:
    otto = Desk(running, Role.AUDITOR, "otto-2")
    assert otto.send("GET", f"/audit?before={number}").status_code == 200
    assert otto.send("GET", "/audit?customer=%00&agent=%00").status_code == 200


def test_no_address_leads_out(running: Installation, anna: Visitor) -> None:
    desk = Desk(running, name="leads")
    assert anna.customer
    grant = desk.view(anna.customer.id).rsplit("/", 1)[-1]
    for odd in (grant, "x", "https:%2f%2fevil.example", "%2f%2fevil.example"):
        answer = desk.post(f"/grants/{odd}/language", own="yes", to="https://evil.example")
        assert answer.status_code == 404 or answer.headers["Location"].startswith(
            ("/support/", f"{running.url}/support/")
        )
    answer = desk.post("/language", language="en", to="//evil.example", next="//evil.example")
    assert answer.headers["Location"] == "/support/"
    for path in ("//evil.example/", "/%5cevil.example", "/sign-in?to=https://evil.example"):
        assert "//evil" not in desk.send("GET", path).headers.get("Location", "").split("?")[0]


# The record


def test_the_record_says_which_attempt_device_and_permission_it_was(running: Installation, busy: Visitor) -> None:
    desk = Desk(running, name="object")
    assert busy.customer
    device = f"device-{busy.customer.id}-heat_pump"
    prefix = desk.view(busy.customer.id)
    grant = prefix.rsplit("/", 1)[-1]
    desk.send("GET", f"{prefix}/link-sessions/busy-waiting")
    desk.send("GET", f"{prefix}/devices/{device}/remove")
    desk.send("POST", f"{prefix}/devices/{device}/remove")
    desk.post(f"/grants/{grant}/end")
    desk.send("GET", f"{prefix}/devices")
    told = [(one.action, one.object_type, one.object_id, one.outcome) for one in events(running, desk)]
    assert told[0] == ("GET devices.overview", "support_grant", grant, "303")
    assert told[1] == ("POST support.end", "support_grant", grant, "303")
    assert told[3] == ("POST devices.remove", "device", device, "403")
    assert told[4] == ("GET devices.confirm_removal", "device", device, "200")
    assert told[5] == ("GET link_sessions.attempt", "link_session", "busy-waiting", "200")


def test_every_way_to_fail_is_on_record(running: Installation, anna: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(running, name="failing")
    assert anna.customer
    prefix = desk.view(anna.customer.id)
    before = len(events(running, desk))
    desk.send("GET", f"{prefix}/link-sessions/nobodys")
    desk.send("GET", "/nowhere")
    desk.send("GET", "/audit")
    desk.send("POST", "/over")
    desk.send("GET", "/customers/" + "x" * 5000)

    def crash(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(support, "page", crash)
    desk.send("GET", "/over")
    told = [(one.action, one.outcome) for one in events(running, desk)[: len(events(running, desk)) - before]]
    assert told == [
        ("GET support.over", "500"),
        ("GET support.customer", "404"),
        ("POST -", "405"),
        ("GET audit.entries", "403"),
        ("GET -", "404"),
        ("GET link_sessions.attempt", "404"),
    ]
    longest = max(len(one.object_id or "") + len(one.customer_id or "") for one in events(running, desk))
    assert longest <= 200


def test_who_may_not_see_a_page_is_told_that_it_is_their_role(running: Installation, anna: Visitor) -> None:
    assert anna.customer
    told = Desk(running, Role.AUDITOR, "otto-3").page(f"/customers/{anna.customer.id}", status=403)
    assert "Your role does not allow this." in told.text
    assert "Your role does not allow this." in Desk(running, name="sam-3").page("/audit", status=403).text
