"""How the health of each device changed, written once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from portal.domain.device import Device
from portal.domain.health import Cause, Connection
from portal.storage import tables
from portal.storage.database import Transaction

_history = tables.device_history


@dataclass(frozen=True, slots=True)
class HealthChange:
    """From then on the device was like this, until the next change."""

    at: datetime
    connection: Connection
    cause: Cause


def record(tx: Transaction, device: Device, at: datetime) -> None:
    """Writes down how the device is from `at` on. devices.save does so by itself."""
    entry = insert(_history).values(
        customer_id=device.customer_id,
        device_id=device.id,
        at=at,
        connection=device.connection,
        cause=device.cause,
    )
    tx.connection.execute(entry)


def of_device(tx: Transaction, customer_id: str, device_id: str, limit: int) -> tuple[HealthChange, ...]:
    """The latest changes of this customer's device, newest first."""
    mine = (_history.c.customer_id == customer_id, _history.c.device_id == device_id)
    latest = select(_history).where(*mine).order_by(_history.c.id.desc()).limit(limit)
    return tuple(
        HealthChange(row.at, Connection(row.connection), Cause(row.cause)) for row in tx.connection.execute(latest)
    )


def of_customer(tx: Transaction, customer_id: str, limit: int) -> tuple[tuple[str, HealthChange], ...]:
    """The latest changes of all of this customer's devices, newest first, each with the device's id."""
    latest = select(_history).where(_history.c.customer_id == customer_id).order_by(_history.c.id.desc()).limit(limit)
    return tuple(
        (row.device_id, HealthChange(row.at, Connection(row.connection), Cause(row.cause)))
        for row in tx.connection.execute(latest)
    )
