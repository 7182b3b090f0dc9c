"""What happened, written once. The database itself refuses to change or delete a line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, insert, select

from portal.storage import tables
from portal.storage.database import Transaction

_audit = tables.audit
_NEW = insert(_audit)

Detail = str | int | bool | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line: who did what to which thing of which customer."""

    at: datetime
    actor: str
    customer_id: str | None
    action: str
    object_type: str
    object_id: str | None
    details: Mapping[str, Detail]


def record(
    tx: Transaction,
    *,
    at: datetime,
    actor: str,
    customer_id: str | None,
    action: str,
    object_type: str,
    object_id: str | None,
    details: Mapping[str, Detail] | None = None,
) -> None:
    """Writes a line. Nothing secret and nothing personal belongs in `details`: they stay for good."""
    entry = {
        "at": at,
        "actor": actor,
        "customer_id": customer_id,
        "action": action,
        "object_type": object_type,
        "object_id": object_id,
        "details": dict(details or {}),
    }
    tx.connection.execute(_NEW, entry)


def of_customer(tx: Transaction, customer_id: str, limit: int) -> tuple[AuditEntry, ...]:
    """The customer's latest lines, newest first."""
    mine = select(_audit).where(_audit.c.customer_id == customer_id).order_by(_audit.c.id.desc()).limit(limit)
    return tuple(_entry(row) for row in tx.connection.execute(mine).mappings())


def _entry(row: RowMapping) -> AuditEntry:
    return AuditEntry(
        at=row["at"],
        actor=row["actor"],
        customer_id=row["customer_id"],
        action=row["action"],
        object_type=row["object_type"],
        object_id=row["object_id"],
        details=row["details"],
    )
