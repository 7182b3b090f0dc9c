"""Whether a device that a provider names is one that the customer had before, under another id.

A provider may give a device a new id when it is linked again, and another vendor account may hold a device of the same
model. Only what tells one device from the next decides; where nothing does, the customer is asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from portal.domain.catalogue import folded
from portal.domain.device import Device, DeviceReading
from portal.domain.health import Cause, Connection


class Resemblance(StrEnum):
    """How a reading compares with a device. UNKNOWN: it may be the same one, and nothing tells."""

    SAME = "same"
    ANOTHER = "another"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Counterpart:
    """What the customer's list holds of a device that was linked: the `same` one, or those it `may_be`."""

    same: Device | None = None
    may_be: tuple[Device, ...] = ()


def resemblance(device: Device, reading: DeviceReading, *, known: tuple[Device, ...]) -> Resemblance:
    """Whether the reading is this device. `known` are the customer's devices at the provider."""
    if device.device_type is not reading.device_type:
        return Resemblance.ANOTHER
    if device.provider_device_id == reading.provider_device_id:
        return Resemblance.SAME
    if any(other.is_active_as(reading) for other in known if other.id != device.id):
        return Resemblance.ANOTHER
    if device.mark is not None and reading.mark is not None:
        return Resemblance.SAME if device.mark == reading.mark else Resemblance.ANOTHER
    pairs = (
        (device.nickname, reading.nickname),
        (device.model, reading.model),
        (device.vendor_name, reading.vendor_name),
    )
    if any(ours and theirs and folded(ours) != folded(theirs) for ours, theirs in pairs):
        return Resemblance.ANOTHER
    is_named_alike = bool(device.model and reading.model and reading.nickname) and _has_own_name(device)
    twins = (d for d in known if d.id != device.id and d.removed_at is None and _are_named_alike(d, device))
    return Resemblance.SAME if is_named_alike and not any(twins) else Resemblance.UNKNOWN


def is_marked_alike(device: Device, reading: DeviceReading) -> bool:
    """Whether both carry the mark of one and the same device."""
    return device.mark is not None and device.mark == reading.mark


def counterpart(reading: DeviceReading, known: tuple[Device, ...], *, reads_devices: bool) -> Counterpart:
    """What the customer's list holds of a device that was linked as a new one.

    A device that works is another one, unless both carry the same mark; where a provider cannot be asked
    (`reads_devices`) nothing proves that it works, so one that looks the same is asked about.
    """
    others = [device for device in known if device.removed_at is None and not device.is_active_as(reading)]
    alike = [
        (device, how)
        for device in others
        if device.removal_asked_at is None
        and not device.must_go
        and (how := resemblance(device, reading, known=known)) is not Resemblance.ANOTHER
    ]
    marked = [device for device, _ in alike if is_marked_alike(device, reading)]
    lost = [(device, how) for device, how in alike if is_lost(device)]
    same = marked or [device for device, how in lost if how is Resemblance.SAME]
    if len(same) == 1:
        return Counterpart(same=same[0])
    twins = [device for device, how in alike if how is Resemblance.SAME and not reads_devices]
    possible = {device.id: device for device in (*(device for device, _ in lost), *twins)}
    return Counterpart(may_be=tuple(possible.values()))


def is_lost(device: Device) -> bool:
    """Whether the access to a device has lapsed, or its provider no longer names it."""
    return device.connection is Connection.NEEDS_REAUTHENTICATION or device.cause in {Cause.NOT_NAMED, Cause.RENEWING}


def replaced(devices: Iterable[Device], linked: tuple[Device, ...], named: frozenset[str]) -> tuple[Device, ...]:
    """The devices that a provider dropped for those that were `linked`, where linking one replaces the others.

    `named` are the ids that the provider's list holds.
    """
    kept = {device.id for device in linked}
    types = {device.device_type for device in linked}
    return tuple(
        device
        for device in devices
        if device.removed_at is None
        and device.device_type in types
        and device.id not in kept
        and device.provider_device_id not in named
    )


def _are_named_alike(one: Device, other: Device) -> bool:
    names = ((one.nickname, other.nickname), (one.model, other.model))
    return one.device_type is other.device_type and all(a and b and folded(a) == folded(b) for a, b in names)


def _has_own_name(device: Device) -> bool:
    """Whether its nickname is more than the model once more: that names every device of the model alike."""
    name, model = folded(device.nickname or ""), folded(device.model or "")
    return bool(name) and name not in {model, folded(device.vendor_name) + model}
