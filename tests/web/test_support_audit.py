"""An auditor reads who of the staff came, whom they looked at and what came of it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

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


@pytest.fixture
def otto(running: Installation) -> Desk:
    return Desk(running, Role.AUDITOR, "otto")


def happened(running: Installation, at: datetime, customer_id: str | None = None, action: str = "GET x") -> int:
    """Puts an event on record; answers its number."""
    with running.database.write() as tx:
        return access_events.record(
            tx,
            at=at,
            actor="somebody",
            actor_role="agent",
            action=action,
            outcome="200",
            request_reference="ABCD-2345",
            customer_id=customer_id,
        ).number


def numbers(page: Page) -> list[int]:
    """The numbers of the events that a page shows, but those of the auditor's own looking."""
    return [
        int(found)
        for line in RECORD.findall(page.html)
        if "audit.entries" not in line
        for found in re.findall(r"<code>(\d+)</code>", line)
    ]


NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_every_customer_whom_the_words_find_is_shown_and_nobody_else(running: Installation, otto: Desk) -> None:
    people = [Visitor(running.app, running.url).sign_in(name).customer for name in ("anna", "annabel", "bert")]
    ids = [person.id for person in people if person]
    anna, annabel, bert = (happened(running, NOON, customer_id) for customer_id in ids)
    gone = happened(running, NOON, "gone-since")
    assert numbers(otto.page("/audit?customer=anna")) == [annabel, anna]
    assert numbers(otto.page("/audit?customer=annabel")) == [annabel]
    assert numbers(otto.page("/audit?customer=ANNA+annabel@example.com")) == [annabel]
    assert numbers(otto.page(f"/audit?customer={ids[2]}")) == [bert]
    assert numbers(otto.page("/audit?customer=gone-since")) == [gone]
    for nobody in ("nobody-like-this", "-", "%27"):
        assert "Nothing is on record." in otto.page(f"/audit?customer={nobody}").text


def test_an_agent_is_found_by_address_and_by_id(running: Installation, otto: Desk) -> None:
    sam = Desk(running, name="sam")
    sam.send("GET", "/over")
    assert sam.agent
    theirs = numbers(otto.page("/audit?agent=SAM@retailer.example"))
    assert theirs == numbers(otto.page(f"/audit?agent={sam.agent.id}"))
    assert len(theirs) == 1
    assert not numbers(otto.page("/audit?agent=lea@retailer.example"))


def test_a_day_begins_and_ends_where_the_retailer_is(running: Installation, otto: Desk) -> None:
    assert running.settings.time_zone == "Europe/Stockholm"
    midnight = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    moment = timedelta(microseconds=1)
    before, first, last, after = (
        happened(running, at)
        for at in (midnight - moment, midnight, midnight + timedelta(days=1) - moment, midnight + timedelta(days=1))
    )
    page = otto.page("/audit?since=2026-11-21&until=2026-11-21")
    assert numbers(page) == [last, first]
    assert 'type="date" value="2026-11-21"' in page.html
    assert numbers(otto.page("/audit?until=2026-11-20")) == [before]
    assert after in numbers(otto.page("/audit?since=2026-11-22"))
    assert numbers(otto.page("/audit?since=2026-11-22&until=2026-11-20")) == []


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize(
    "text", ["yesterday", "21.11.2026", "2026-02-30", "9999-12-31", "0001-01-01", "%00x", "2026-W01-1"]
)
def test_what_is_no_day_is_said_so_and_shows_nothing(otto: Desk, name: str, text: str) -> None:
    page = otto.page(f"/audit?{name}={text}", status=422)
    assert "Write the day like this: 2026-11-21." in page.text
    assert f"#{name}" in page.links()
    assert not RECORD.findall(page.html)


def test_the_record_is_read_page_by_page_and_what_is_sought_goes_along(running: Installation, otto: Desk) -> None:
    anna = Visitor(running.app, running.url).sign_in("anna").customer
    assert anna
    all_of_it = [happened(running, NOON, anna.id) for _ in range(120)]
    address, read, pages = "/audit?customer=anna&since=2026-11-21&until=2026-11-21&kind=", [], 0
    while address:
        page = otto.page(address)
        read += numbers(page)
        pages += 1
        further = [link for link in page.links() if "before=" in link]
        assert all("customer=anna" in link and "since=2026-11-21" in link for link in further)
        address = further[0].removeprefix("/support") if further else ""
    assert (read, pages) == (all_of_it[::-1], 3)


def test_sign_ins_and_alarms_can_be_read_by_themselves(running: Installation, otto: Desk) -> None:
    came, left, request, alarm = (
        happened(running, NOON, action=action) for action in ("sign_in", "sign_out", "GET x", "many_customers")
    )
    assert numbers(otto.page("/audit?kind=sign-ins")) == [left, came]
    assert numbers(otto.page("/audit?kind=alarms")) == [alarm]
    assert set(numbers(otto.page("/audit?kind=nonsense"))) >= {came, left, request, alarm}


def test_whoever_has_to_sign_in_comes_to_the_page_they_wanted(running: Installation, browser: requests.Session) -> None:
    page = browser.get(f"{running.url}/support/audit?since=2026-11-01", timeout=10)
    back = browser.post(page.url, data={"username": "otto", "password": "demo"}, timeout=10)
    assert back.url == f"{running.url}/support/audit?since=2026-11-01"


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "/as/abc/devices", "/nowhere", "x" * 3000]
)
def test_nobody_is_led_anywhere_else(running: Installation, browser: requests.Session, wanted: str) -> None:
    page = browser.get(f"{running.url}/support/sign-in", params={"to": wanted}, timeout=10)
    back = browser.post(page.url, data={"username": "sam", "password": "demo"}, timeout=10)
    assert back.url == f"{running.url}/support/"
