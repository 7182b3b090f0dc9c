"""All that happened to one customer, for those who help them: read from what is on record, and nothing secret in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Protocol

from portal.domain.catalogue import DeviceType, RouteReason, Vendor
from portal.domain.device import Device
from portal.domain.link_session import LinkSession, Purpose, Reason, State
from portal.domain.people import Consent, Customer
from portal.journey.device_timeline import DeviceEntry, device_entries
from portal.journey.ports import Ports
from portal.storage import audit, consents, device_history, devices, link_sessions, vendor_requests
from portal.storage.audit import AuditEntry

LINES_AN_ENTRY = 10
"""An attempt leaves about six lines."""

OPENED = "opened"
"""What the record calls an attempt that was created."""


class Timed(Protocol):
    """Something that happened at a moment."""

    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One move of an attempt, or something else that is on record of it. `times`: how often in a row."""

    at: datetime
    action: str
    reason: Reason | None
    times: int = 1


@dataclass(frozen=True, slots=True)
class AttemptEntry:
    """One attempt: what was chosen, where it was sent and why, and its moves, the first one first.

    `at` is when it last moved. `provider_reference` is what the provider's own support finds it by.
    """

    at: datetime
    id: str
    purpose: Purpose
    device_type: DeviceType
    vendor: Vendor
    provider_name: str
    route_reason: RouteReason
    language: str
    state: State
    reason: Reason | None
    provider_reference: str | None
    steps: tuple[Step, ...]
    consent: Consent | None
    device_id: str | None
    reference: str


@dataclass(frozen=True, slots=True)
class RecordEntry:
    """One line of the record that is about neither an attempt nor a device, such as a sign-in.

    `words` are the customer's own: the manufacturer that was missing.
    """

    at: datetime
    action: str
    device_type: DeviceType | None = None
    words: str | None = None


Entry = AttemptEntry | DeviceEntry | RecordEntry


@dataclass(frozen=True, slots=True)
class About:
    """What a timeline is narrowed down to: one device with the attempts that brought it, or one attempt."""

    device_id: str | None = None
    attempt_id: str | None = None

    def covers(self, entry: Entry) -> bool:
        """Whether an entry belongs there; everything does where nothing is named."""
        if self.attempt_id is not None:
            return isinstance(entry, AttemptEntry) and entry.id == self.attempt_id
        if self.device_id is None:
            return True
        if isinstance(entry, AttemptEntry):
            return entry.device_id == self.device_id
        return isinstance(entry, DeviceEntry) and entry.device.id == self.device_id


EVERYTHING = About()


@dataclass(frozen=True, slots=True)
class Timeline:
    """The entries, newest first. `is_cut`: there are older ones. `devices` are those it can be narrowed down to."""

    entries: tuple[Entry, ...]
    is_cut: bool
    devices: tuple[Device, ...] = ()


def timeline(*, ports: Ports, customer: Customer, limit: int, about: About = EVERYTHING) -> Timeline:
    """The customer's latest `limit` entries. It only reads, and asks no provider."""
    bound = limit * LINES_AN_ENTRY
    with ports.database.read() as tx:
        lines = audit.of_customer(tx, customer.id, bound)
        attempts = link_sessions.latest(tx, customer.id, limit + 1)
        given = {consent.link_session_id: consent for consent in consents.latest(tx, customer.id, limit + 1)}
        health = device_history.of_customer(tx, customer.id, bound)
        owned = {device.id: device for device in devices.ever(tx, customer.id, bound)}
        missed = {
            (at, str(device_type)): text for at, device_type, text in vendor_requests.of_customer(tx, customer.id)
        }
    moves = _by_attempt(lines)
    entries: list[Entry] = [
        *(_attempt_entry(ports, attempt, moves.get(attempt.id, ()), given.get(attempt.id)) for attempt in attempts),
        *device_entries(lines, health, owned, _provider_names(ports, owned.values())),
        *(_record_entry(line, missed) for line in lines if line.object_type not in {"link_session", "device"}),
    ]
    reach = max(_reach(lines, bound), _reach([change for _, change in health], bound))
    wanted = [entry for entry in entries if about.covers(entry)]
    known = sorted((entry for entry in wanted if entry.at >= reach), key=lambda entry: entry.at, reverse=True)
    is_cut = len(known) > limit or len(known) < len(wanted)
    return Timeline(tuple(known[:limit]), is_cut, tuple(owned.values()))


def _reach(read: Sequence[Timed], bound: int) -> datetime:
    """How far back something was read; before that an entry would stand alone where others are missing."""
    return read[-1].at if len(read) == bound else datetime.min.replace(tzinfo=UTC)


def _by_attempt(lines: Iterable[AuditEntry]) -> Mapping[str, tuple[AuditEntry, ...]]:
    """The lines of each attempt, the newest first."""
    moves: dict[str, tuple[AuditEntry, ...]] = {}
    for line in lines:
        if line.object_type == "link_session" and line.object_id is not None:
            moves[line.object_id] = (*moves.get(line.object_id, ()), line)
    return moves


def _attempt_entry(
    ports: Ports, attempt: LinkSession, lines: tuple[AuditEntry, ...], consent: Consent | None
) -> AttemptEntry:
    steps = _steps(attempt, lines)
    return AttemptEntry(
        at=steps[-1].at,
        id=attempt.id,
        purpose=attempt.purpose,
        device_type=attempt.device_type,
        vendor=ports.catalogue.vendor(attempt.vendor_key),
        provider_name=ports.traits(attempt.provider_key).name,
        route_reason=attempt.route_reason,
        language=attempt.language,
        state=attempt.state,
        reason=attempt.reason,
        provider_reference=attempt.provider_reference,
        steps=steps,
        consent=consent,
        device_id=attempt.device_id,
        reference=attempt.reference,
    )


def _steps(attempt: LinkSession, lines: tuple[AuditEntry, ...]) -> tuple[Step, ...]:
    """The moves on record. Where the record does not say how it began or how it stands, the attempt itself does."""
    steps = [_step(line) for line in reversed(lines)]
    if not any(step.action == OPENED for step in steps):
        steps.insert(0, Step(attempt.created_at, OPENED, None))
    moves = [step.action for step in steps if step.action in set(State)]
    if attempt.state is not State.CREATED and not _is_told(attempt, moves, steps):
        steps.append(Step(_last_moved(attempt), attempt.state, attempt.reason))
    return tuple(_in_a_row(sorted(steps, key=lambda step: step.at)))


def _is_told(attempt: LinkSession, moves: list[str], steps: list[Step]) -> bool:
    """Whether the record names the state in which the attempt is."""
    was_refused = attempt.state is State.CANCELLED and any(step.action == "refused_by_receiver" for step in steps)
    return was_refused or moves[-1:] == [attempt.state]


def _last_moved(attempt: LinkSession) -> datetime:
    return attempt.ended_at or attempt.arrived_at or attempt.departed_at or attempt.created_at


def _step(line: AuditEntry) -> Step:
    reason = line.details.get("reason")
    return Step(line.at, line.action.removeprefix("link_session."), Reason(str(reason)) if reason else None)


def _in_a_row(steps: list[Step]) -> Iterable[Step]:
    """The steps with those that only repeat the one before taken together, as of the first."""
    for (action, reason), alike in groupby(steps, key=lambda step: (step.action, step.reason)):
        same = list(alike)
        yield Step(same[0].at, action, reason, len(same))


def _record_entry(line: AuditEntry, missed: Mapping[tuple[datetime, str], str]) -> RecordEntry:
    is_type = line.object_type == "device_type" and line.object_id in set(DeviceType)
    device_type = DeviceType(str(line.object_id)) if is_type else None
    return RecordEntry(line.at, line.action, device_type, missed.get((line.at, str(line.object_id))))


def _provider_names(ports: Ports, owned: Iterable[Device]) -> Mapping[str, str]:
    return {key: ports.traits(key).name for key in {device.provider_key for device in owned}}
