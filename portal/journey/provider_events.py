"""What a provider tells us by itself. An event proves who sent it and nothing more: it is weighed against an attempt of
the customer it names, or against a device that is already theirs, and wakes the same step as everything else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from portal.domain.device import Connection, Device, DeviceReading
from portal.domain.link_session import LinkSession
from portal.domain.people import ProviderAccount
from portal.domain.provider_event import EventKind, ProviderEvent
from portal.journey.link import wake
from portal.journey.history import note_device
from portal.journey.ports import Ports
from portal.storage import devices, link_sessions, provider_accounts
from portal.storage.database import Transaction

log = structlog.get_logger(__name__)


def receive(*, ports: Ports, provider_key: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Takes an event in; returns once it is stored. Raises KeyError, EventRefused, UnexpectedAnswer."""
    event = ports.providers.get(provider_key).read_event(headers, body, now=now)
    if event.kind is EventKind.IGNORED or event.pseudonym is None:
        return
    with ports.database.write() as tx:
        account = provider_accounts.by_pseudonym(tx, provider_key, event.pseudonym)
        if account is None:
            log.warning("event_for_nobody", provider=provider_key, event_id=event.event_id)
            return
        _tell_devices(tx, account, event, now)
        attempt = _tell_attempt(tx, account, event) if event.kind is EventKind.CONNECTED else None
    if attempt is not None:
        wake(ports=ports, attempt=attempt, now=now)


def take(*, ports: Ports, event_id: str, now: datetime) -> None:
    """INTERIM, until the inbox lands."""


def _tell_devices(tx: Transaction, account: ProviderAccount, event: ProviderEvent, now: datetime) -> None:
    """Applies the event to devices the customer has; older news than what is known of a device is dropped."""
    readings = {reading.provider_device_id: reading for reading in event.readings}
    for device in devices.known(tx, account.customer_id, account.provider_key):
        # Events carry whole seconds: what happened within the same second is not older.
        if device.removed_at is not None or event.occurred_at < device.observed_at.replace(microsecond=0):
            continue
        told = _told(device, event, readings.get(device.provider_device_id))
        if told is None:
            continue
        devices.save(tx, replace(told, observed_at=event.occurred_at, read_at=now))
        if told.connection is not device.connection:
            note_device(tx, told, told.connection, now=now, actor=account.provider_key)


def _told(device: Device, event: ProviderEvent, reading: DeviceReading | None) -> Device | None:
    if event.kind is EventKind.CONNECTED and reading is not None:
        return device.with_reading(reading, now=event.occurred_at)
    if event.kind is EventKind.DISCONNECTED and device.provider_device_id in event.device_ids:
        return replace(device, connection=Connection.NEEDS_REAUTHENTICATION)
    return None


def _tell_attempt(tx: Transaction, account: ProviderAccount, event: ProviderEvent) -> LinkSession | None:
    """Keeps the event's readings on the attempt they can belong to, as evidence for when its customer comes back."""
    types = {reading.device_type for reading in event.readings}
    for attempt in link_sessions.recent(tx, account.customer_id, account.provider_key):
        named = event.link_session_id in {None, attempt.id}
        if named and attempt.device_type in types and attempt.takes_evidence():
            told = replace(attempt, confirmed=_merged(attempt.confirmed, event.readings))
            return told if link_sessions.move(tx, told, was=attempt.state) else None
    log.warning("event_without_attempt", provider=account.provider_key, event_id=event.event_id)
    return None


def _merged(before: tuple[DeviceReading, ...], after: tuple[DeviceReading, ...]) -> tuple[DeviceReading, ...]:
    return tuple({reading.provider_device_id: reading for reading in (*before, *after)}.values())
