"""An auditor reads who of the staff came, whom they looked at and what came of it."""

import re
from collections.abc import Iterator

import pytest
import requests

from portal.domain.support import Role
from portal.sandbox.program import RunningSandbox
from portal.storage import access_events
from tests.support.live import Installation, installation
from tests.web.conftest import ENGLISH
from tests.web.desk import Desk
from tests.web.visitor import Page, Visitor

RECORD = re.compile(r'<li class="card">(.*?)</li>', re.DOTALL)
TAGS = re.compile(r"<[^>]+>")


@pytest.fixture
def running(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A portal of its own: what is on record stays on record."""
    url = f"sqlite:///{tmp_path_factory.mktemp('audit')}/portal.sqlite"
    with installation(web_sandbox, url, {**ENGLISH, "PORTAL_SUPPORT__MANY_CUSTOMERS": "3"}) as live:
        yield live


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def sign_in(running: Installation, browser: requests.Session, name: str) -> requests.Response:
    """Through the real issuer and back."""
    page = browser.get(f"{running.url}/support/sign-in", timeout=10)
    return browser.post(page.url, data={"username": name, "password": "demo"}, timeout=10)


def sign_out(running: Installation, browser: requests.Session, page: requests.Response) -> None:
    (token,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', page.text))
    browser.post(f"{running.url}/support/sign-out", data={"csrf_token": token}, allow_redirects=False, timeout=10)


def lines(page: Page) -> list[str]:
    """The record as it is read, the latest first."""
    return [" ".join(TAGS.sub(" ", one).split()) for one in RECORD.findall(page.html)]


def test_an_auditor_reads_who_came_who_was_refused_and_who_left(
    running: Installation, browser: requests.Session
) -> None:
    page = sign_in(running, browser, "sam")
    sign_out(running, browser, page)
    browser.cookies.clear()
    assert sign_in(running, browser, "nora").url.endswith("/support/sign-in/failed")
    told = lines(Desk(running, Role.AUDITOR, "otto").page("/audit"))
    said = [
        ("Not let in: no role", "Nobody known", "sign_in refused staff_role"),
        ("Signed out", "Sam Support", "sign_out ok"),
        ("Sam Support", "GET support.search 200"),
        ("Signed in", "Sam Support", "sign_in ok"),
    ]
    assert len(told) == len(said)
    for line, words in zip(told, said, strict=True):
        assert all(word in line for word in words), line
    with running.database.read() as tx:
        assert access_events.verify(tx).fault is None


def test_an_auditor_reads_of_somebody_who_looked_at_very_many(running: Installation) -> None:
    many = running.settings.support.many_customers
    desk = Desk(running, name="curious")
    for number in range(many + 1):
        somebody = Visitor(running.app, running.url).sign_in(f"somebody-{number}").customer
        assert somebody
        desk.post(f"/grants/{desk.view(somebody.id).rsplit('/', 1)[-1]}/end")
    told = lines(Desk(running, Role.AUDITOR, "otto").page("/audit"))
    (alarm,) = [line for line in told if "Looked at unusually many customers in one shift" in line]
    assert "Curious" in alarm
    assert f"many_customers alarm {many + 1}" in alarm
