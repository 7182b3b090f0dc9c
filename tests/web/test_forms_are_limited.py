"""No account fills what is kept for good, and no agent reads customers by the hundred."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from portal.sandbox.program import RunningSandbox
from portal.storage import tables
from portal.web import limits
from tests.support.live import Installation, installation
from tests.web.conftest import ENGLISH
from tests.web.desk import Desk
from tests.web.test_routes import ROUTES
from tests.web.visitor import Visitor

FEW = {
    **ENGLISH,
    "PORTAL_LIMITS__ENABLED": "true",
    "PORTAL_LIMITS__FORMS": "4 per 5 minutes",
    "PORTAL_LIMITS__VENDOR_REQUESTS": "2 per day",
    "PORTAL_LIMITS__STAFF_SEARCHES": "3 per 5 minutes",
}


@pytest.fixture
def running(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('forms')}/portal.sqlite"
    with installation(web_sandbox, url, FEW) as live:
        yield live


@pytest.fixture
def anna(running: Installation) -> Visitor:
    return Visitor(running.app, running.url).sign_in("anna")


def test_every_form_of_a_customer_has_a_limit(running: Installation) -> None:
    limited = {e for rule in limits.customers_rules(running.app).values() for e in rule.endpoints}
    for route in running.app.url_map.iter_rules():
        wanted = ROUTES.get(f"POST {route.rule}".replace("<device_type:device_type>", "<device_type>"))
        if "POST" in (route.methods or ()) and wanted is not None and wanted[0] == "customers":
            assert route.endpoint in limited, route.rule


def test_what_is_kept_for_good_is_not_filled_by_one_account(running: Installation, anna: Visitor) -> None:
    statuses = [anna.post("/privacy/support-asks-first", asks=answer).status_code for answer in ("yes", "no") * 5]
    assert statuses == [303] * 4 + [429] * 6
    bela = Visitor(running.app, running.url).sign_in("bela")
    assert bela.post("/privacy/support-asks-first", asks="yes").status_code == 303


def test_manufacturers_are_missed_a_few_times_a_day(running: Installation, anna: Visitor) -> None:
    path = "/connect/charger/not-listed"
    assert [anna.post(path, vendor=text).status_code for text in ("", "Ohme", "Zeekr", "Zap", "Zip")] == [
        422,
        303,
        303,
        429,
        429,
    ]
    with running.database.read() as tx:
        assert tx.connection.scalar(select(func.count()).select_from(tables.vendor_requests)) == 2


def test_searches_of_an_agent_are_limited_and_on_record_without_a_name(running: Installation, anna: Visitor) -> None:
    desk = Desk(running)
    desk.page("/")
    statuses = [desk.send("GET", f"/?q={query}").status_code for query in ("anna", "ANNA", "lind", "lindq", "anna")]
    assert statuses == [200, 200, 200, 429, 429]
    assert desk.send("GET", "/").status_code == 200
    with running.database.read() as tx:
        events = tables.access_events
        searched = select(events.c.object_id, events.c.outcome).where(events.c.object_type == "search")
        found = tx.connection.execute(searched.order_by(events.c.number)).all()
    same, again, other, *refused = (row.object_id for row in found)
    assert same == again != other
    assert len(refused) == 2
    assert not any("anna" in row.object_id for row in found)


def test_a_ticket_cannot_pretend_to_be_another(running: Installation, anna: Visitor) -> None:
    assert anna.customer
    prefix = Desk(running).view(anna.customer.id, ticket="T-1\u202e\u200b\n4\u0301\u0302\u0303 " + "9" * 200)
    assert prefix
    with running.database.read() as tx:
        (ticket,) = set(tx.connection.scalars(select(tables.support_grants.c.ticket)))
    assert ticket == ("T-1 4 " + "9" * 200)[:60]
