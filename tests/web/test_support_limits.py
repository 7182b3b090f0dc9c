"""Every limit of customer support to the second, and no page without its row: on the pages, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from portal.domain.support import CODE_LIFETIME, GRANT_LIFETIME, MOST_TRIES, Role
from portal.identity.staff import IDLE, LONGEST
from portal.sandbox.program import RunningSandbox
from portal.storage import tables
from portal.storage.ids import new_id
from tests.support.clock import StillClock
from tests.support.databases import BOTH, Databases
from tests.support.live import Installation, serving
from tests.web.conftest import ENGLISH
from tests.web.desk import Desk
from tests.web.giving import give
from tests.web.test_support import OPEN, address, observed_routes, staff_routes
from tests.web.visitor import Visitor

SECOND = timedelta(seconds=1)
OVER = "/support/over"

FAILING = {
    "sqlite": ("CREATE TRIGGER full BEFORE INSERT ON access_events BEGIN SELECT RAISE(ABORT, 'no room'); END",),
    "postgresql": (
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room'; END $$",
        "CREATE TRIGGER no_room BEFORE INSERT ON access_events FOR EACH ROW EXECUTE FUNCTION no_room()",
    ),
}
MENDED = {
    "sqlite": ("DROP TRIGGER full",),
    "postgresql": ("DROP TRIGGER no_room ON access_events", "DROP FUNCTION no_room"),
}


@pytest.fixture(scope="module")
def clock() -> StillClock:
    return StillClock(datetime.now(UTC))


@pytest.fixture(scope="module", params=BOTH)
def running(
    request: pytest.FixtureRequest, web_sandbox: RunningSandbox, databases: Databases, clock: StillClock
) -> Iterator[Installation]:
    with serving(web_sandbox, databases.empty(request.param), ENGLISH, clock=clock) as live:
        yield live


@pytest.fixture
def rosa(running: Installation, visitor: Callable[[], Visitor]) -> Visitor:
    """A customer whom nobody has looked at yet, with a device."""
    person = visitor().sign_in(f"rosa-{new_id()}")
    give(running, person)
    return person


def a_desk(running: Installation, role: Role = Role.AGENT) -> Desk:
    return Desk(running, role, f"{role}-{new_id()}")


def look(desk: Desk, person: Visitor) -> str:
    """Begins to view; answers the permission."""
    assert person.customer
    return desk.view(person.customer.id).rsplit("/", 1)[-1]


def lands(desk: Desk, path: str) -> str:
    """Where a page sends the agent to; nothing where it is shown."""
    answer = desk.send("GET", path)
    assert answer.status_code in {200, 303}, answer.status_code
    return answer.headers.get("Location", "")


def pages_of(grant: str) -> tuple[str, ...]:
    return (f"/as/{grant}/devices", f"/as/{grant}/timeline", f"/as/{grant}/privacy", f"/grants/{grant}/help")


def code_of(person: Visitor) -> str:
    """The code that the customer reads out."""
    shown = person.post("/privacy/support-code").text
    return shown.split('<strong class="code" translate="no">')[1][:6]


def letters_of(running: Installation, person: Visitor) -> int:
    assert person.customer
    kept = tables.outbox
    with running.database.read() as tx:
        theirs = kept.select().where(kept.c.customer_id == person.customer.id).order_by(kept.c.id)
        return len(tx.connection.execute(theirs).all())


# The permission


def test_a_permission_ends_after_a_quarter_of_an_hour(running: Installation, clock: StillClock, rosa: Visitor) -> None:
    desk = a_desk(running)
    grant = look(desk, rosa)
    clock.now += GRANT_LIFETIME - SECOND
    assert "1 minute left" in desk.page(f"/as/{grant}/devices").text
    assert [lands(desk, path) for path in pages_of(grant)] == [""] * 4
    clock.now += SECOND
    assert [lands(desk, path) for path in pages_of(grant)] == [OVER] * 4
    assert desk.post(f"/grants/{grant}/renew").headers["Location"] == OVER
    assert lands(desk, f"/as/{grant}/devices") == OVER


def test_a_permission_is_renewed_once_for_as_long_again(
    running: Installation, clock: StillClock, rosa: Visitor
) -> None:
    desk = a_desk(running)
    grant = look(desk, rosa)
    clock.forward(minutes=14)
    assert f"/support/grants/{grant}/renew" in desk.send("GET", f"/as/{grant}/devices").text
    assert desk.post(f"/grants/{grant}/renew").headers["Location"].endswith(f"/as/{grant}/devices")
    assert f"/support/grants/{grant}/renew" not in desk.send("GET", f"/as/{grant}/devices").text
    clock.forward(minutes=14)
    assert desk.post(f"/grants/{grant}/renew").headers["Location"] == OVER
    assert lands(desk, f"/as/{grant}/devices") == ""
    clock.now += timedelta(minutes=1) - SECOND
    assert lands(desk, f"/as/{grant}/devices") == ""
    clock.now += SECOND
    assert [lands(desk, path) for path in pages_of(grant)] == [OVER] * 4


def test_what_has_ended_by_the_button_stays_ended(running: Installation, clock: StillClock, rosa: Visitor) -> None:
    desk = a_desk(running)
    grant = look(desk, rosa)
    clock.forward(minutes=3)
    desk.post(f"/grants/{grant}/end")
    for _ in range(3):
        assert [lands(desk, path) for path in pages_of(grant)] == [OVER] * 4
        assert desk.post(f"/grants/{grant}/renew").headers["Location"] == OVER
        clock.forward(minutes=4)
    assert "3 minutes" in rosa.page("/privacy").text


# The agent's session


def test_an_agent_who_does_nothing_for_half_an_hour_is_signed_out(running: Installation, clock: StillClock) -> None:
    desk = a_desk(running)
    for _ in range(3):
        clock.now += IDLE - SECOND
        assert lands(desk, "/") == ""
    clock.now += IDLE
    assert lands(desk, "/") == "/support/sign-in"


def test_an_agent_who_works_all_day_is_signed_out_after_ten_hours(
    running: Installation, clock: StillClock, rosa: Visitor
) -> None:
    desk, began = a_desk(running), clock.now
    while clock.now < began + LONGEST - GRANT_LIFETIME:
        assert lands(desk, "/") == ""
        clock.forward(minutes=15)
    grant = look(desk, rosa)
    clock.now = began + LONGEST - SECOND
    assert [lands(desk, path) for path in pages_of(grant)] == [""] * 4
    clock.now = began + LONGEST
    assert [lands(desk, path) for path in ("/", *pages_of(grant))] == ["/support/sign-in"] * 5


# The customer's code


@pytest.mark.parametrize(("age", "is_good"), [(CODE_LIFETIME - SECOND, True), (CODE_LIFETIME, False)])
def test_a_code_is_good_for_ten_minutes(
    running: Installation, clock: StillClock, rosa: Visitor, age: timedelta, *, is_good: bool
) -> None:
    desk = a_desk(running)
    grant, code = look(desk, rosa), code_of(rosa)
    clock.now += age
    assert desk.post(f"/grants/{grant}/code", code=code).status_code == (303 if is_good else 422)
    assert ("Attempts under way" in desk.page(f"/grants/{grant}/help").text) is is_good


def test_a_code_is_good_once_and_for_one_permission(running: Installation, clock: StillClock, rosa: Visitor) -> None:
    sam, kim = a_desk(running), a_desk(running)
    first, second, others = look(sam, rosa), look(sam, rosa), look(kim, rosa)
    code = code_of(rosa)
    assert sam.post(f"/grants/{first}/code", code=code).status_code == 303
    for desk, grant in ((sam, second), (kim, others)):
        assert desk.post(f"/grants/{grant}/code", code=code).status_code == 422
        assert desk.post(f"/grants/{grant}/invite", choice="heat-pump/nibe").status_code == 403
    clock.now += GRANT_LIFETIME
    assert sam.post(f"/grants/{first}/invite", choice="heat-pump/nibe").headers["Location"] == OVER
    assert letters_of(running, rosa) == 0


def test_the_right_code_comes_too_late_after_five_wrong_ones(running: Installation, rosa: Visitor) -> None:
    desk = a_desk(running)
    grant, code = look(desk, rosa), code_of(rosa)
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(MOST_TRIES):
        assert desk.post(f"/grants/{grant}/code", code=wrong).status_code == 422
    assert desk.post(f"/grants/{grant}/code", code=code).status_code == 422


# Invitations


def test_an_invitation_is_sent_once_for_a_permission_and_never_after_it(
    running: Installation, clock: StillClock, rosa: Visitor
) -> None:
    desk = a_desk(running, Role.LEAD)
    grant = look(desk, rosa)
    clock.now += GRANT_LIFETIME - SECOND
    for _ in range(3):
        assert desk.post(f"/grants/{grant}/invite", choice="heat-pump/nibe").headers["Location"].endswith("/help")
    assert letters_of(running, rosa) == 1
    clock.now += SECOND
    assert desk.post(f"/grants/{grant}/invite", choice="vehicle/tesla").headers["Location"] == OVER
    assert letters_of(running, rosa) == 1


# No row, no page


@contextmanager
def full_record(running: Installation) -> Iterator[None]:
    """The database takes no row into the record for a while."""
    kind = "postgresql" if running.settings.database_url.startswith("postgresql") else "sqlite"
    with running.database.write() as tx:
        for statement in FAILING[kind]:
            tx.connection.execute(text(statement))
    try:
        yield
    finally:
        with running.database.write() as tx:
            for statement in MENDED[kind]:
                tx.connection.execute(text(statement))


def test_no_row_no_page(running: Installation, rosa: Visitor) -> None:
    desk, name = a_desk(running, Role.LEAD), "Rosa-"
    grant = look(desk, rosa)
    assert rosa.customer
    known = [route for route in staff_routes(running) - OPEN if route.startswith("GET")]
    own = {address(route.removeprefix("GET "), rosa.customer.id) for route in known}
    theirs = {address(rule, grant=grant) for method, rule in observed_routes(running) if method == "GET"}
    shown = own | theirs | {f"/grants/{grant}/help", "/nowhere", f"/?q={name}"}
    shown -= {f"/as/{grant}/theme.css", f"/as/{grant}/logo"}
    assert name in desk.send("GET", f"/as/{grant}/devices").text
    with full_record(running):
        for path in sorted(shown):
            for method in ("GET", "HEAD"):
                answer = desk.send(method, path)
                assert answer.status_code == 503, (method, path)
                assert answer.text == ("503\n" if method == "GET" else ""), path
                assert "Location" not in answer.headers, path
    assert name in desk.send("GET", f"/as/{grant}/devices").text


def test_no_row_no_help(running: Installation, rosa: Visitor) -> None:
    desk = a_desk(running, Role.LEAD)
    grant, token = look(desk, rosa), desk.token()
    assert rosa.customer
    device = f"device-{rosa.customer.id}-heat_pump"
    before = rosa.page("/privacy").text
    with full_record(running):
        for path in ("/invite", f"/devices/{device}/invite", f"/devices/{device}/check"):
            fields = {"csrf_token": token, "choice": "heat-pump/nibe"}
            answer = desk.send("POST", f"/grants/{grant}{path}", data=fields, headers={"Sec-Fetch-Site": "same-origin"})
            assert answer.status_code == 503, path
    assert letters_of(running, rosa) == 0
    assert rosa.page("/privacy").text == before
