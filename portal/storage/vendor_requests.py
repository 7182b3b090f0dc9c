"""Manufacturers that customers missed, in their own words, for the retailer to read."""

from datetime import datetime

from sqlalchemy import insert

from portal.domain.catalogue import DeviceType
from portal.storage import tables
from portal.storage.database import Transaction
from portal.storage.ids import new_id


def record(tx: Transaction, *, customer_id: str, device_type: DeviceType, text: str, now: datetime) -> None:
    request = insert(tables.vendor_requests).values(
        id=new_id(), customer_id=customer_id, device_type=device_type, text=text, created_at=now
    )
    tx.connection.execute(request)
