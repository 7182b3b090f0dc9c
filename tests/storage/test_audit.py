"""The audit log: written once, in order, and changed by nobody."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from portal.domain.catalogue import DeviceType
from portal.domain.people import Customer
from portal.storage import audit, tables
from portal.storage.database import Database
from tests.storage.made import NOW


def record(database: Database, customer: Customer | None, action: str) -> None:
    with database.write() as tx:
        audit.record(
            tx,
            at=NOW,
            actor="portal",
            customer_id=customer.id if customer else None,
            action=action,
            object_type="link_session",
            object_id="1",
            details={"device_type": DeviceType.HEAT_PUMP, "tries": 2, "early": True, "reason": None},
        )


def test_a_line_comes_back_as_it_was_written(database: Database, anna: Customer) -> None:
    record(database, anna, "link_session.opened")
    with database.read() as tx:
        assert audit.of_customer(tx, anna.id, 10) == (
            audit.AuditEntry(
                at=NOW,
                actor="portal",
                customer_id=anna.id,
                action="link_session.opened",
                object_type="link_session",
                object_id="1",
                details={"device_type": "heat_pump", "tries": 2, "early": True, "reason": None},
            ),
        )


def test_a_customer_s_lines_come_newest_first_and_are_theirs(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    for action in ("first", "second", "third"):
        record(database, anna, action)
    record(database, bertil, "his")
    record(database, None, "nobody's")
    with database.read() as tx:
        assert [line.action for line in audit.of_customer(tx, anna.id, 2)] == ["third", "second"]


def test_details_may_be_left_out(database: Database, anna: Customer) -> None:
    with database.write() as tx:
        audit.record(
            tx, at=NOW, actor="customer", customer_id=anna.id, action="a", object_type="customer", object_id=None
        )
        assert audit.of_customer(tx, anna.id, 1)[0].details == {}


@pytest.mark.parametrize("change", [update(tables.audit).values(actor="nobody"), delete(tables.audit)])
def test_what_is_written_is_neither_changed_nor_deleted(database: Database, anna: Customer, change: object) -> None:
    record(database, anna, "a")
    with pytest.raises(DBAPIError, match="append-only"), database.write() as tx:
        tx.connection.execute(change)  # type: ignore[call-overload]
    with database.read() as tx:
        assert len(audit.of_customer(tx, anna.id, 10)) == 1


def test_the_log_is_not_emptied_either(database: Database, anna: Customer) -> None:
    record(database, anna, "a")
    with pytest.raises(DBAPIError), database.write() as tx:
        tx.connection.execute(text("TRUNCATE audit"))
    with database.read() as tx:
        assert len(audit.of_customer(tx, anna.id, 10)) == 1
