"""Linked devices. A removed device stays as a row, so that linking it again finds it."""

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import ColumnElement, Executable, RowMapping, Select, bindparam, case, select
from sqlalchemy.exc import IntegrityError

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, Device
from portal.domain.health import Cause
from portal.storage import device_history, tables
from portal.storage.database import Transaction

_devices = tables.devices

_IN_ORDER_OF_TYPES = case({kind.value: place for place, kind in enumerate(DeviceType)}, value=_devices.c.device_type)


def _mine(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(_devices)
        .where(_devices.c.customer_id == bindparam("customer_id"), *conditions)
        .order_by(_IN_ORDER_OF_TYPES, _devices.c.vendor_name, _devices.c.linked_at, _devices.c.id)
    )


# Built once: these are asked on nearly every page.
_ALL = _mine(_devices.c.removed_at.is_(None))
_KNOWN = _mine(_devices.c.provider_key == bindparam("provider_key"))
_ONE = _mine(_devices.c.id == bindparam("device_id"), _devices.c.removed_at.is_(None))
_HEALTH = select(_devices.c.connection, _devices.c.cause).where(
    _devices.c.id == bindparam("device_id"), _devices.c.customer_id == bindparam("customer_id")
)
_EVER = (
    select(_devices)
    .where(_devices.c.customer_id == bindparam("customer_id"))
    .order_by(_devices.c.linked_at.desc(), _devices.c.id)
    .limit(bindparam("limit"))
)


class NotSaved(Exception):
    """The row of this id is another customer's, or the provider's device has another row of this customer."""


def all_of(tx: Transaction, customer_id: str) -> tuple[Device, ...]:
    """The customer's devices by type and vendor."""
    return _own(tx, _ALL, customer_id)


def known(tx: Transaction, customer_id: str, provider_key: str) -> tuple[Device, ...]:
    """All devices the customer has or had at this provider, removed ones too."""
    return _own(tx, _KNOWN, customer_id, provider_key=provider_key)


def ever(tx: Transaction, customer_id: str, limit: int) -> tuple[Device, ...]:
    """The devices that the customer has or had anywhere, removed ones too, the latest linked first."""
    rows = tx.connection.execute(_EVER, {"customer_id": customer_id, "limit": limit})
    return tuple(_device(row) for row in rows.mappings())


def get(tx: Transaction, customer_id: str, device_id: str) -> Device | None:
    return next(iter(_own(tx, _ONE, customer_id, device_id=device_id)), None)


def save(tx: Transaction, device: Device) -> None:
    """Inserts the device, or updates it by id; a change of its health goes into its history.

    Raises NotSaved; the transaction is then over.
    """
    tx.in_turn(device.customer_id)
    before = _health(tx, device)
    try:
        row = tx.connection.execute(tx.kept(_upsert), asdict(device)).one_or_none()
    except IntegrityError:
        row = None
    if row is None:
        # The cause would carry ids of the customer's.
        raise NotSaved(device.id) from None
    if before != (device.connection, device.cause):
        device_history.record(tx, device, device.changed_at or device.observed_at)


def _upsert(tx: Transaction) -> Executable:
    new = tx.insert(_devices)
    told = {field.name for field in fields(Device)} - {"id", "customer_id", "provider_key"}
    return new.on_conflict_do_update(
        index_elements=["id"],
        set_={column.name: new.excluded[column.name] for column in _devices.c if column.name in told},
        where=(_devices.c.customer_id == new.excluded.customer_id)
        & (_devices.c.provider_key == new.excluded.provider_key),
    ).returning(_devices.c.id)


def _health(tx: Transaction, device: Device) -> tuple[str, str] | None:
    """Connection and cause as they are stored."""
    mine = {"device_id": device.id, "customer_id": device.customer_id}
    stored = tx.connection.execute(_HEALTH, mine).one_or_none()
    return None if stored is None else (stored.connection, stored.cause)


def _own(tx: Transaction, mine: Select[Any], customer_id: str, **named: str) -> tuple[Device, ...]:
    tx.in_turn(customer_id)
    rows = tx.connection.execute(mine, {"customer_id": customer_id, **named})
    return tuple(_device(row) for row in rows.mappings())


def _device(row: RowMapping) -> Device:
    return Device(
        id=row["id"],
        customer_id=row["customer_id"],
        provider_key=row["provider_key"],
        provider_device_id=row["provider_device_id"],
        device_type=DeviceType(row["device_type"]),
        vendor_key=row["vendor_key"],
        vendor_name=row["vendor_name"],
        model=row["model"],
        nickname=row["nickname"],
        connection=Connection(row["connection"]),
        last_contact_at=row["last_contact_at"],
        linked_at=row["linked_at"],
        read_at=row["read_at"],
        observed_at=row["observed_at"],
        removed_at=row["removed_at"],
        cause=Cause(row["cause"]),
        changed_at=row["changed_at"],
        removal_asked_at=row["removal_asked_at"],
        removal_failed_at=row["removal_failed_at"],
        consent_id=row["consent_id"],
        must_go=row["must_go"],
    )
