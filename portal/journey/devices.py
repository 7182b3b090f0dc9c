"""The customer's devices: what is known is shown at once, and refreshed behind when it is no longer fresh."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from portal.domain.device import Device, DeviceReading
from portal.domain.link_session import OPEN, LinkSession, Reason
from portal.domain.pace import next_reading
from portal.domain.people import Customer, ProviderAccount
from portal.domain.unfinished import BACK, LOOKED_BACK, renewals, unfinished
from portal.journey.found_elsewhere import take_note
from portal.journey.history import note_device
from portal.journey.link import wake
from portal.journey.ports import Ports
from portal.journey.tasks import Step, Task, Urgency
from portal.journey.waking import put
from portal.providers.protocol import ProviderError
from portal.storage import devices, link_sessions, provider_accounts
from portal.storage import unfinished as attempts_in_sight

log = structlog.get_logger(__name__)

CHANCE = random.Random()  # noqa: S311 - spreads readings out, guards nothing


@dataclass(frozen=True, slots=True)
class Overview:
    """All devices, those that need the customer first, and the attempts that are not finished.

    `refreshing`: newer words are coming. `gone` are devices that left the list without the customer's doing, until they
    put that away. `renewals` are the attempts under way to reconnect a device, by the device's id.
    `of_another_account` are the attempts that brought in a device of another account.
    """

    devices: tuple[Device, ...]
    attempts: tuple[LinkSession, ...]
    refreshing: bool
    gone: tuple[Device, ...] = ()
    renewals: Mapping[str, LinkSession] = field(default_factory=dict)
    of_another_account: tuple[LinkSession, ...] = ()


def _at_once(work: Callable[[], None]) -> None:
    work()


def overview(
    *, ports: Ports, customer: Customer, now: datetime, then: Callable[[Callable[[], None]], None] = _at_once
) -> Overview:
    """What is known now. Never waits for a provider.

    `then` is handed what has newer words fetched: it writes, and may wait for others who write.
    """
    with ports.database.read() as tx:
        seen = devices.in_sight(tx, customer.id)
        attempts = attempts_in_sight.lately(tx, customer.id, since=now - LOOKED_BACK)
    linked = tuple(device for device in seen if device.removed_at is None)
    moving = tuple(attempt for attempt in attempts if attempt.state in OPEN and attempt.may_move(now))
    stale = sorted({device.provider_key for device in linked if _is_stale(ports, device, now)})

    def fetch() -> None:
        for attempt in moving:
            wake(ports=ports, attempt=attempt, now=now)
        for provider_key in stale:
            wake_read(ports=ports, customer_id=customer.id, provider_key=provider_key, now=now)

    if ports.acts and (moving or stale):
        then(fetch)
    shown = (as_shown(ports, device, now) for device in linked)
    return Overview(
        devices=tuple(sorted(shown, key=lambda device: not device.needs_customer)),
        attempts=unfinished(attempts, now=now),
        refreshing=bool(stale) or any(device.removal_asked_at is not None for device in linked),
        gone=tuple(device for device in seen if device.is_removal_news),
        renewals=renewals(attempts, now=now),
        of_another_account=tuple(attempt for attempt in attempts if attempt.reason is Reason.OTHER_ACCOUNT),
    )


def put_away(*, ports: Ports, customer: Customer, device_id: str, now: datetime) -> bool:
    """Its customer has read how the device left the list; False where nothing of the kind is told them."""
    with ports.database.write() as tx:
        return devices.put_away(tx, customer.id, device_id, now=now)


def as_shown(ports: Ports, device: Device, now: datetime) -> Device:
    """The device as judged now, for time passes though nothing is heard. Only for showing: what is heard is stored."""
    return device.as_of(now, reads_devices=ports.traits(device.provider_key).tells_when_asked)


def find(*, ports: Ports, customer: Customer, device_id: str) -> Device | None:
    """One device of this customer."""
    with ports.database.read() as tx:
        return devices.get(tx, customer.id, device_id)


def wake_read(*, ports: Ports, customer_id: str, provider_key: str, now: datetime, looked: bool = True) -> None:
    """Has this customer's devices at a provider read soon, unless that is in the queue already."""
    with ports.database.read() as tx:
        if provider_accounts.is_woken(tx, customer_id, provider_key, now=now):
            return
    with ports.database.write() as tx:
        is_new = provider_accounts.wake(tx, customer_id, provider_key, now=now, looked=looked)
    if is_new:
        urgency = Urgency.SOMEBODY_WAITS if looked else Urgency.SCHEDULED
        put(ports=ports, task=Task(Step.READ, provider_key, (customer_id, provider_key), urgency))


def read(*, ports: Ports, customer_id: str, provider_key: str, now: datetime) -> None:
    """Asks a provider how this customer's devices are. Where it does not answer they stay as they were."""
    with ports.database.write() as tx:
        so_far = provider_accounts.take_up(tx, customer_id, provider_key)
        account = provider_accounts.of(tx, customer_id, provider_key)
        owned = devices.all_of(tx, customer_id)
        # Of what must go nothing more is read: there is no permission for it.
        asked = tuple(d for d in owned if d.provider_key == provider_key and not d.must_go)
    if so_far is None or account is None:
        return
    failures, unread = 0, False
    if asked and provider_key in ports.providers and ports.traits(provider_key).tells_when_asked:
        known = {device.provider_device_id: device.device_type for device in asked}
        try:
            readings = ports.providers.get(provider_key).read_known(account, known)
        except ProviderError as error:
            log.warning("reading_postponed", provider=provider_key, cause=str(error))
            failures = so_far.failures + 1
        else:
            _take_in(ports, account, asked, readings, now)
            unread = any(reading.unread for reading in readings)
    due_at = None
    if asked:
        looked_at = so_far.looked_at or max(device.linked_at for device in asked)
        due_at = next_reading(looked_at=looked_at, failures=failures, now=now, unread=unread, spread=CHANCE.random())
    with ports.database.write() as tx:
        provider_accounts.plan(tx, customer_id, provider_key, due_at=due_at, failures=failures)


def _take_in(
    ports: Ports,
    account: ProviderAccount,
    asked: tuple[Device, ...],
    readings: tuple[DeviceReading, ...],
    now: datetime,
) -> None:
    """Stores what the provider said of the devices that it was asked for."""
    customer_id = account.customer_id
    found = {reading.provider_device_id: reading for reading in readings}
    dropped = _dropped(ports, account, asked, readings)
    with ports.database.write() as tx:
        under_way = link_sessions.open_of(tx, customer_id)
        settling = {attempt.device_id for attempt in under_way if attempt.state in BACK}
        renewing = {attempt.device_id for attempt in under_way}
        for asked_device in asked:
            device = devices.get(tx, customer_id, asked_device.id)
            # Linked again, removed or told otherwise while the provider was being asked: that is newer.
            if device is None or device.must_go or device.observed_at > now:
                continue
            reading = found.get(device.provider_device_id)
            updated = _updated(device, reading, renewing=device.id in renewing, settling=device.id in settling, now=now)
            if device.id in dropped - renewing:
                devices.save(tx, device.replaced(now=now))
                note_device(tx, device, "replaced", now=now, actor=account.provider_key)
                continue
            devices.save(tx, updated)
            if updated.removed_at is not None:
                note_device(tx, updated, "gone_there", now=now, actor=account.provider_key)
            elif updated.connection is not device.connection:
                note_device(tx, updated, updated.connection, now=now)
        if ports.traits(account.provider_key).linked_elsewhere:
            take_note(tx, account, readings, now=now)


def _dropped(
    ports: Ports, account: ProviderAccount, asked: tuple[Device, ...], readings: tuple[DeviceReading, ...]
) -> set[str]:
    """The devices that are not named where one of their type, linked later, is: their provider replaced them by it."""
    named = {reading.provider_device_id for reading in readings if not reading.deleted}
    replacing = ports.traits(account.provider_key).replaces_on_link
    later = [d for d in asked if d.provider_device_id in named and d.device_type in replacing]
    return {
        device.id
        for device in asked
        if device.provider_device_id not in named
        and any(d.device_type is device.device_type and d.linked_at > device.linked_at for d in later)
    }


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
    if device.must_go or device.provider_key not in ports.providers or now - device.read_at < ports.policy.fresh_for:
        return False
    return ports.providers.get(device.provider_key).traits.tells_when_asked
