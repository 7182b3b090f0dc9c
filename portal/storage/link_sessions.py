"""Attempts to link or to reconnect a device, moved by compare-and-set."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, bindparam, func, or_, select, update

from portal.domain.catalogue import DeviceType, RouteReason
from portal.domain.link_session import OPEN, LinkSession, Purpose, Reason, State
from portal.domain.waiting import Line, taken_in_hand
from portal.storage import tables, wakes
from portal.storage.columns import spelt_out
from portal.storage.database import Transaction
from portal.storage.evidence import hints_from_json, hints_to_json, reading_from_json, reading_to_json
from portal.storage.sealing import hashed
from portal.storage.wakes import asleep

_attempts = tables.link_sessions

RECENT = 50
"""How many attempts back an answer without a name is looked for."""


def _mine(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(_attempts)
        .where(_attempts.c.customer_id == bindparam("customer_id"), *conditions)
        .order_by(_attempts.c.created_at.desc(), _attempts.c.id)
    )


# Built once: these are asked on nearly every page.
_ONE = _mine(_attempts.c.id == bindparam("attempt_id"))
_OPEN = _mine(_attempts.c.state.in_([spelt_out(state) for state in sorted(OPEN)]))
_OF_CLICK = _mine(_attempts.c.click == bindparam("click"))
_RECENT = _mine(_attempts.c.provider_key == bindparam("provider_key")).limit(RECENT)
_LATEST = _mine().limit(bindparam("limit"))
_HELD = _mine(
    _attempts.c.provider_key == bindparam("provider_key"),
    _attempts.c.state == State.HELD,
    _attempts.c.reason == Reason.ANOTHER_PERSON,
    _attempts.c.ended_at >= bindparam("since"),
)
_LINE = select(
    func.count().filter(_attempts.c.created_at < bindparam("created_at")),
    func.min(_attempts.c.claimed_until).filter(_attempts.c.tries == 0, _attempts.c.claimed_until > bindparam("now")),
).where(_attempts.c.state == State.CREATED, _attempts.c.provider_key == bindparam("provider_key"))


class Duplicate(Exception):
    """The same click has opened an attempt already."""


def insert(tx: Transaction, attempt: LinkSession, *, click: str | None) -> None:
    """Stores a new attempt. Raises Duplicate where the customer's same `click` has one; the transaction lives on."""
    tx.in_turn(attempt.customer_id)
    new = {**_fixed(attempt), **_mutable(tx, attempt), "click": click}
    if tx.connection.execute(tx.kept(_unless_there), new).one_or_none() is None:
        raise Duplicate


def _unless_there(tx: Transaction) -> Executable:
    unless_there = tx.insert(_attempts).on_conflict_do_nothing(index_elements=["customer_id", "click"])
    return unless_there.returning(_attempts.c.id)


def get(tx: Transaction, customer_id: str, link_session_id: str) -> LinkSession | None:
    return next(iter(_own(tx, _ONE, customer_id, attempt_id=link_session_id)), None)


def of_click(tx: Transaction, customer_id: str, click: str) -> LinkSession | None:
    """The attempt that this click opened, unless it was forgotten."""
    return next(iter(_own(tx, _OF_CLICK, customer_id, click=click)), None)


def forget_click(tx: Transaction, customer_id: str, click: str) -> None:
    """Lets the same click open another attempt."""
    tx.in_turn(customer_id)
    clicked = update(_attempts).where(_attempts.c.customer_id == customer_id, _attempts.c.click == click)
    tx.connection.execute(clicked.values(click=None))


def by_arrival_secret(tx: Transaction, provider_key: str, secret: str) -> LinkSession | None:
    """The attempt of a return. The one read without an owner: the secret is all we have then, and enough."""
    found = select(_attempts.c.id, _attempts.c.customer_id).where(
        _attempts.c.provider_key == provider_key, _attempts.c.arrival_hash == hashed(secret)
    )
    row = tx.connection.execute(found).one_or_none()
    return get(tx, row.customer_id, row.id) if row else None


def of_return(tx: Transaction, link_session_id: str) -> LinkSession | None:
    """The attempt that a stored return is to, whoever its customer is: nobody is signed in where it waits."""
    owner = tx.connection.scalars(
        select(_attempts.c.customer_id).where(_attempts.c.id == link_session_id)
    ).one_or_none()
    return get(tx, owner, link_session_id) if owner is not None else None


def recent(tx: Transaction, customer_id: str, provider_key: str) -> tuple[LinkSession, ...]:
    """The customer's latest attempts at this provider, however they stand, newest first."""
    return _own(tx, _RECENT, customer_id, provider_key=provider_key)


def latest(tx: Transaction, customer_id: str, limit: int) -> tuple[LinkSession, ...]:
    """The customer's latest attempts, newest first, without their connect URLs: for reading about them only."""
    rows = tx.connection.execute(_LATEST, {"customer_id": customer_id, "limit": limit})
    return tuple(from_row(tx, {**row, "connect_url_sealed": None}) for row in rows.mappings())


def open_of(tx: Transaction, customer_id: str) -> tuple[LinkSession, ...]:
    """The customer's attempts in which something may still happen, newest first."""
    return _own(tx, _OPEN, customer_id)


def held_device_ids(tx: Transaction, customer_id: str, provider_key: str, *, since: datetime) -> frozenset[str]:
    """The provider's ids of devices that another person's return to this customer's attempts named lately."""
    held = _own(tx, _HELD, customer_id, provider_key=provider_key, since=since)
    return frozenset(device_id for attempt in held for device_id in attempt.hints.device_ids)


def line_of(tx: Transaction, attempt: LinkSession, *, now: datetime) -> Line:
    """Who, of all customers, waits for the same provider as this attempt."""
    asked = {"provider_key": attempt.provider_key, "created_at": attempt.created_at, "now": now}
    in_front, claimed_until = tx.connection.execute(_LINE, asked).one()
    return Line(in_front, taken_in_hand(claimed_until) if claimed_until is not None else None)


def wake(tx: Transaction, customer_id: str, attempt_id: str, *, now: datetime) -> bool:
    """Marks the attempt as in the queue; False where it is there already, or is no attempt of this customer."""
    tx.in_turn(customer_id)
    mine = (_attempts.c.id == attempt_id, _attempts.c.customer_id == customer_id)
    marked = update(_attempts).where(*mine, asleep(_attempts.c.woken_at, now)).values(woken_at=now)
    return tx.connection.execute(marked).rowcount == 1


def take_up(tx: Transaction, customer_id: str, attempt_id: str) -> None:
    """The attempt is out of the queue: whoever has news from now on may wake it again."""
    tx.in_turn(customer_id)
    mine = (_attempts.c.id == attempt_id, _attempts.c.customer_id == customer_id)
    tx.connection.execute(update(_attempts).where(*mine, _attempts.c.woken_at.is_not(None)).values(woken_at=None))


def leave(tx: Transaction, customer_id: str, attempt_id: str) -> None:
    """The attempt could not be put in the queue."""
    tx.in_turn(customer_id)
    mine = (_attempts.c.id == attempt_id, _attempts.c.customer_id == customer_id)
    wakes.leave(tx, _attempts, _attempts.c.woken_at, *mine)


def checked(tx: Transaction, customer_id: str, attempt_id: str, *, now: datetime) -> None:
    """The step has run through once more, whatever came of it."""
    tx.in_turn(customer_id)
    mine = (_attempts.c.id == attempt_id, _attempts.c.customer_id == customer_id)
    tx.connection.execute(
        update(_attempts).where(*mine).values(checks=_attempts.c.checks + 1, checked_at=now, crashes=0)
    )


def crashed(tx: Transaction, customer_id: str, attempt_id: str, *, now: datetime) -> int:
    """The step has ended in a fault of ours; how often in a row by now. It is tried again as after any look."""
    tx.in_turn(customer_id)
    mine = (_attempts.c.id == attempt_id, _attempts.c.customer_id == customer_id)
    counted = update(_attempts).where(*mine).values(crashes=_attempts.c.crashes + 1, checked_at=now)
    return tx.connection.scalars(counted.returning(_attempts.c.crashes)).one_or_none() or 0


def move(tx: Transaction, attempt: LinkSession, *, was: State, arrival_secret: str | None = None) -> bool:
    """Stores the attempt if nobody changed it since it was read; False when another was first, and nothing is stored.

    `was` is the state it was read in.
    """
    values = _mutable(tx, attempt) | {"version": attempt.version + 1, "checked_at": None}
    if arrival_secret is not None:
        values["arrival_hash"] = hashed(arrival_secret)
    unchanged = (_attempts.c.state == was) & (_attempts.c.version == attempt.version)
    return _change(tx, attempt.id, attempt.customer_id, unchanged, values)


def claim(tx: Transaction, attempt_id: str, customer_id: str, *, now: datetime, until: datetime) -> bool:
    """Takes the departure in hand until then; False while another has it, or when it has happened."""
    free = (_attempts.c.state == State.CREATED) & is_free(now)
    return _change(tx, attempt_id, customer_id, free, {"claimed_until": until, "woken_at": None})


def postpone(tx: Transaction, attempt_id: str, customer_id: str, *, until: datetime) -> None:
    """Hands the departure back; nobody takes it before then."""
    _change(tx, attempt_id, customer_id, _attempts.c.claimed_until.is_not(None), {"claimed_until": until})


def _own(tx: Transaction, mine: Select[Any], customer_id: str, **named: object) -> tuple[LinkSession, ...]:
    tx.in_turn(customer_id)
    rows = tx.connection.execute(mine, {"customer_id": customer_id, **named})
    return tuple(from_row(tx, row) for row in rows.mappings())


def _change(
    tx: Transaction, attempt_id: str, customer_id: str, condition: ColumnElement[bool], values: dict[str, Any]
) -> bool:
    tx.in_turn(customer_id)
    mine = (_attempts.c.id == attempt_id, _attempts.c.customer_id == customer_id)
    return tx.connection.execute(update(_attempts).where(*mine, condition).values(values)).rowcount == 1


def is_free(now: datetime) -> ColumnElement[bool]:
    return or_(_attempts.c.claimed_until.is_(None), _attempts.c.claimed_until <= now)


def _fixed(attempt: LinkSession) -> dict[str, Any]:
    """What an attempt is in its first moment, and `_mutable` does not change."""
    return {
        "id": attempt.id,
        "customer_id": attempt.customer_id,
        "purpose": attempt.purpose,
        "provider_key": attempt.provider_key,
        "device_type": attempt.device_type,
        "vendor_key": attempt.vendor_key,
        "vendor_code": attempt.vendor_code,
        "language": attempt.language,
        "route_reason": attempt.route_reason,
        "reference": attempt.reference,
        "created_at": attempt.created_at,
        "woken_at": attempt.woken_at,
        "version": attempt.version,
        "put_away_at": attempt.put_away_at,
    }


def _mutable(tx: Transaction, attempt: LinkSession) -> dict[str, Any]:
    return {
        "state": attempt.state,
        "reason": attempt.reason,
        "expires_at": attempt.expires_at,
        "device_id": attempt.device_id,
        "provider_reference": attempt.provider_reference,
        "connect_url_sealed": tx.seal(attempt.connect_url) if attempt.connect_url is not None else None,
        "hints": hints_to_json(attempt.hints),
        "confirmed": [reading_to_json(reading) for reading in attempt.confirmed],
        "departed_at": attempt.departed_at,
        "arrived_at": attempt.arrived_at,
        "ended_at": attempt.ended_at,
        "tries": attempt.tries,
    }


def from_row(tx: Transaction, row: Mapping[Any, Any]) -> LinkSession:
    sealed = row["connect_url_sealed"]
    return LinkSession(
        id=row["id"],
        customer_id=row["customer_id"],
        purpose=Purpose(row["purpose"]),
        provider_key=row["provider_key"],
        device_type=DeviceType(row["device_type"]),
        vendor_key=row["vendor_key"],
        vendor_code=row["vendor_code"],
        language=row["language"],
        route_reason=RouteReason(row["route_reason"]),
        state=State(row["state"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        reason=Reason(row["reason"]) if row["reason"] is not None else None,
        device_id=row["device_id"],
        provider_reference=row["provider_reference"],
        connect_url=tx.unseal(sealed) if sealed is not None else None,
        hints=hints_from_json(row["hints"]),
        confirmed=tuple(reading_from_json(reading) for reading in row["confirmed"]),
        departed_at=row["departed_at"],
        arrived_at=row["arrived_at"],
        ended_at=row["ended_at"],
        checks=row["checks"],
        tries=row["tries"],
        version=row["version"],
        woken_at=row["woken_at"],
        claimed_until=row["claimed_until"],
        put_away_at=row["put_away_at"],
    )
