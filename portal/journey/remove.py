"""Removing a device: at its provider where that can be done, and never in part."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from portal.domain.device import Device
from portal.domain.people import Customer, ProviderAccount
from portal.journey.history import note_device
from portal.journey.ports import Ports
from portal.journey.tasks import Step, Task
from portal.journey.waking import put
from portal.journey.watch import watch
from portal.providers.protocol import (
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    ReauthenticationRequired,
    Removal,
    Traits,
)
from portal.storage import devices, provider_accounts, removals
from portal.storage.database import Transaction

log = structlog.get_logger(__name__)


TRIED_FOR = timedelta(days=1)
"""How long a removal of which nobody knows is tried again, about each minute."""

INSISTED_FOR = timedelta(days=3)
"""The same for a device that must go; then it leaves its customer's list, whatever is there at the provider."""


class RemovalOutcome(StrEnum):
    """GONE: access has ended at the provider too. NOT_OFFERED: it is off our list only.

    UNAVAILABLE: nothing changed. UNDER_WAY: the provider has not been heard yet. UNKNOWN: its answer was lost.
    """

    GONE = "gone"
    NOT_OFFERED = "not_offered"
    UNAVAILABLE = "unavailable"
    UNDER_WAY = "under_way"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RemovalPreview:
    """What a customer confirms: the device, all that they have, and what its provider can do."""

    device: Device
    provider: Traits
    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of it. `devices` are those that the customer had until then."""

    device: Device
    provider: Traits
    outcome: RemovalOutcome
    devices: tuple[Device, ...]


def preview(*, ports: Ports, customer: Customer, device_id: str) -> RemovalPreview | None:
    """The device to be removed; None where the customer has no such device."""
    with ports.database.read() as tx:
        owned = devices.all_of(tx, customer.id)
    device = next((one for one in owned if one.id == device_id), None)
    return RemovalPreview(device, ports.traits(device.provider_key), owned) if device else None


def remove(*, ports: Ports, customer: Customer, device_id: str, patience: float, now: datetime) -> Removed | None:
    """Has the access ended at the provider and the device taken off the list; None where there is no such device.

    Answers when that is done, or after `patience` seconds.
    """
    with ports.database.write() as tx:
        owned = devices.all_of(tx, customer.id)
        device = next((one for one in owned if one.id == device_id), None)
        if device is None:
            return None
        device, tasks = ask(tx, ports=ports, device=device, now=now)
    for task in tasks:
        put(ports=ports, task=task)
    if device.removed_at is None:
        device = _watched(ports, device, patience)
    return Removed(device, ports.traits(device.provider_key), _outcome(device), owned)


def ask(
    tx: Transaction, *, ports: Ports, device: Device, now: datetime, must_go: bool = False
) -> tuple[Device, tuple[Task, ...]]:
    """The device as it is being removed, and what is to be put in the queue for that once the transaction is over.

    Where its provider cannot end the access it is off the list at once. `must_go`: it leaves the list in any case.
    """
    device = replace(device, must_go=device.must_go or must_go)
    if not ports.traits(device.provider_key).removes_devices:
        return _off_the_list(tx, device, Removal.NOT_OFFERED, now), ()
    if device.removal_asked_at is None:
        device = replace(device, removal_asked_at=now, removal_failed_at=None)
        note_device(tx, device, "removal_asked", now=now, actor="customer")
    devices.save(tx, device)
    is_new = removals.wake(tx, device.customer_id, device.id, now=now)
    ids = (device.customer_id, device.id)
    return device, (Task(Step.REMOVE, device.provider_key, ids),) if is_new else ()


def take_off(*, ports: Ports, customer_id: str, device_id: str, now: datetime) -> None:
    """Ends the access at the provider first, then takes the device off the list; neither where the provider fails.

    Where its answer was lost nobody knows: that is tried again until the provider says how it is.
    """
    with ports.database.write() as tx:
        removals.take_up(tx, customer_id, device_id)
        device = devices.get(tx, customer_id, device_id)
        account = provider_accounts.of(tx, customer_id, device.provider_key) if device else None
    if device is None or account is None or device.removal_asked_at is None:
        return
    try:
        removal = _removed_there(ports, account, device)
    except ReauthenticationRequired:
        # The access has lapsed already, so there is none to end from here.
        removal = Removal.NOT_OFFERED
    except ProviderError as error:
        _not_removed(ports, device, error, now)
        return
    with ports.database.write() as tx:
        current = devices.get(tx, customer_id, device_id)
        if current is not None:
            _off_the_list(tx, current, removal, now)


def _not_removed(ports: Ports, device: Device, error: ProviderError, now: datetime) -> None:
    """Keeps the device, and in mind whether it may be gone there all the same."""
    may_be_gone = isinstance(error, OutcomeUnknown) or (device.may_be_gone and isinstance(error, ProviderUnavailable))
    action = "removal_unknown" if may_be_gone else "removal_failed"
    log.warning(action, provider=device.provider_key, device=device.id, cause=str(error))
    with ports.database.write() as tx:
        kept = devices.get(tx, device.customer_id, device.id)
        asked_at = kept.removal_asked_at if kept is not None else None
        if kept is None or asked_at is None:
            return
        if kept.must_go and now - asked_at > INSISTED_FOR:
            _off_the_list(tx, kept, Removal.NOT_OFFERED, now)
            return
        if kept.must_go:
            kept = replace(kept, removal_failed_at=now)
        elif not may_be_gone:
            kept = replace(kept, removal_asked_at=None, removal_failed_at=now)
        elif now - asked_at <= TRIED_FOR:
            kept = replace(kept, removal_failed_at=now)
        else:
            # How it is now, whoever is asked about the device says; of this removal nothing is certain.
            kept = replace(kept, removal_asked_at=None, removal_failed_at=None)
        devices.save(tx, kept)
        if not device.may_be_gone or not (may_be_gone or kept.must_go):
            note_device(tx, kept, action, now=now)


def _off_the_list(tx: Transaction, device: Device, removal: Removal, now: datetime) -> Device:
    """Takes the device off the list, and keeps in mind where its access may still be there."""
    failed_at = None if removal is Removal.GONE else now
    gone = replace(device, removed_at=now, observed_at=now, removal_asked_at=None, removal_failed_at=failed_at)
    devices.save(tx, gone)
    note_device(tx, gone, "removed", now=now, actor="customer")
    return gone


def _watched(ports: Ports, asked: Device, patience: float) -> Device:
    """The device once its removal has ended, or as it stands when patience is over."""

    def ended() -> Device | None:
        with ports.database.read() as tx:
            known = devices.known(tx, asked.customer_id, asked.provider_key)
        device = next(device for device in known if device.id == asked.id)
        is_over = device.removed_at is not None or device.removal_asked_at is None
        return device if is_over or device.may_be_gone else None

    return watch(ended, patience=patience) or asked


def _outcome(device: Device) -> RemovalOutcome:
    if device.removed_at is not None:
        return RemovalOutcome.GONE if device.removal_failed_at is None else RemovalOutcome.NOT_OFFERED
    if device.may_be_gone:
        return RemovalOutcome.UNKNOWN
    return RemovalOutcome.UNDER_WAY if device.removal_asked_at is not None else RemovalOutcome.UNAVAILABLE


def _removed_there(ports: Ports, account: ProviderAccount, device: Device) -> Removal:
    """What becomes of the device at its provider; one that was switched off is not told."""
    if device.provider_key not in ports.providers:
        return Removal.NOT_OFFERED
    provider = ports.providers.get(device.provider_key)
    return provider.remove_device(account, device.provider_device_id, device.device_type)
