"""The customer's devices that the readings of an attempt become: one they had, or a new one, and what it replaces."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from portal.domain.device import Connection, Device, DeviceReading
from portal.domain.link_session import LinkSession, Purpose
from portal.domain.pace import OFTENEST
from portal.domain.resemblance import Counterpart, counterpart
from portal.journey.history import note_consent, note_device
from portal.journey.provider_events import as_told
from portal.providers.offers import known_vendor
from portal.providers.protocol import Traits
from portal.storage import consents, devices, provider_accounts
from portal.storage.database import Transaction
from portal.storage.ids import new_id


def take_in(tx: Transaction, linked: tuple[Device, ...], now: datetime) -> None:
    """Makes these devices the customer's, and has them read by themselves from now on."""
    for device in (as_told(tx, device, now=now) for device in linked):
        devices.free_id(tx, device)
        devices.save(tx, device)
        note_device(tx, device, "linked", now=now)
        devices.put_away_alike(tx, device, now=now)
        if device.consent_id is not None and consents.resume(tx, device.customer_id, device.consent_id):
            note_consent(tx, device.customer_id, device.consent_id, "resumed", now=now)
        provider_accounts.plan(tx, device.customer_id, device.provider_key, due_at=now + OFTENEST, failures=0)


def take_off_replaced(tx: Transaction, gone: Iterable[Device], now: datetime, *, is_told: bool = True) -> None:
    """Takes devices off the list that a provider, or their customer, replaced by another.

    A customer who said so themselves need not be told.
    """
    for device in gone:
        off = device.replaced(now=now)
        devices.save(tx, off if is_told else replace(off, put_away_at=now))
        note_device(tx, device, "replaced", now=now)


def as_devices(
    attempt: LinkSession,
    readings: tuple[DeviceReading, ...],
    known: tuple[Device, ...],
    now: datetime,
    *,
    traits: Traits,
) -> tuple[Device, ...]:
    """The rows that confirmed readings of an attempt become, each its own."""
    made: list[Device] = []
    for reading in readings:
        others = [r for r in readings if r.provider_device_id != reading.provider_device_id]
        taken = {device.id for device in known if any(device.is_active_as(other) for other in others)}
        taken |= {device.id for device in made}
        free = tuple(device for device in known if device.id not in taken)
        made.append(_device(attempt, reading, free, now, traits))
    return tuple(made)


def _device(
    attempt: LinkSession, reading: DeviceReading, known: tuple[Device, ...], now: datetime, traits: Traits
) -> Device:
    """The customer's row for a confirmed reading: the pinned one, one they had before, or a new one.

    One that is on their list under this id goes first; one that they removed, last.
    """
    pinned = next((device for device in known if device.id == attempt.device_id), None)
    held = next((device for device in known if device.is_active_as(reading)), pinned)
    is_new = held is None and attempt.purpose is Purpose.LINK
    found = counterpart(reading, known, reads_devices=traits.reads_devices) if is_new else Counterpart()
    removed = (device for device in known if device.provider_device_id == reading.provider_device_id)
    before = held or found.same or next(removed, None)
    consent_id = _permission(attempt, before)
    if before is not None and reading in attempt.confirmed and before.is_active_as(reading):
        # The event that this reading comes from has been applied already, and perhaps a newer one since.
        return _linked_with(attempt, before).consented(consent_id)
    is_asked_about = bool(found.may_be) and reading.device_type not in traits.replaces_on_link
    if before is not None:
        again = _linked_with(attempt, before.with_reading(reading, now=now)).consented(consent_id)
        return replace(again, is_asked_about=is_asked_about)
    return replace(_new(attempt, reading, consent_id, now), is_asked_about=is_asked_about)


def _new(attempt: LinkSession, reading: DeviceReading, consent_id: str | None, now: datetime) -> Device:
    vendor = known_vendor(reading.vendor_code or reading.vendor_name or attempt.vendor_key)
    new = Device(
        id=new_id(),
        customer_id=attempt.customer_id,
        provider_key=attempt.provider_key,
        provider_device_id=reading.provider_device_id,
        device_type=reading.device_type,
        vendor_key=vendor.key if vendor else attempt.vendor_key,
        vendor_name=vendor.name if vendor else reading.vendor_name or "",
        model=reading.model,
        nickname=reading.nickname,
        # Until the reading says more.
        connection=Connection.WAITING,
        last_contact_at=reading.last_contact_at,
        linked_at=now,
        read_at=now,
        observed_at=now,
        changed_at=now,
        consent_id=consent_id,
        vendor_code=attempt.vendor_code,
    )
    # An event that says otherwise is newer evidence from the moment the customer left.
    return replace(new.with_reading(reading, now=now), observed_at=attempt.departed_at or attempt.created_at)


def _linked_with(attempt: LinkSession, device: Device) -> Device:
    return replace(device, vendor_code=attempt.vendor_code or device.vendor_code)


def _permission(attempt: LinkSession, before: Device | None) -> str | None:
    """What the device is connected on: a renewal goes on with the permission that there is."""
    if attempt.purpose is Purpose.LINK:
        return attempt.id
    return before.consent_id if before is not None else None
