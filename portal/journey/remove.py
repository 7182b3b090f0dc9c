"""Removing a device: at its provider where that can be done, and never in part."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import structlog

from portal.domain.device import Device
from portal.domain.people import Customer, ProviderAccount
from portal.journey.history import note_device
from portal.journey.ports import Ports
from portal.providers.protocol import ProviderError, ReauthenticationRequired, Removal, Traits
from portal.storage import devices, provider_accounts

log = structlog.get_logger(__name__)


class RemovalOutcome(StrEnum):
    """GONE: access has ended at the provider too.

    NOT_OFFERED: it is off our list only. UNAVAILABLE: nothing changed.
    """

    GONE = "gone"
    NOT_OFFERED = "not_offered"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class RemovalPreview:
    """What a customer confirms: the device, and what its provider can do."""

    device: Device
    provider: Traits


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of it."""

    device: Device
    provider: Traits
    outcome: RemovalOutcome


def preview(*, ports: Ports, customer: Customer, device_id: str) -> RemovalPreview | None:
    """The device to be removed; None where the customer has no such device."""
    with ports.database.read() as tx:
        device = devices.get(tx, customer.id, device_id)
    return RemovalPreview(device, ports.traits(device.provider_key)) if device else None


def remove(*, ports: Ports, customer: Customer, device_id: str, now: datetime) -> Removed | None:
    """Ends the access at the provider first, then takes the device off the list; None where there is no such device."""
    with ports.database.read() as tx:
        device = devices.get(tx, customer.id, device_id)
        account = provider_accounts.of(tx, customer.id, device.provider_key) if device else None
    if device is None or account is None:
        return None
    traits = ports.traits(device.provider_key)
    try:
        removal = _removed_there(ports, account, device)
    except ReauthenticationRequired:
        # The access has lapsed already, so there is none to end from here.
        removal = Removal.NOT_OFFERED
    except ProviderError as error:
        log.warning("removal_failed", provider=device.provider_key, device=device.id, cause=str(error))
        return Removed(device, traits, RemovalOutcome.UNAVAILABLE)
    removed = replace(device, removed_at=now, observed_at=now)
    with ports.database.write() as tx:
        devices.save(tx, removed)
        note_device(tx, removed, "removed", now=now, actor="customer")
    outcome = RemovalOutcome.GONE if removal is Removal.GONE else RemovalOutcome.NOT_OFFERED
    return Removed(removed, traits, outcome)


def _removed_there(ports: Ports, account: ProviderAccount, device: Device) -> Removal:
    """What becomes of the device at its provider; one that was switched off is not told."""
    if device.provider_key not in ports.providers:
        return Removal.NOT_OFFERED
    provider = ports.providers.get(device.provider_key)
    return provider.remove_device(account, device.provider_device_id, device.device_type)
