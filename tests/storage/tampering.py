"""A chain of access events, and somebody with the schema's rights who changes it behind the portal's back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from portal.domain.access import AccessEvent
from portal.storage import access_events
from portal.storage.database import Database
from tests.storage.made import NOW


def written(database: Database, **differing: Any) -> AccessEvent:
    """One event, in a transaction of its own."""
    values: dict[str, Any] = {
        "at": NOW,
        "actor": "agent-1",
        "actor_role": "agent",
        "customer_id": "anna",
        "grant_id": "grant-1",
        "reason": "reconnecting",
        "ticket": "T-1",
        "action": "GET devices.overview",
        "outcome": "200",
        "request_reference": "r1",
    }
    with database.write() as tx:
        return access_events.record(tx, **(values | differing))


def a_chain(database: Database, length: int) -> tuple[AccessEvent, ...]:
    """Events a minute apart."""
    return tuple(written(database, at=NOW + timedelta(minutes=n), request_reference=f"r{n}") for n in range(length))


def tampered(database: Database, *statements: str) -> None:
    """Runs the statements as one who may change the schema: without the triggers, and without the checks."""
    with database.write() as tx:
        if tx.connection.dialect.name == "postgresql":
            for table in ("access_events", "access_head"):
                tx.connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        else:
            named = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'access%'"
            for name in tx.connection.scalars(text(named)).all():
                tx.connection.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            tx.connection.exec_driver_sql(statement)
