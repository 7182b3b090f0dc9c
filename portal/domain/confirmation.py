"""The judgement on an attempt: what the customer's return and the provider's own word, together, amount to.

A return URL is a hint and a provider's list is not about this attempt, so neither is enough alone. A device counts when
the provider holds it for this customer *and* the return named it. Devices that a stranger's return named are never the
customer's.
"""

from dataclasses import dataclass

from portal.domain.device import Connection, Device, DeviceReading
from portal.domain.link_session import LinkSession, Purpose, Reason, State
from portal.domain.resemblance import Resemblance, is_marked_alike, resemblance


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the attempt goes, and the readings that become the customer's devices by it.

    `other` are devices that came back and are not known to be the pinned one: those of another vendor account, or
    those that may be the pinned one under a new id. The customer decides on them.
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
    return judge_renewal(pinned, ours, named, known)


def judge_renewal(
    pinned: Device, readings: tuple[DeviceReading, ...], named: tuple[DeviceReading, ...], known: tuple[Device, ...]
) -> Verdict:
    """The verdict on a renewal: the pinned device is healthy again, came back under a new id, or is another one.

    Where nothing tells whether what came back is the pinned device, the customer is asked.
    """
    same = next((reading for reading in readings if reading.provider_device_id == pinned.provider_device_id), None)
    others = tuple(reading for reading in named if reading.provider_device_id != pinned.provider_device_id)
    if same is not None and _is_renewed(same, others):
        return Verdict(State.LINKED, linked=(same,))
    if not others:
        return STILL_WAITING
    found = [(reading, resemblance(pinned, reading, known=known)) for reading in others]
    again = tuple(reading for reading, how in found if how is Resemblance.SAME)
    if len(again) == 1 and (same is None or is_marked_alike(pinned, again[0])):
        return Verdict(State.LINKED, linked=again)
    possible = tuple(reading for reading, how in found if how is not Resemblance.ANOTHER)
    if possible and same is None:
        return Verdict(State.FAILED, Reason.WHICH_DEVICE, other=possible)
    return Verdict(State.FAILED, Reason.OTHER_ACCOUNT, other=others)


def _is_renewed(same: DeviceReading, others: tuple[DeviceReading, ...]) -> bool:
    """Whether the pinned device counts as healthy. No word of its health is enough only where nothing else came."""
    return same.is_healthy and (same.connection is not Connection.UNKNOWN or not others)
