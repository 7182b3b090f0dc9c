"""Manufacturers that customers missed, in their own words, for the retailer to read."""

from datetime import datetime

from sqlalchemy import insert, select

from portal.domain.catalogue import DeviceType
from portal.storage import tables
from portal.storage.database import Transaction
from portal.storage.ids import new_id


def record(tx: Transaction, *, customer_id: str, device_type: DeviceType, text: str, now: datetime) -> None:
    request = insert(tables.vendor_requests).values(
        id=new_id(), customer_id=customer_id, device_type=device_type, text=text, created_at=now
    )
    tx.connection.execute(request)


def of_customer(tx: Transaction, customer_id: str) -> tuple[tuple[datetime, str, str], ...]:
    """What this customer missed, oldest first: when, of which type, in their words."""
    requests = tables.vendor_requests
    mine = select(requests.c.created_at, requests.c.device_type, requests.c.text)
    found = mine.where(requests.c.customer_id == customer_id).order_by(requests.c.created_at, requests.c.id)
    return tuple((row.created_at, row.device_type, row.text) for row in tx.connection.execute(found))
