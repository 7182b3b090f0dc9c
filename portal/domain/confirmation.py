"""The judgement on an attempt: what the customer's return and the provider's own word, together, amount to.

A return URL is a hint and a provider's list is not about this attempt, so neither is enough alone. A device counts when
the provider holds it for this customer *and* the return named it. Devices that a stranger's return named are never the
customer's.
"""

from dataclasses import dataclass

from portal.domain.device import Device, DeviceReading
from portal.domain.link_session import LinkSession, Purpose, Reason, State


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the attempt goes, and the readings that become the customer's devices by it.

    `other` are devices of another vendor account that came back instead of the pinned one; the customer decides on
    them.
    """

    state: State
    reason: Reason | None = None
    linked: tuple[DeviceReading, ...] = ()
    other: tuple[DeviceReading, ...] = ()


STILL_WAITING = Verdict(State.WAITING)


def judge(
    attempt: LinkSession, *, readings: tuple[DeviceReading, ...], known: tuple[Device, ...], held: frozenset[str]
) -> Verdict:
    """The verdict on an attempt whose customer is back.

    `readings` is what the provider says of this customer's devices of the attempt's type, `known` are the customer's
    devices at this provider, removed ones included, `held` are ids that a stranger's return named: they never count,
    except for devices that are the customer's anyway.
    """
    owned = {device.provider_device_id for device in known if device.removed_at is None}
    ours = tuple(reading for reading in readings if reading.provider_device_id not in held - owned)
    named = tuple(reading for reading in ours if reading.provider_device_id in attempt.hints.device_ids)
    if attempt.purpose is Purpose.LINK:
        return Verdict(State.LINKED, linked=named) if named else STILL_WAITING
    pinned = next((device for device in known if device.id == attempt.device_id), None)
    if pinned is None or pinned.removed_at is not None:
        return Verdict(State.FAILED, Reason.NOT_CONFIRMED)
    return judge_renewal(pinned, ours, named)


def judge_renewal(pinned: Device, readings: tuple[DeviceReading, ...], named: tuple[DeviceReading, ...]) -> Verdict:
    """The verdict on a renewal: the same device must be healthy again, or have come back under a new id."""
    same = next((reading for reading in readings if reading.provider_device_id == pinned.provider_device_id), None)
    others = tuple(reading for reading in named if reading.provider_device_id != pinned.provider_device_id)
    if same is not None and same.is_healthy:
        return Verdict(State.LINKED, linked=(same,))
    if same is None and len(others) == 1 and is_same_device(pinned, others[0]):
        return Verdict(State.LINKED, linked=others)
    if others:
        return Verdict(State.FAILED, Reason.OTHER_ACCOUNT, other=others)
    return STILL_WAITING


def is_same_device(device: Device, reading: DeviceReading) -> bool:
    """Whether a reading under another id can be the same device: nothing that both sides know contradicts it."""
    if device.device_type is not reading.device_type:
        return False
    pairs = ((device.vendor_name, reading.vendor_name), (device.model, reading.model))
    return all(ours is None or theirs is None or ours.casefold() == theirs.casefold() for ours, theirs in pairs)
