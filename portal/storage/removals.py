"""Devices that are to be removed, for whoever does it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from portal.storage import tables, wakes
from portal.storage.database import Transaction
from portal.storage.wakes import asleep, lies

_devices = tables.devices


AGAIN_AFTER = timedelta(seconds=55)
"""How long after an answer that did not come the removal is tried again: each time the reconciler comes by."""


@dataclass(frozen=True, slots=True)
class Due:
    """A device whose removal has been asked for and not been done."""

    customer_id: str
    device_id: str
    provider_key: str


def wake(tx: Transaction, customer_id: str, device_id: str, *, now: datetime) -> bool:
    """Marks the removal as in the queue; False where it is there already."""
    tx.in_turn(customer_id)
    mine = (_devices.c.id == device_id, _devices.c.customer_id == customer_id)
    marked = update(_devices).where(*mine, asleep(_devices.c.removal_woken_at, now)).values(removal_woken_at=now)
    return tx.connection.execute(marked).rowcount == 1


def take_up(tx: Transaction, customer_id: str, device_id: str) -> None:
    """The removal is out of the queue."""
    tx.in_turn(customer_id)
    mine = (_devices.c.id == device_id, _devices.c.customer_id == customer_id)
    tx.connection.execute(update(_devices).where(*mine).values(removal_woken_at=None))


def leave(tx: Transaction, customer_id: str, device_id: str) -> None:
    """The removal could not be put in the queue."""
    tx.in_turn(customer_id)
    mine = (_devices.c.id == device_id, _devices.c.customer_id == customer_id)
    wakes.leave(tx, _devices, _devices.c.removal_woken_at, *mine)


def due(tx: Transaction, *, now: datetime, limit: int, lying: bool = False) -> tuple[Due, ...]:
    """Of all customers, the longest asked for first. `lying`: only those that somebody wanted in the queue."""
    waiting = (
        select(_devices.c.customer_id, _devices.c.id, _devices.c.provider_key)
        .where(_devices.c.removal_asked_at.is_not(None), _devices.c.removed_at.is_(None))
        .where(or_(_devices.c.removal_failed_at.is_(None), _devices.c.removal_failed_at <= now - AGAIN_AFTER))
        .where((lies if lying else asleep)(_devices.c.removal_woken_at, now))
        .order_by(_devices.c.removal_asked_at, _devices.c.id)
        .limit(limit)
    )
    return tuple(Due(row.customer_id, row.id, row.provider_key) for row in tx.connection.execute(waiting))
