"""Devices that a provider holds for a customer though nobody linked them here: told to the customer, and not used.

At some providers customers also link devices from the manufacturer's side. What a list names links nothing, for the
customer has given no permission for it; they are offered to connect it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from portal.domain.catalogue import OTHER_VENDOR
from portal.domain.device import Device, DeviceReading, RemovedBecause
from portal.domain.link_session import State
from portal.domain.people import ProviderAccount
from portal.journey.history import note_device
from portal.providers.offers import known_vendor
from portal.storage import devices, unfinished
from portal.storage.database import Transaction
from portal.storage.ids import new_id

UNSETTLED_FOR = timedelta(days=1)
"""How long an attempt that linked nothing yet may still be what brought a device."""


def take_note(tx: Transaction, account: ProviderAccount, readings: Iterable[DeviceReading], *, now: datetime) -> None:
    """Keeps devices of which nobody knows as off the list, with a word to their customer that they are there.

    Not while an attempt may still be about them: that has them linked, or asks about them itself.
    """
    customer_id, provider_key = account.customer_id, account.provider_key
    known = {device.provider_device_id for device in devices.known(tx, customer_id, provider_key)}
    new = [reading for reading in readings if reading.provider_device_id not in known and not reading.deleted]
    if not new:
        return
    lately = unfinished.lately(tx, customer_id, since=now - UNSETTLED_FOR)
    here = [attempt for attempt in lately if attempt.provider_key == provider_key]
    if any(attempt.state is not State.LINKED and now - attempt.created_at < UNSETTLED_FOR for attempt in here):
        return
    brought = {reading.provider_device_id for attempt in here for reading in attempt.confirmed}
    for reading in new:
        if reading.provider_device_id not in brought:
            found = _found(account, reading, now)
            devices.save(tx, found)
            note_device(tx, found, "found_there", now=now, actor=provider_key)


def _found(account: ProviderAccount, reading: DeviceReading, now: datetime) -> Device:
    vendor = known_vendor(reading.vendor_code or reading.vendor_name)
    return Device(
        id=new_id(),
        customer_id=account.customer_id,
        provider_key=account.provider_key,
        provider_device_id=reading.provider_device_id,
        device_type=reading.device_type,
        vendor_key=vendor.key if vendor else OTHER_VENDOR,
        vendor_name=vendor.name if vendor else reading.vendor_name or "",
        model=reading.model,
        nickname=None,
        connection=reading.connection,
        last_contact_at=None,
        linked_at=now,
        read_at=now,
        observed_at=now,
        removed_at=now,
        removed_because=RemovedBecause.LINKED_ELSEWHERE,
    )
