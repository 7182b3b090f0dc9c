"""Support pages with a host of their own: each host answers for its own people, over real HTTP."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from portal.app import create_app
from portal.domain.support import Role
from portal.sandbox.program import RunningSandbox
from portal.web import support_letters
from tests.support.live import Installation, installation
from tests.support.person import onward
from tests.web.conftest import ENGLISH
from tests.web.desk import Desk
from tests.web.giving import give
from tests.web.visitor import Visitor

STAFF_HOST = {"PORTAL_STAFF_URL": "http://127.0.0.1:{port}"}


@pytest.fixture(scope="module")
def running(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('own-host')}/portal.sqlite"
    with installation(web_sandbox, url, {**ENGLISH, **STAFF_HOST}) as live:
        yield live


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Accept-Language"] = "en"
        yield session


def staff_url(running: Installation) -> str:
    assert running.settings.staff_url
    return running.settings.staff_url


def ask(browser: requests.Session, url: str, **more: object) -> requests.Response:
    """One request that follows no redirect."""
    return browser.get(url, allow_redirects=False, timeout=10, **more)  # type: ignore[arg-type]


def sign_in(running: Installation, browser: requests.Session, name: str = "sam") -> requests.Response:
    """Through the issuer's page and back; answers the page that the agent ends at."""
    page = browser.get(f"{staff_url(running)}/sign-in", timeout=10)
    return browser.post(page.url, data={"username": name, "password": "demo"}, timeout=10)


def form_in(page: requests.Response, path: str) -> dict[str, str]:
    """The hidden fields of the form that goes to a path."""
    form = page.text.split(f'action="{path}"', 1)[1].split("</form>", 1)[0]
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)}


def test_staff_sign_in_view_and_leave_on_their_own_host(running: Installation, browser: requests.Session) -> None:
    anna = Visitor(running.app, running.url).sign_in("anna").customer
    assert anna
    home = staff_url(running)
    page = sign_in(running, browser)
    assert page.url == f"{home}/"
    assert "Find a customer" in page.text
    asked = browser.get(f"{home}/customers/{anna.id}", timeout=10)
    fields = {**form_in(asked, f"/customers/{anna.id}"), "reason": "other", "ticket": "T-1"}
    viewed = browser.post(asked.url, data=fields, headers={"Origin": home}, timeout=10)
    assert re.fullmatch(rf"{home}/as/[^/]+/devices", viewed.url)
    assert "Viewing as Anna" in viewed.text
    links = re.findall(r'href="([^"]+)"', viewed.text)
    assert all(link.startswith(("/as/", "/grants/", "/static/", "#", "tel:", "data:")) for link in links), links
    left = browser.post(f"{home}/sign-out", data=form_in(page, "/sign-out"), allow_redirects=False, timeout=10)
    told = parse_qs(urlsplit(str(onward(left))).query)
    assert told["post_logout_redirect_uri"] == [f"{home}/"]


def test_the_customers_host_knows_no_support_page(running: Installation, browser: requests.Session) -> None:
    for path in ("/support", "/support/", "/support/sign-in", "/support/audit", "/support/as/x/devices", "/audit"):
        answer = ask(browser, f"{running.url}{path}")
        assert answer.status_code == 404, path
        assert "Location" not in answer.headers


def test_the_staffs_host_knows_no_page_of_the_customers(running: Installation, browser: requests.Session) -> None:
    home = staff_url(running)
    for path in ("/devices", "/connect", "/privacy", "/return/nox", "/support/", "/app/enter", "/out", "/theme.css"):
        assert ask(browser, f"{home}{path}").status_code == 404, path
    for path in ("/webhooks/nox", "/app/tickets"):
        assert browser.post(f"{home}{path}", data=b"{}", timeout=10).status_code == 404, path
    assert ask(browser, f"{home}/").headers["Location"] == "/sign-in"


def test_the_sign_in_comes_back_to_the_staffs_host(running: Installation, browser: requests.Session) -> None:
    away = urlsplit(ask(browser, f"{staff_url(running)}/sign-in").headers["Location"])
    assert parse_qs(away.query)["redirect_uri"] == [f"{staff_url(running)}/sign-in/callback"]
    away = urlsplit(ask(browser, f"{running.url}/sign-in").headers["Location"])
    assert parse_qs(away.query)["redirect_uri"] == [f"{running.url}/sign-in/callback"]


def test_no_cookie_of_one_host_opens_the_other(running: Installation, browser: requests.Session) -> None:
    sign_in(running, browser)
    mine = browser.cookies.get_dict(domain="127.0.0.1")
    assert set(mine) >= {"staff"}
    assert "staff" not in browser.cookies.get_dict(domain="localhost.local")
    sent = {"Cookie": f"staff={mine['staff']}; portal={mine['staff']}"}
    assert ask(browser, f"{running.url}/devices", headers=sent).headers["Location"].startswith("/sign-in")


def test_probes_are_answered_on_both_hosts(running: Installation, browser: requests.Session) -> None:
    for home in (running.url, staff_url(running)):
        for path, text in (("/health/live", "ok\n"), ("/health/ready", "ready\n")):
            answer = ask(browser, f"{home}{path}")
            assert (answer.status_code, answer.text) == (200, text), home
            assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "evil@127.0.0.1", "", "127.0.0.1."]
)
def test_any_other_host_gets_neither(running: Installation, browser: requests.Session, host: str) -> None:
    for path in ("/", "/sign-in", "/support/", "/nowhere"):
        answer = ask(browser, f"{running.url}{path}", headers={"Host": host})
        assert (answer.status_code, answer.text) == (400, "400\n"), path


def test_a_form_from_the_customers_host_is_one_from_elsewhere(running: Installation) -> None:
    desk = Desk(running, Role.AGENT, "origins")
    fields = {"csrf_token": desk.token(), "language": "en"}
    for origin, status in ((running.url, 403), (staff_url(running), 303)):
        answer = desk.send("POST", "/language", data=fields, headers={"Origin": origin})
        assert answer.status_code == status, origin


def test_the_cookie_of_a_host_of_their_own_is_the_strictest_there_is(running: Installation) -> None:
    urls = {"public_url": "https://portal.example", "staff_url": "https://support.example"}
    settings = running.settings.model_copy(update=urls)
    staff = create_app(settings).extensions["portal.support"]
    assert staff.config["SESSION_COOKIE_NAME"] == "__Host-staff"
    assert staff.config["SESSION_COOKIE_SECURE"] is staff.config["SESSION_COOKIE_HTTPONLY"] is True
    answer = staff.test_client().get("/sign-in/failed", base_url="https://support.example")
    assert "Strict-Transport-Security" in answer.headers
    assert staff.test_client().get("/", base_url="https://portal.example").status_code == 400


def test_the_host_that_a_proxy_tells_decides(running: Installation) -> None:
    urls = {"public_url": "https://portal.example", "staff_url": "https://support.example", "proxy_hops": 1}
    app = create_app(running.settings.model_copy(update={**urls, "trusted_hosts": ("portal.example",)}))

    def asked(host: str, path: str) -> tuple[int, str | None]:
        told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": host, "X-Forwarded-For": "1.2.3.4"}
        answer = app.test_client().get(path, base_url="http://10.0.0.7:8000", headers=told)
        return answer.status_code, answer.headers.get("Location")

    assert asked("support.example", "/") == (303, "/sign-in")
    assert asked("portal.example", "/support/") == (404, None)
    assert asked("portal.example", "/health/live") == (200, None)
    assert asked("support.example", "/health/live") == (200, None)


def test_what_customers_are_sent_leads_to_their_own_host(running: Installation) -> None:
    person = Visitor(running.app, running.url).sign_in("greta")
    device = give(running, person)
    assert person.customer
    staff = running.app.extensions["portal.support"]
    with staff.test_request_context(base_url=staff_url(running)):
        letter = support_letters.to_reconnect(person.customer, device, among=(device,))
    assert f"{running.url}/sign-in?to=devices/{device.id}" in letter.text
    assert staff_url(running) not in letter.text + letter.html
