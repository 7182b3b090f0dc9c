"""What became of a customer's devices: linked, lapsed, healed, reconnected, removed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from portal.domain.device import Device
from portal.domain.health import Cause, Connection
from portal.storage.audit import AuditEntry
from portal.storage.device_history import HealthChange


class DeviceEvent(StrEnum):
    """What happened to a device. The first ones are words of the record, the last ones are found by comparing."""

    LINKED = "linked"
    REMOVAL_ASKED = "removal_asked"
    REMOVAL_FAILED = "removal_failed"
    REMOVAL_UNKNOWN = "removal_unknown"
    REMOVED = "removed"
    GONE_THERE = "gone_there"
    FOUND_THERE = "found_there"
    REPLACED = "replaced"
    CHECK_ASKED = "check_asked"
    INVITED = "invited"
    RECONNECTED = "reconnected"
    LAPSED = "lapsed"
    HEALED = "healed"
    CHANGED = "changed"


ENDS = frozenset({DeviceEvent.REMOVED, DeviceEvent.GONE_THERE, DeviceEvent.REPLACED})

ILL = frozenset({Connection.NEEDS_REAUTHENTICATION, Connection.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """Something that happened to a device. `cause`: why it is from then on as it is, where that changed."""

    at: datetime
    device: Device
    provider_name: str
    event: DeviceEvent
    cause: Cause | None = None


def device_entries(
    lines: Sequence[AuditEntry],
    health: Sequence[tuple[str, HealthChange]],
    owned: Mapping[str, Device],
    provider_names: Mapping[str, str],
) -> tuple[DeviceEntry, ...]:
    """The record's lines and the changes of health as one story, newest first; both are given newest first."""
    told = list(_from_record(lines, owned, provider_names))
    at_once = {(entry.device.id, entry.at): place for place, entry in enumerate(told)}
    changes: list[DeviceEntry] = []
    for entry in _from_health(health, owned, provider_names):
        place = at_once.get((entry.device.id, entry.at))
        if place is None:
            changes.append(entry)
        else:
            told[place] = replace(told[place], cause=entry.cause)
    return tuple(sorted((*reversed(told), *reversed(changes)), key=lambda entry: entry.at, reverse=True))


def _from_record(
    lines: Sequence[AuditEntry], owned: Mapping[str, Device], provider_names: Mapping[str, str]
) -> Iterator[DeviceEntry]:
    """Oldest first. How well a device is, its history knows better."""
    linked: dict[str, bool] = {}
    for line in reversed(lines):
        device, word = owned.get(line.object_id or ""), line.action.removeprefix("device.")
        if line.object_type != "device" or device is None or word not in set(DeviceEvent):
            continue
        event = DeviceEvent(word)
        if event is DeviceEvent.LINKED:
            # Lines from before those that were read are known by the time since which the device is linked.
            was_linked = linked.get(device.id, line.at > device.linked_at)
            event = DeviceEvent.RECONNECTED if was_linked else event
            linked[device.id] = True
        elif event in ENDS:
            linked[device.id] = False
        yield DeviceEntry(line.at, device, provider_names[device.provider_key], event)


def _from_health(
    health: Sequence[tuple[str, HealthChange]], owned: Mapping[str, Device], provider_names: Mapping[str, str]
) -> Iterator[DeviceEntry]:
    """Oldest first."""
    before: dict[str, Connection] = {}
    for device_id, change in reversed(health):
        device = owned.get(device_id)
        if device is not None:
            event = _event(change, before.get(device_id))
            yield DeviceEntry(change.at, device, provider_names[device.provider_key], event, change.cause)
        before[device_id] = change.connection


def _event(change: HealthChange, before: Connection | None) -> DeviceEvent:
    if change.connection is Connection.NEEDS_REAUTHENTICATION:
        return DeviceEvent.LAPSED
    if change.connection is Connection.WORKING and before in ILL:
        return DeviceEvent.HEALED
    return DeviceEvent.CHANGED
