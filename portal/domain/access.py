"""What support saw and did: events in one chain, in which each carries the hash of the one before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

VERSION = 1
"""How an event becomes the bytes that are hashed. Another way needs another number, and the old one stays readable."""

NO_HASH = "0" * 64

SIGN_IN, SIGN_OUT = "sign_in", "sign_out"
"""What is on record beside the requests: that somebody came in or did not, and that they left."""

MANY_CUSTOMERS = "many_customers"
"""An alarm: somebody looked at more customers in a shift than is usual."""

NOBODY, NO_ROLE = "nobody", "none"
"""Stand for who came and was let in as nobody."""

Record = Mapping[str, Any]
"""An event as it is hashed and exported: numbers, texts and None, by the names of the fields."""


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """One request, sign-in or alarm of a member of staff, and what came of it. Ids only: no name, nothing shown."""

    number: int
    at: datetime
    actor: str
    actor_role: str
    customer_id: str | None
    grant_id: str | None
    reason: str | None
    ticket: str | None
    action: str
    object_type: str | None
    object_id: str | None
    outcome: str
    request_reference: str
    previous_hash: str
    hash: str
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class AccessFilter:
    """What an auditor looks for. `since` is included and `until` is not; the outcome "403" finds "403 view_only".

    `actions` are any of these; none stand for all. `customers` are the words by which support finds customers, all that
    they find, or the id of one, who may be gone.
    """

    customer_id: str | None = None
    customers: str | None = None
    actor: str | None = None
    grant_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    outcome: str | None = None
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain reaches. Who keeps it elsewhere can prove later that nothing up to there was changed."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


START = Head(0, NO_HASH)


class FaultKind(StrEnum):
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    MISSING = "missing"
    MISPLACED = "misplaced"
    UNCHAINED = "unchained"
    HEAD_GONE = "head_gone"
    HEAD_BEHIND = "head_behind"
    HEAD_DIFFERS = "head_differs"
    KEPT_DIFFERS = "kept_differs"
    KEPT_NOT_REACHED = "kept_not_reached"


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a chain is broken. For what is missing the number is that of the first event that should be there."""

    number: int
    kind: FaultKind


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far the chain was followed, from after `start` to `head`, and its first fault; None where it is whole."""

    start: Head
    head: Head
    fault: Fault | None = None


class UnreadableEventError(Exception):
    """What stands where an event should be cannot be read as one."""


def as_record(event: AccessEvent) -> dict[str, Any]:
    """The event's fields, with the time as text: in UTC, always with six decimals."""
    if event.at.utcoffset() is None:
        raise ValueError("a moment needs a time zone")
    return asdict(event) | {"at": event.at.astimezone(UTC).isoformat(timespec="microseconds")}


def digest(record: Record) -> str:
    """The SHA-256 of all fields but the hash itself, as JSON with sorted keys, without spaces, in ASCII."""
    hashed = {name: value for name, value in record.items() if name != "hash"}
    # Only somebody who writes past the portal can bring in what JSON does not know: that counts as changed.
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def sealed(event: AccessEvent) -> AccessEvent:
    """The event with its own hash."""
    return replace(event, hash=digest(as_record(event)))


def follow(records: Iterable[Record], *, start: Head | None = None, kept: tuple[Head, ...] = ()) -> Verdict:
    """Follows the chain to its end or its first fault, holding one record at a time.

    Without `start` the first record says after what it comes, as in an export of some days. `kept` are heads that were
    written down elsewhere: the chain must pass through each of them.
    """
    begin = last = start
    try:
        for record in records:
            if begin is None or last is None:
                begin = last = _before(record)
            if kind := _wrong(record, last, kept):
                number = last.number + 1 if kind is FaultKind.MISSING else record["number"]
                return Verdict(begin, last, Fault(number, kind))
            last = Head(record["number"], record["hash"])
    except UnreadableEventError:
        here = last or START
        return Verdict(begin or START, here, Fault(here.number + 1, FaultKind.UNREADABLE))
    begin, last = begin or START, last or START
    return Verdict(begin, last, _missed(begin, last, kept))


def compare(head: Head | None, verdict: Verdict) -> Fault | None:
    """What is wrong between the head that is stored beside a chain and the end that was found."""
    followed = verdict.head
    if head is not None and followed == verdict.start != START and head.number <= followed.number:
        # Nothing follows a head that was given from outside: then it is that one which is trusted, not the stored one.
        gone = head.number < followed.number
        kind = FaultKind.KEPT_NOT_REACHED if gone else FaultKind.KEPT_DIFFERS
        return None if head == followed else Fault(followed.number, kind)
    if head is None:
        return Fault(followed.number, FaultKind.HEAD_GONE)
    if head.number > followed.number:
        return Fault(followed.number + 1, FaultKind.MISSING)
    if head.number < followed.number:
        return Fault(head.number + 1, FaultKind.HEAD_BEHIND)
    return None if head == followed else Fault(head.number, FaultKind.HEAD_DIFFERS)


def _before(record: Record) -> Head:
    return START if record["number"] == START.number + 1 else Head(record["number"] - 1, record["previous_hash"])


def _wrong(record: Record, last: Head, kept: tuple[Head, ...]) -> FaultKind | None:
    number = record["number"]
    if number != last.number + 1:
        return FaultKind.MISSING if number > last.number else FaultKind.MISPLACED
    if record["version"] != VERSION:
        return FaultKind.UNREADABLE
    if record["hash"] != digest(record):
        return FaultKind.CHANGED
    if record["previous_hash"] != last.hash:
        return FaultKind.UNCHAINED
    if any(head.number == number and head.hash != record["hash"] for head in kept):
        return FaultKind.KEPT_DIFFERS
    return None


def _missed(begin: Head, last: Head, kept: tuple[Head, ...]) -> Fault | None:
    """A kept head before the beginning or after the end; the one right before the beginning is known as well."""
    for head in sorted(kept, key=lambda each: each.number):
        if not begin.number <= head.number <= last.number:
            return Fault(head.number, FaultKind.KEPT_NOT_REACHED)
        if head.number == begin.number and head.hash != begin.hash:
            return Fault(head.number, FaultKind.KEPT_DIFFERS)
    return None
