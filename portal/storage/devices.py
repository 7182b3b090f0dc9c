"""Linked devices. A removed device stays as a row, so that linking it again finds it."""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    and_,
    bindparam,
    case,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from portal.domain.catalogue import DeviceType
from portal.domain.device import Device
from portal.storage import device_history, tables
from portal.storage.columns import spelt_out
from portal.storage.database import Transaction

_devices = tables.devices

REPLACED = "replaced "
"""How the id of a row begins that gave its provider's id to another; a space is in no provider's id."""

_FIELDS = tuple(_devices.c[field.name] for field in fields(Device))
"""In the order in which a Device is made of them."""

_IN_ORDER_OF_TYPES = case(
    *((_devices.c.device_type == spelt_out(kind), literal_column(str(place))) for place, kind in enumerate(DeviceType))
)


def _mine(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(*_FIELDS)
        .where(_devices.c.customer_id == bindparam("customer_id"), *conditions)
        .order_by(_IN_ORDER_OF_TYPES, _devices.c.vendor_name, _devices.c.linked_at, _devices.c.id)
    )


# Built once: these are asked on nearly every page.
_ALL = _mine(_devices.c.removed_at.is_(None))
_IN_SIGHT = _mine(
    or_(
        _devices.c.removed_at.is_(None),
        and_(_devices.c.removed_because.is_not(None), _devices.c.put_away_at.is_(None)),
    )
)
_KNOWN = _mine(_devices.c.provider_key == bindparam("provider_key"))
_ONE = _mine(_devices.c.id == bindparam("device_id"), _devices.c.removed_at.is_(None))
_HEALTH = select(_devices.c.connection, _devices.c.cause).where(
    _devices.c.id == bindparam("device_id"), _devices.c.customer_id == bindparam("customer_id")
)
_EVER = (
    select(*_FIELDS)
    .where(_devices.c.customer_id == bindparam("customer_id"))
    .order_by(_devices.c.linked_at.desc(), _devices.c.id)
    .limit(bindparam("limit"))
)


class NotSaved(Exception):
    """The row of this id is another customer's, or the provider's device has another row of this customer."""


def all_of(tx: Transaction, customer_id: str) -> tuple[Device, ...]:
    """The customer's devices by type and vendor."""
    return _own(tx, _ALL, customer_id)


def in_sight(tx: Transaction, customer_id: str) -> tuple[Device, ...]:
    """The customer's devices, and those of which they are still told that they left the list."""
    return _own(tx, _IN_SIGHT, customer_id)


def put_away(tx: Transaction, customer_id: str, device_id: str, *, now: datetime) -> bool:
    """Writes down that the customer has read how a device left the list; False where there is no such news."""
    tx.in_turn(customer_id)
    mine = (_devices.c.customer_id == customer_id, _devices.c.id == device_id)
    is_news = (_devices.c.removed_at.is_not(None), _devices.c.removed_because.is_not(None))
    done = update(_devices).where(*mine, *is_news).values(put_away_at=now)
    return tx.connection.execute(done).rowcount == 1


def put_away_alike(tx: Transaction, linked: Device, *, now: datetime) -> None:
    """Ends the news of devices of the same type and vendor that left: the customer has connected such a one again."""
    tx.in_turn(linked.customer_id)
    alike = (
        _devices.c.customer_id == linked.customer_id,
        _devices.c.device_type == linked.device_type,
        _devices.c.vendor_key == linked.vendor_key,
    )
    is_news = (_devices.c.removed_at.is_not(None), _devices.c.removed_because.is_not(None))
    old = update(_devices).where(*alike, *is_news, _devices.c.put_away_at.is_(None))
    tx.connection.execute(old.values(put_away_at=now))


def known(tx: Transaction, customer_id: str, provider_key: str) -> tuple[Device, ...]:
    """All devices the customer has or had at this provider, removed ones too."""
    return _own(tx, _KNOWN, customer_id, provider_key=provider_key)


def ever(tx: Transaction, customer_id: str, limit: int) -> tuple[Device, ...]:
    """The devices that the customer has or had anywhere, removed ones too, the latest linked first."""
    rows = tx.connection.execute(_EVER, {"customer_id": customer_id, "limit": limit})
    return tuple(Device(*row) for row in rows)


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


def free_id(tx: Transaction, device: Device) -> None:
    """Takes the provider's id of this device from a row that is off its customer's list: an id has one row."""
    tx.in_turn(device.customer_id)
    same_id = (
        _devices.c.customer_id == device.customer_id,
        _devices.c.provider_key == device.provider_key,
        _devices.c.provider_device_id == device.provider_device_id,
    )
    off_the_list = (_devices.c.id != device.id, _devices.c.removed_at.is_not(None))
    freed = update(_devices).where(*same_id, *off_the_list)
    tx.connection.execute(freed.values(provider_device_id=literal(REPLACED) + _devices.c.id))


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
    return tuple(Device(*row) for row in rows)
