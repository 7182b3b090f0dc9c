"""What is remembered of customers who were forgotten: digests by which a late word about them is known, for a while."""

from datetime import datetime

from sqlalchemy import delete, select

from portal.domain.deletion import TOMBSTONE_LASTS
from portal.storage import tables
from portal.storage.database import Transaction

_tombstones = tables.tombstones

APP = "app"
"""The issuer of the retailer's app: its used tokens stay used."""


def keep(tx: Transaction, system: str, *names: str, now: datetime) -> None:
    """Remembers what a system knew somebody by."""
    values = {"digest": _digest(tx, system, *names), "expires_at": now + TOMBSTONE_LASTS}
    new = tx.insert(_tombstones).values(values)
    tx.connection.execute(new.on_conflict_do_update(index_elements=["digest"], set_=values))


def holds(tx: Transaction, system: str, *names: str) -> bool:
    """Whether somebody by this name was forgotten."""
    found = select(_tombstones.c.digest).where(_tombstones.c.digest == _digest(tx, system, *names))
    return tx.connection.execute(found).one_or_none() is not None


def purge(tx: Transaction, now: datetime) -> None:
    """Forgets even that."""
    tx.connection.execute(delete(_tombstones).where(_tombstones.c.expires_at <= now))


def _digest(tx: Transaction, system: str, *names: str) -> str:
    return tx.digest(" ".join(("tombstone", system, *names)))
