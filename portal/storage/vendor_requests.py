"""Manufacturers that customers missed, in their own words, for the retailer to read."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select

from portal.domain.catalogue import DeviceType, folded
from portal.storage import tables
from portal.storage.database import Transaction
from portal.storage.ids import new_id

_requests = tables.vendor_requests


@dataclass(frozen=True, slots=True)
class Wanted:
    """One manufacturer that was missed: `text` is one way it was written, `customers` how many have asked."""

    device_type: DeviceType
    text: str
    customers: int
    requests: int
    latest_at: datetime


def record(tx: Transaction, *, customer_id: str, device_type: DeviceType, text: str, now: datetime) -> None:
    """Keeps the customer's words, and beside them in small plain letters, so that the same name is counted once."""
    request = insert(_requests).values(
        id=new_id(), customer_id=customer_id, device_type=device_type, text=text, folded=folded(text), created_at=now
    )
    tx.connection.execute(request)


def of_customer(tx: Transaction, customer_id: str) -> tuple[tuple[datetime, str, str], ...]:
    """What this customer missed, oldest first: when, of which type, in their words."""
    mine = select(_requests.c.created_at, _requests.c.device_type, _requests.c.text)
    found = mine.where(_requests.c.customer_id == customer_id).order_by(_requests.c.created_at, _requests.c.id)
    return tuple((row.created_at, row.device_type, row.text) for row in tx.connection.execute(found))


def wanted(tx: Transaction, *, since: datetime | None = None) -> tuple[Wanted, ...]:
    """What was missed since then, or ever; what most customers asked for first."""
    named = (_requests.c.device_type, _requests.c.folded)
    customers = func.count(_requests.c.customer_id.distinct()).label("customers")
    # No database says which text of a group was the last; the greatest of the same letters is as good.
    counted = select(
        *named,
        func.max(_requests.c.text).label("text"),
        customers,
        func.count().label("requests"),
        func.max(_requests.c.created_at).label("latest_at"),
    ).group_by(*named)
    if since is not None:
        counted = counted.where(_requests.c.created_at >= since)
    ordered = counted.order_by(customers.desc(), _requests.c.device_type, _requests.c.folded)
    return tuple(
        Wanted(DeviceType(row.device_type), row.text, row.customers, row.requests, row.latest_at)
        for row in tx.connection.execute(ordered)
    )
