"""Vendors that a provider did not take when a link was to begin with them: paused there, or not switched on."""

from datetime import datetime

from sqlalchemy import delete, select

from portal.domain.catalogue import DeviceType
from portal.storage import tables
from portal.storage.database import Transaction

_refusals = tables.vendor_refusals


def refused(tx: Transaction, provider_key: str, device_type: DeviceType, vendor_code: str, *, now: datetime) -> None:
    """The provider has just refused this vendor."""
    new = tx.insert(_refusals).values(
        provider_key=provider_key, device_type=device_type, vendor_code=vendor_code, refused_at=now
    )
    index = ["provider_key", "device_type", "vendor_code"]
    tx.connection.execute(new.on_conflict_do_update(index_elements=index, set_={"refused_at": new.excluded.refused_at}))


def taken(tx: Transaction, provider_key: str, device_type: DeviceType, vendor_code: str) -> None:
    """The provider has just taken this vendor."""
    it = (
        _refusals.c.provider_key == provider_key,
        _refusals.c.device_type == device_type,
        _refusals.c.vendor_code == vendor_code,
    )
    tx.connection.execute(delete(_refusals).where(*it))


def is_refused(
    tx: Transaction, provider_key: str, device_type: DeviceType, vendor_code: str, *, since: datetime
) -> bool:
    """Whether the provider's last word on this vendor was a refusal, not longer ago than that."""
    known = select(_refusals.c.refused_at).where(
        _refusals.c.provider_key == provider_key,
        _refusals.c.device_type == device_type,
        _refusals.c.vendor_code == vendor_code,
        _refusals.c.refused_at >= since,
    )
    return tx.connection.scalar(known) is not None
