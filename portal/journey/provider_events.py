"""What a provider tells us by itself. An event proves who sent it and nothing more: it is weighed against an attempt of
the customer it names, or against a device that is already theirs, and wakes the same steps as everything else.

It is stored before its sender hears yes, and taken behind the pages. Taking it twice, late or in another order ends in
the same: what a device is follows from the newest event about it, whichever came first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from portal.domain.device import Connection, Device, DeviceReading
from portal.domain.link_session import LinkSession, State
from portal.domain.people import ProviderAccount
from portal.domain.provider_event import EventKind, EventState, ProviderEvent
from portal.domain.unfinished import BACK
from portal.journey.devices import wake_read
from portal.journey.history import note_device
from portal.journey.link import wake
from portal.journey.ports import Ports
from portal.journey.tasks import HOUSE, Step, Task
from portal.journey.waking import put
from portal.storage import devices, link_sessions, provider_accounts, provider_events, tombstones
from portal.storage.database import DatabaseFault, Transaction

log = structlog.get_logger(__name__)

MOST_TRIES = 10
"""After so many failures of its step, about one a minute, an event is left to an operator."""

NOBODY = "nobody"
NO_ATTEMPT = "no_attempt"
"""Why an event waits for an operator: it names no customer of ours, or a device that none of theirs came back with."""

DELETED = "deleted"
"""It names a customer who has been forgotten: that it came is all that is kept of it."""


class NotStored(Exception):
    """The event could not be stored: its provider is to deliver it again."""


@dataclass(frozen=True, slots=True)
class _Weighed:
    """What an event comes to: whom it concerns and which attempts it moves, or why it concerns nobody."""

    cause: str | None = None
    customer_id: str = ""
    attempts: tuple[LinkSession, ...] = ()


def receive(*, ports: Ports, provider_key: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Takes an event in; returns once it is stored. Raises KeyError, EventRefused, UnexpectedAnswer, NotStored."""
    event = ports.providers.get(provider_key).read_event(headers, body, now=now)
    if event.kind is EventKind.IGNORED:
        return
    try:
        with ports.database.write() as tx:
            to_take = provider_events.store(tx, event, now=now)
    except DatabaseFault as fault:
        log.error("event_not_stored", provider=provider_key, cause=type(fault).__name__)
        raise NotStored from None
    if to_take is not None:
        put(ports=ports, task=Task(Step.TAKE_EVENT, HOUSE, (to_take,)))


def take(*, ports: Ports, event_id: str, now: datetime) -> None:
    """Does what an event of the inbox comes to. Where that fails it is counted, and raised."""
    try:
        _take(ports, event_id, now)
    except Exception as error:
        with ports.database.write() as tx:
            is_over = provider_events.failed(tx, event_id) >= MOST_TRIES
            if is_over:
                provider_events.settle(tx, event_id, EventState.DEAD, now=now, cause=type(error).__name__)
        if is_over:
            log.error("event_dead", id=event_id, cause=type(error).__name__)
        raise


def take_what_came(*, ports: Ports, customer_id: str, provider_key: str, now: datetime) -> None:
    """Takes what a provider has told of this customer and waits in the queue still, for a step that goes by it."""
    with ports.database.read() as tx:
        account = provider_accounts.of(tx, customer_id, provider_key)
        waiting = provider_events.waiting_of(tx, provider_key, account.pseudonym) if account else ()
    for event_id in waiting:
        take(ports=ports, event_id=event_id, now=now)


def as_told(tx: Transaction, device: Device, *, now: datetime) -> Device:
    """A device that is being linked as the newest event about it says, where there is one: it may have come before."""
    account = provider_accounts.ensure(tx, device.customer_id, device.provider_key)
    newest = provider_events.newest_about(tx, account.provider_key, account.pseudonym, device.provider_device_id)
    return device if newest is None else _told(device, newest, now)


def _take(ports: Ports, event_id: str, now: datetime) -> None:
    with ports.database.write() as tx:
        event = provider_events.to_take(tx, event_id)
        if event is None:
            return
        weighed = _weighed(tx, event, now)
    for attempt in weighed.attempts:
        wake(ports=ports, attempt=attempt, now=now)
    if event.kind is EventKind.CHANGED and weighed.cause is None:
        key = event.provider_key
        wake_read(ports=ports, customer_id=weighed.customer_id, provider_key=key, now=now, looked=False)
    state = EventState.DONE if weighed.cause is None else EventState.QUARANTINED
    # Only now: an end of the process before this has the event taken once more.
    with ports.database.write() as tx:
        provider_events.settle(tx, event_id, state, now=now, cause=weighed.cause)
        if weighed.cause == DELETED:
            provider_events.forget(tx, event_id)
    if weighed.cause is not None:
        log.warning("event_quarantined", provider=event.provider_key, id=event_id, cause=weighed.cause)


def _weighed(tx: Transaction, event: ProviderEvent, now: datetime) -> _Weighed:
    """Applies what the event says to the devices and to the attempt that it can be about."""
    named = event.pseudonym
    account = provider_accounts.by_pseudonym(tx, event.provider_key, named) if named is not None else None
    if account is None:
        was_deleted = named is not None and tombstones.holds(tx, event.provider_key, named)
        return _Weighed(DELETED if was_deleted else NOBODY)
    customer_id = account.customer_id
    if event.kind is EventKind.CHANGED:
        under_way = (attempt for attempt in link_sessions.open_of(tx, customer_id) if attempt.state in BACK)
        moved = tuple(attempt for attempt in under_way if attempt.provider_key == event.provider_key)
        return _Weighed(customer_id=customer_id, attempts=moved)
    known = devices.known(tx, customer_id, event.provider_key)
    for device in known:
        _tell(tx, device, account, event, now)
    if event.kind is EventKind.DISCONNECTED:
        return _Weighed(customer_id=customer_id)
    are_theirs = _are_theirs(event, known)
    told = _told_attempts(tx, account, event, are_theirs=are_theirs, now=now)
    if not told:
        return _Weighed(None if are_theirs else NO_ATTEMPT, customer_id)
    return _Weighed(customer_id=customer_id, attempts=tuple(attempt for attempt in told if attempt.state in BACK))


def _tell(tx: Transaction, device: Device, account: ProviderAccount, event: ProviderEvent, now: datetime) -> None:
    """Applies the event to a device of its customer, unless it is not about it or something newer is known."""
    told = _told(device, event, now)
    # Events carry whole seconds: what happened within the same second is not older.
    is_old = event.occurred_at < device.observed_at.replace(microsecond=0)
    if told is device or is_old or device.removed_at is not None or device.must_go:
        return
    newest = provider_events.newest_about(
        tx, device.provider_key, account.pseudonym, device.provider_device_id, since=event.occurred_at
    )
    if newest is None or newest.event_id != event.event_id:
        return
    devices.save(tx, told)
    if told.connection is not device.connection:
        note_device(tx, told, told.connection, now=now, actor=account.provider_key)


def _told(device: Device, event: ProviderEvent, now: datetime) -> Device:
    """The device as the event says; the very same where the event does not name it."""
    named = (reading for reading in event.readings if reading.provider_device_id == device.provider_device_id)
    word = next(named, None)
    if device.provider_device_id in event.device_ids:
        word = DeviceReading(device.provider_device_id, device.device_type, Connection.NEEDS_REAUTHENTICATION)
    return device if word is None else replace(device.with_reading(word, now=event.occurred_at), read_at=now)


def _told_attempts(
    tx: Transaction, account: ProviderAccount, event: ProviderEvent, *, are_theirs: bool, now: datetime
) -> tuple[LinkSession, ...]:
    """The attempts that the event can be about. The first keeps its readings as evidence, for when the customer is
    back.

    Where one address serves every return, that of one attempt may have been taken for another's of the same kind, which
    is over by now: then what is told of a device that is not theirs yet is evidence for those that are not over.
    """
    types = {reading.device_type for reading in event.readings}
    recent = link_sessions.recent(tx, account.customer_id, account.provider_key)
    of_type = [attempt for attempt in recent if attempt.device_type in types]
    meant = [attempt for attempt in of_type if event.link_session_id in {None, attempt.id}]
    purposes = {attempt.purpose for attempt in meant}
    alike = [attempt for attempt in of_type if attempt.purpose in purposes and attempt.takes_evidence(now)]
    first = next((attempt for attempt in meant if attempt in alike), None)
    if first is None and not are_theirs:
        first = next((attempt for attempt in alike if attempt.state is not State.HELD), None)
    if first is None:
        return ()
    told = replace(first, confirmed=_merged(first.confirmed, event.readings))
    if told != first:
        link_sessions.move(tx, told, was=first.state)
    return (told, *(attempt for attempt in alike if attempt is not first))


def _merged(before: tuple[DeviceReading, ...], after: tuple[DeviceReading, ...]) -> tuple[DeviceReading, ...]:
    return tuple({reading.provider_device_id: reading for reading in (*before, *after)}.values())


def _are_theirs(event: ProviderEvent, known: tuple[Device, ...]) -> bool:
    """Whether the customer has every device that the event names, or had it when the event happened."""
    had = {
        device.provider_device_id
        for device in known
        if device.removed_at is None or event.occurred_at <= device.removed_at
    }
    return bool(event.readings) and all(reading.provider_device_id in had for reading in event.readings)
