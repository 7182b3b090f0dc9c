"""Leaving: one click is one attempt there, our own address cannot be talked into another, and no address off the list
is ever gone to."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from portal.domain.link_session import Reason, State
from portal.sandbox.program import RunningSandbox
from portal.storage import tables
from tests.providers.scripted import Answering, Received, Scripted, reply
from tests.stories import strangers
from tests.stories.strangers import CHOICES, DAIKIN, EASEE, NIBE, Choice
from tests.support.live import Installation
from tests.support.person import Form, Person, onward

Make = Callable[..., Person]

at_every_provider = pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.provider)

OPENS = {"podero": "/device-onboarding", "nox": "/link-sessions", "telematica": "/auth-sessions"}
"""Where each provider opens a link."""

POISON: tuple[dict[str, str], ...] = (
    {"Host": "evil.example"},
    {"Host": "evil.example:80"},
    {"Host": "localhost.evil.example"},
    {"Host": "localhost@evil.example"},
    {"Host": "localhost:80@evil.example"},
    {"Host": "evil.example#localhost"},
    {"Host": "127.0.0.1"},
    {"Host": "localhost:1"},
    {"Host": "LOCALHOST"},
    {"Host": "[::1]"},
    {"Host": "localhost."},
    {"Host": "evil.example", "X-Forwarded-Host": "localhost"},
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Host": "localhost, evil.example"},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Proto": "javascript"},
    {"X-Forwarded-Port": "1"},
    {"X-Forwarded-Prefix": "/evil"},
    {"X-Forwarded-Server": "evil.example"},
    {"Forwarded": "host=evil.example;proto=https"},
    {"X-Original-URL": "//evil.example/", "X-Rewrite-URL": "//evil.example/"},
    {"X-Host": "evil.example", "X-Forwarded-For": "evil.example", "X-HTTP-Host-Override": "evil.example"},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil"},
)

HOSTILE: tuple[object, ...] = (
    "javascript:alert(1)", "JaVaScRiPt://{host}/%0aalert(1)", "data:text/html,<script>alert(1)</script>",
    "//evil.example/", "https://evil.example/", "http://evil.example/", "https://{host}@evil.example/", "https://evil.example#{host}",
    "https://evil.example?{host}", "https://evil.example/{host}", "https://{host}.evil.example/", "http://user@{host}/",
    "http://{host}\\@evil.example/", "http://{host}%2f@evil.example/", "http:{host}/", "http:///{host}/",
    "///evil.example", "/\\evil.example", "http://127.0.0.1/", "http://127.0.0.1:1/", "http://127.1/",
    "http://2130706433/", "ftp://{host}/",
    "http://{host}/\r\nSet-Cookie: portal=evil", "http://{host}/\nLocation: //evil.example", "\thttp://{host}/",
    "http://{host}/ x", "http://{host}/\x00", "http://{host}/ü", "http://{host}/" + "x" * 9000, "intent://evil.example#Intent;end",
    "", " ", "/devices", "/link-sessions/x", None, 7, True, [], {}, ["https://evil.example/"], {"url": "https://evil.example/"},
)  # fmt: skip


@pytest.fixture(scope="module")
def running(running_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with strangers.english_portal(running_sandbox, tmp_path_factory.mktemp("leaving")) as live:
        yield live


@pytest.fixture
def anna(live: Installation, person: Make) -> Person:
    anna = person()
    anna.sign_in("anna")
    return anna


def the_button(person: Person, choice: Choice) -> Form:
    """The form that leaves, with the permission given."""
    place = f"/connect/{choice.device_type}/{choice.vendor}"
    form = person.look(place).form(place)
    return Form(form.action, form.method, {**form.fields, "consent": "on"})


def press(form: Form, cookies: dict[str, str], **headers: str) -> requests.Response:
    return requests.post(
        form.action, data=form.fields, cookies=cookies, headers=headers, allow_redirects=False, timeout=60
    )


def cookies_of(person: Person) -> dict[str, str]:
    return {cookie.name: str(cookie.value) for cookie in person.cookies if "portal" in cookie.name}


def forget_clicks(live: Installation) -> None:
    """The next click is a new one."""
    with live.database.write() as tx:
        tx.connection.execute(tables.link_sessions.update().values(click=None))


def opened_bodies(live: Installation, choice: Choice) -> list[dict[str, Any]]:
    """What the provider was sent to open links, without what is new in every attempt."""
    bodies = [dict(call["body"]) for call in strangers.calls(live, choice.provider, "POST", OPENS[choice.provider])]
    ids = {row.id for row in strangers.attempts(live)}
    for body in bodies:
        for name in ("success_url", "cancel_url"):
            if name in body:
                start, _, rest = body[name].partition("/return/podero/")
                secret, _, end = rest.partition("/")
                assert len(secret) >= 43
                body[name] = f"{start}/return/podero/<secret>/{end}"
        for name in ("metadata", "external_metadata"):
            if name in body:
                assert body[name]["link_session"] in ids
                body[name] = {**body[name], "link_session": "<attempt>"}
    return bodies


@at_every_provider
def test_no_header_changes_what_a_provider_is_told(live: Installation, anna: Person, choice: Choice) -> None:
    form, cookies = the_button(anna, choice), cookies_of(anna)
    assert press(form, cookies).status_code == 303
    (plain,) = opened_bodies(live, choice)
    refused = 0
    for headers in POISON:
        forget_clicks(live)
        answer = press(form, cookies, **headers)
        assert answer.status_code in {303, 400}, (headers, answer.status_code)
        assert "evil" not in answer.headers.get("Location", "") + answer.text, headers
        refused += answer.status_code == 400
    bodies = opened_bodies(live, choice)
    assert len(bodies) == 1 + len(POISON) - refused
    assert all(body == plain for body in bodies)
    assert refused >= 7


@pytest.mark.parametrize(("choice", "clicks"), [(NIBE, 100), (DAIKIN, 2), (EASEE, 2), (NIBE, 2), (DAIKIN, 20)])
def test_many_clicks_at_once_are_one(live: Installation, anna: Person, choice: Choice, clicks: int) -> None:
    form, cookies = the_button(anna, choice), cookies_of(anna)
    start = threading.Barrier(clicks)

    def click(_: int) -> tuple[int, str]:
        start.wait()
        answer = press(form, cookies)
        return answer.status_code, answer.headers["Location"]

    with ThreadPoolExecutor(clicks) as crowd:
        answers = set(crowd.map(click, range(clicks)))
    (attempt,) = strangers.attempts(live)
    (link,) = live.sandbox.state.links.values()
    assert link.provider == choice.provider
    assert len(live.sandbox.state.users) == 1
    assert {status for status, _ in answers} == {303}
    page = f"/link-sessions/{attempt.id}"
    assert {place for _, place in answers} <= {page, f"{page}/leave"}
    for _ in range(2):
        left = requests.get(f"{live.url}{page}/leave", cookies=cookies, allow_redirects=False, timeout=60)
        assert link.token in str(onward(left))


@contextmanager
def portal_with(
    sandbox: RunningSandbox, folder: Path, answering: Answering
) -> Iterator[tuple[Installation, Scripted, Person]]:
    """An installation whose providers answer as scripted, with a customer who is signed in."""
    with ExitStack() as stack:
        server = stack.enter_context(Scripted(answering))
        there = {
            "PORTAL_PODERO__BASE_URL": f"{server.url}{urlsplit(sandbox.config.podero_base_url).path}",
            "PORTAL_PODERO__TOKEN_URL": f"{server.url}{urlsplit(sandbox.config.podero_base_url).path}/auth/token",
            "PORTAL_NOX__AUTH_URL": f"{server.url}/nox/v2",
            "PORTAL_NOX__API_URL": server.url,
            "PORTAL_TELEMATICA__API_URL": f"{server.url}/telematica",
        }
        live = stack.enter_context(strangers.english_portal(sandbox, folder, there))
        live.forget()
        anna = stack.enter_context(Person(live.url))
        anna.sign_in("anna")
        yield live, server, anna


def test_a_user_whose_making_was_not_heard_of_is_not_made_again(
    running_sandbox: RunningSandbox, tmp_path: Path
) -> None:
    lost: list[str] = []

    def answering(request: Received) -> bytes:
        headers = {name: value for name, value in request.headers.items() if name not in {"host", "content-length"}}
        there = requests.request(
            request.method, running_sandbox.url + request.target, data=request.body, headers=headers, timeout=10
        )
        if request.method == "POST" and request.path.endswith("/users") and not lost:
            lost.append(request.path)
            return b""
        return reply(there.status_code, there.content)

    with portal_with(running_sandbox, tmp_path, answering) as (live, _, anna):
        anna.press_connect(NIBE.device_type, NIBE.vendor)
        assert lost
        attempt = f"/link-sessions/{live.newest_attempt()}"
        anna.sees(attempt, lambda seen: live.state_of(seen.path) is State.DEPARTED)
        assert [user.provider for user in live.sandbox.state.users] == ["podero"]
        assert len(live.sandbox.state.links) == 1
        assert len(strangers.calls(live, "podero", "POST", "/users")) == 1


def opened_with(url: object) -> Answering:
    """Providers that open every link with this address."""
    user, other = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"

    def answering(request: Received) -> bytes:
        if request.path.endswith("/auth/token"):
            return reply(200, {"access_token": "t", "expires_in": 3600})
        if "/by-ext-id/" in request.path:
            return reply(200, {"id": user, "external_user_id": request.path.rsplit("/", 1)[-1]})
        if request.method == "GET":
            return reply(200, [])
        return reply(
            200, {"id": other, "user": user, "authentication_url": url, "link_url": url, "url": url, "link": url}
        )

    return answering


def test_an_address_off_the_list_is_never_gone_to(running_sandbox: RunningSandbox, tmp_path: Path) -> None:
    with portal_with(running_sandbox, tmp_path, opened_with(None)) as (live, server, anna):
        forms = [the_button(anna, choice) for choice in CHOICES]
        cookies = cookies_of(anna)
        for hostile in HOSTILE:
            url = hostile.replace("{host}", live.sandbox.config.host) if isinstance(hostile, str) else hostile
            server.answering = opened_with(url)
            for form in forms:
                answer = press(form, cookies)
                assert answer.status_code == 303, url
                assert answer.headers["Location"].startswith("/link-sessions/"), url
                assert not answer.headers["Location"].endswith("/leave"), url
        assert set(strangers.stands(live)) == {(State.FAILED, Reason.PROVIDER_ANSWER)}
        assert len(strangers.attempts(live)) == len(HOSTILE) * len(CHOICES)
        page = anna.look(f"/link-sessions/{strangers.attempts(live)[0].id}")
        assert page.heading == "The connection could not be started"
        assert "evil" not in page.html
        assert len(server.received) >= len(HOSTILE) * len(CHOICES)

        server.answering = opened_with(f"{live.sandbox.url}/somewhere?x=1")
        for form in forms:
            place = press(form, cookies).headers["Location"]
            left = requests.get(f"{live.url}{place}", cookies=cookies, allow_redirects=False, timeout=60)
            assert onward(left) == f"{live.sandbox.url}/somewhere?x=1"
