"""The customer's devices: what is known is shown at once, and refreshed behind when it is no longer fresh."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import structlog

from portal.domain.device import Device, DeviceReading
from portal.domain.link_session import LinkSession, State
from portal.domain.people import Customer
from portal.journey.history import note_device
from portal.journey.link import wake
from portal.journey.ports import Ports
from portal.providers.protocol import ProviderError
from portal.storage import devices, link_sessions, provider_accounts

log = structlog.get_logger(__name__)

BACK = frozenset({State.ARRIVED, State.WAITING})
"""The customer is back from the Connect UI, and the provider has the word."""


@dataclass(frozen=True, slots=True)
class Overview:
    """All devices, those that need the customer first, and the attempts under way.

    `refreshing`: newer words are coming.
    """

    devices: tuple[Device, ...]
    attempts: tuple[LinkSession, ...]
    refreshing: bool


def overview(*, ports: Ports, customer: Customer, now: datetime) -> Overview:
    """What is known now. Never waits for a provider."""
    with ports.database.read() as tx:
        linked = devices.all_of(tx, customer.id)
        attempts = link_sessions.open_of(tx, customer.id)
    for attempt in attempts:
        wake(ports=ports, customer_id=customer.id, link_session_id=attempt.id)
    stale = any(_is_stale(ports, device, now) for device in linked)
    done = stale and ports.background.run(
        f"refresh:{customer.id}", lambda: refresh(ports=ports, customer_id=customer.id, now=ports.clock())
    )
    return Overview(
        devices=tuple(sorted(linked, key=lambda device: not device.needs_customer)),
        attempts=tuple(attempt for attempt in attempts if attempt.state in BACK),
        refreshing=stale and not done,
    )


def find(*, ports: Ports, customer: Customer, device_id: str) -> Device | None:
    """One device of this customer."""
    with ports.database.read() as tx:
        return devices.get(tx, customer.id, device_id)


def refresh(*, ports: Ports, customer_id: str, now: datetime) -> None:
    """Asks each provider how this customer's devices are. A provider that does not answer leaves them as they were."""
    with ports.database.read() as tx:
        linked = devices.all_of(tx, customer_id)
    by_provider: dict[str, list[Device]] = defaultdict(list)
    for device in linked:
        if _is_stale(ports, device, now):
            by_provider[device.provider_key].append(device)
    for provider_key, asked in by_provider.items():
        try:
            _refresh_at(ports, customer_id, provider_key, tuple(asked), now)
        except ProviderError as error:
            log.warning("refresh_postponed", provider=provider_key, cause=str(error))


def _refresh_at(ports: Ports, customer_id: str, provider_key: str, asked: tuple[Device, ...], now: datetime) -> None:
    with ports.database.read() as tx:
        account = provider_accounts.of(tx, customer_id, provider_key)
    if account is None:
        return
    provider = ports.providers.get(provider_key)
    readings = provider.list_devices(account, frozenset(device.device_type for device in asked))
    found = {reading.provider_device_id: reading for reading in readings}
    with ports.database.write() as tx:
        under_way = link_sessions.open_of(tx, customer_id)
        settling = {attempt.device_id for attempt in under_way if attempt.state in BACK}
        renewing = {attempt.device_id for attempt in under_way}
        for asked_device in asked:
            device = devices.get(tx, customer_id, asked_device.id)
            # Linked again, removed or told otherwise while the provider was being asked: that is newer.
            if device is None or device.observed_at > now:
                continue
            reading = found.get(device.provider_device_id)
            updated = _updated(device, reading, renewing=device.id in renewing, settling=device.id in settling, now=now)
            devices.save(tx, updated)
            if updated.removed_at is not None:
                note_device(tx, updated, "gone_there", now=now, actor=provider_key)
            elif updated.connection is not device.connection:
                note_device(tx, updated, updated.connection, now=now)


def _updated(device: Device, reading: DeviceReading | None, *, renewing: bool, settling: bool, now: datetime) -> Device:
    """The device by what its provider says of it now.

    One that is being renewed stays: its provider may be about to name it under another id.
    """
    if reading is not None and not reading.deleted:
        return device.with_reading(reading, now=now, settling=settling)
    if reading is None or renewing:
        return device.missing(now=now)
    return device.gone_there(now=now)


def _is_stale(ports: Ports, device: Device, now: datetime) -> bool:
    if device.provider_key not in ports.providers or now - device.read_at < ports.policy.fresh_for:
        return False
    return ports.providers.get(device.provider_key).traits.reads_devices
