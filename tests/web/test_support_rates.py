"""Too often is too often for staff as well, and the page that says so is one of theirs."""

from collections.abc import Iterator

import pytest
from flask_limiter import Limiter

from portal.domain.support import Role
from portal.sandbox.program import RunningSandbox
from portal.storage import access_events
from tests.support.live import Installation, installation
from tests.web.desk import Desk
from tests.web.visitor import Page, Visitor, good_page

ALLOWED = 3
LIMITS = {
    "PORTAL_LIMITS__ENABLED": "true",
    "PORTAL_LIMITS__SIGN_INS": "1000 per minute",
    "PORTAL_LIMITS__STAFF_SIGN_INS": "3 per 5 minutes",
    "PORTAL_LIMITS__STAFF_VIEWS": "3 per 5 minutes",
    "PORTAL_LANGUAGES": "en,sv,de,hu",
    "PORTAL_DEFAULT_LANGUAGE": "en",
    "PORTAL_PROXY_HOPS": "1",
}
OFFICE, ELSEWHERE = "203.0.113.7", "203.0.113.8"


@pytest.fixture(scope="module")
def running(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('staff-limits')}/portal.sqlite"
    with installation(web_sandbox, url, LIMITS) as live:
        yield live


@pytest.fixture(autouse=True)
def afresh(running: Installation) -> None:
    """Nothing counted yet."""
    (limiter,) = running.app.extensions["portal.support"].extensions["limiter"]
    assert isinstance(limiter, Limiter)
    limiter.reset()


def come(running: Installation, path: str = "/sign-in", address: str = OFFICE, language: str = "en") -> Page | int:
    """A stranger at the door through the proxy; the page where there is one."""
    told = {"X-Forwarded-For": address, "Accept-Language": language}
    answer = running.app.test_client().get(f"/support{path}", base_url=running.url, headers=told)
    return good_page(answer, 429, language) if answer.status_code == 429 else answer.status_code


def test_whoever_signs_in_too_often_from_one_address_waits(running: Installation) -> None:
    for path in ("/sign-in", "/sign-in/callback?code=c&state=s"):
        assert [come(running, path) for _ in range(ALLOWED)] == [303] * ALLOWED
        page = come(running, path)
        assert isinstance(page, Page)
        assert "Try again in 5 minutes. Nothing is lost." in page.text
        assert "devices" not in page.text
        assert 290 < int(page.headers["Retry-After"]) <= 300
        assert "" in page.links()
        assert come(running, path, ELSEWHERE) == 303


@pytest.mark.parametrize("language", ["sv", "de", "hu"])
def test_the_wait_is_told_in_the_language_of_who_waits(running: Installation, language: str) -> None:
    for _ in range(ALLOWED):
        come(running)
    page = come(running, language=language)
    assert isinstance(page, Page)
    assert "Nothing is lost" not in page.text


def test_customers_who_sign_in_take_no_turn_of_the_staff(running: Installation) -> None:
    stranger = Visitor(running.app, running.url)
    for _ in range(ALLOWED + 1):
        assert stranger.send("GET", "/sign-in", headers={"X-Forwarded-For": OFFICE}).status_code == 303
    assert come(running) == 303


def test_an_agent_who_opens_one_customer_after_the_other_waits_and_no_colleague_does(running: Installation) -> None:
    desk, colleague = Desk(running, name="hasty"), Desk(running, Role.LEAD, "calm")
    anna = Visitor(running.app, running.url).sign_in("anna").customer
    assert anna
    for _ in range(ALLOWED):
        grant = desk.view(anna.id).rsplit("/", 1)[-1]
        desk.post(f"/grants/{grant}/end")
    page = good_page(desk.post(f"/customers/{anna.id}", reason="other", ticket="T-1"), 429, "en")
    assert page.heading == "That was a little too often"
    assert "" in page.links()
    assert colleague.view(anna.id)
    with running.database.read() as tx:
        latest = access_events.page(tx, limit=20)
    assert desk.agent
    assert next(one.outcome for one in latest if one.actor == desk.agent.id) == "429"


def test_a_form_that_is_not_filled_in_takes_no_turn(running: Installation) -> None:
    desk = Desk(running, name="careless")
    anna = Visitor(running.app, running.url).sign_in("anna").customer
    assert anna
    for _ in range(ALLOWED + 1):
        assert desk.post(f"/customers/{anna.id}", ticket="T-1").status_code == 422
    assert desk.view(anna.id)
