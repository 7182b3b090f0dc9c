"""The staff's issuer tells the portal by itself that somebody is signed out, over real HTTP."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from flask_limiter import Limiter

from portal.domain.support import Role
from portal.sandbox.program import RunningSandbox
from portal.web.staff_sign_in import LARGEST_LOGOUT
from tests.support.live import Installation, installation
from tests.web.conftest import ENGLISH
from tests.web.desk import Desk
from tests.web.visitor import Visitor

LIMITED = {
    "PORTAL_LIMITS__ENABLED": "true",
    "PORTAL_LIMITS__REFUSED_SIGN_OUTS": "3 per 5 minutes",
    "PORTAL_PROXY_HOPS": "1",
}


@pytest.fixture(scope="module")
def running(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('logout')}/portal.sqlite"
    with installation(web_sandbox, url, {**ENGLISH, **LIMITED}) as live:
        yield live


@pytest.fixture(autouse=True)
def _afresh(running: Installation) -> Iterator[None]:
    """Nothing counted yet, and everybody's account on again afterwards."""
    (limiter,) = running.app.extensions["portal.support"].extensions["limiter"]
    assert isinstance(limiter, Limiter)
    limiter.reset()
    yield
    running.sandbox.state.reset()


def come_in(running: Installation, name: str) -> requests.Session:
    """A browser in which one of the staff has signed in at the real issuer."""
    browser = requests.Session()
    browser.trust_env = False
    page = browser.get(f"{running.url}/support/sign-in", timeout=10)
    browser.post(page.url, data={"username": name, "password": "demo"}, timeout=10)
    return browser


def is_in(running: Installation, browser: requests.Session, path: str = "/") -> bool:
    answer = browser.get(f"{running.url}/support{path}", allow_redirects=False, timeout=10)
    return answer.status_code == 200


def at_issuer(running: Installation, name: str, action: str) -> Any:
    """What a button on the sandbox's control page does; answers what the portal said."""
    url = f"{running.sandbox.url}/control/staff/{name}/{action}"
    return requests.post(url, json={}, timeout=20).json()["told"]


def view(running: Installation, browser: requests.Session, customer_id: str) -> str:
    """Begins to look; answers the path of the customer's devices."""
    address = f"{running.url}/support/customers/{customer_id}"
    token = re.findall(r'name="csrf_token" value="([^"]+)"', browser.get(address, timeout=10).text)[0]
    fields = {"csrf_token": token, "reason": "other", "ticket": "T-1"}
    answer = browser.post(address, data=fields, allow_redirects=False, timeout=10)
    return answer.headers["Location"].removeprefix("/support")


@pytest.mark.parametrize("action", ["sign-out", "switch-off"])
def test_an_account_that_ends_at_the_issuer_ends_here_before_the_next_click(running: Installation, action: str) -> None:
    anna = Visitor(running.app, running.url).sign_in("anna").customer
    assert anna
    office, home, lea = (come_in(running, name) for name in ("sam", "sam", "lea"))
    devices = view(running, office, anna.id)
    assert is_in(running, office, devices)
    assert is_in(running, home)
    assert at_issuer(running, "sam", action) == 200
    assert not is_in(running, office, devices)
    assert not is_in(running, office)
    assert not is_in(running, home)
    assert is_in(running, lea)
    told = Desk(running, Role.AUDITOR, "otto").page("/audit?kind=sign-ins").text
    assert "Signed out by the sign-in service" in told


def test_an_account_that_is_switched_off_does_not_come_in_again_until_it_is_on(running: Installation) -> None:
    browser = come_in(running, "sam")
    at_issuer(running, "sam", "switch-off")
    assert not is_in(running, come_in(running, "sam"))
    again = browser.get(f"{running.url}/support/sign-in", timeout=10)
    assert "/oidc/authorize" in again.url
    assert at_issuer(running, "sam", "switch-on") is None
    assert is_in(running, come_in(running, "sam"))


def tell(running: Installation, body: Any, address: str = "203.0.113.7", **headers: str) -> requests.Response:
    """Posts to the address for the issuer, through the proxy."""
    return requests.post(
        f"{running.url}/support/back-channel-logout",
        data=body,
        headers={"X-Forwarded-For": address, **headers},
        allow_redirects=False,
        timeout=10,
    )


def forged(running: Installation) -> str:
    """What looks like a token of the issuer, and is none."""
    return f"{'e30'}.{'e30'}.{time.monotonic_ns()}"


def test_what_is_not_proven_is_refused_and_sets_no_cookie(running: Installation) -> None:
    for body in ({"logout_token": forged(running)}, {}, b"", {"logout_token": ["a.b.c", "a.b.c"]}):
        running_answer = tell(running, body, address=f"203.0.113.{len(body)}")
        assert (running_answer.status_code, running_answer.json()) == (400, {"error": "invalid_request"})
        assert running_answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in running_answer.headers
    as_json = tell(running, b'{"logout_token": "a.b.c"}', address="203.0.113.9", **{"Content-Type": "application/json"})
    assert as_json.status_code == 400


def test_only_a_post_is_taken(running: Installation) -> None:
    answer = requests.get(f"{running.url}/support/back-channel-logout", params={"logout_token": "x"}, timeout=10)
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, {"POST", "OPTIONS"})


def test_a_body_that_holds_more_than_one_token_is_not_read(running: Installation) -> None:
    for size in (LARGEST_LOGOUT, 10 * LARGEST_LOGOUT):
        assert tell(running, {"logout_token": "x" * size}).status_code == 413


def test_who_proves_nothing_too_often_waits_and_the_issuer_does_not(running: Installation) -> None:
    answers = [tell(running, {"logout_token": forged(running)}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [400] * 3 + [429] * 2
    assert answers[-1].text == "429\n"
    assert 290 < int(answers[-1].headers["Retry-After"]) <= 300
    browser = come_in(running, "sam")
    for _ in range(5):
        assert at_issuer(running, "sam", "sign-out") == 200
    assert not is_in(running, browser)


def test_on_a_host_of_their_own_the_issuer_finds_the_staff_as_well(
    running: Installation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('logout-host')}/portal.sqlite"
    with (
        RunningSandbox() as sandbox,
        installation(sandbox, url, {**ENGLISH, "PORTAL_STAFF_URL": "http://127.0.0.1:{port}"}) as live,
        requests.Session() as browser,
    ):
        browser.trust_env = False
        page = browser.get(f"{live.settings.staff_url}/sign-in", timeout=10)
        inside = browser.post(page.url, data={"username": "sam", "password": "demo"}, timeout=10)
        assert "Find a customer" in inside.text
        assert at_issuer(live, "sam", "sign-out") == 200
        left = browser.get(f"{live.settings.staff_url}/", allow_redirects=False, timeout=10)
        assert left.headers["Location"] == "/sign-in"
        assert requests.post(f"{live.url}/support/back-channel-logout", timeout=10).status_code == 404
