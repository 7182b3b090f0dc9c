"""The inbox of provider events: each is stored once before its sender hears yes, and kept until nobody needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, and_, delete, or_, select, update

from portal.domain.provider_event import EventKind, EventState, ProviderEvent
from portal.storage import tables, wakes
from portal.storage.database import Transaction
from portal.storage.evidence import reading_from_json, reading_to_json
from portal.storage.ids import new_id
from portal.storage.wakes import asleep, lies

_events = tables.provider_events

KEPT_LONGER = timedelta(days=60)
"""How much longer than others those are kept that an operator should see."""


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """An event and what has become of it, as an operator sees it: nothing of what it says of its devices is read.

    `cause` says why it is not done, `tries` how often its step has failed.
    """

    id: str
    provider_key: str
    kind: str
    occurred_at: datetime
    received_at: datetime
    pseudonym: str | None
    device_ids: tuple[str, ...]
    state: EventState
    cause: str | None
    tries: int


def store(tx: Transaction, event: ProviderEvent, *, now: datetime) -> str | None:
    """Takes the event in, once, and marks it as in the queue.

    Answers its id here where it is to be put in the queue; None where it has been taken already, or is in the queue.
    """
    new = tx.insert(_events).values(
        id=new_id(),
        provider_key=event.provider_key,
        event_id=event.event_id,
        kind=event.kind,
        occurred_at=event.occurred_at,
        received_at=now,
        pseudonym=event.pseudonym,
        link_session_id=event.link_session_id,
        readings=[reading_to_json(reading) for reading in event.readings],
        device_ids=list(event.device_ids),
        state=EventState.RECEIVED,
        woken_at=now,
    )
    once = new.on_conflict_do_update(
        index_elements=["provider_key", "event_id"],
        set_={"woken_at": now},
        where=and_(_events.c.state == EventState.RECEIVED, asleep(_events.c.woken_at, now)),
    )
    return tx.connection.scalars(once.returning(_events.c.id)).one_or_none()


def to_take(tx: Transaction, event_id: str) -> ProviderEvent | None:
    """The event, unless it has been settled."""
    still = select(_events).where(_events.c.id == event_id, _events.c.state == EventState.RECEIVED)
    row = tx.connection.execute(still).mappings().one_or_none()
    return _event(row) if row else None


def newest_about(
    tx: Transaction, provider_key: str, pseudonym: str, provider_device_id: str, *, since: datetime | None = None
) -> ProviderEvent | None:
    """The last that this provider said of a device of this customer, whether it has been taken yet or not.

    Of two events of one second the one that came later counts as newer; of two that came at once, the bad news.
    """
    said = (
        select(_events)
        .where(_events.c.provider_key == provider_key, _events.c.pseudonym == pseudonym)
        .where(_events.c.kind.in_((EventKind.CONNECTED, EventKind.DISCONNECTED)), _events.c.state != EventState.DEAD)
        .order_by(_events.c.occurred_at.desc(), _events.c.received_at.desc(), _events.c.kind.desc(), _events.c.id)
    )
    if since is not None:
        said = said.where(_events.c.occurred_at >= since)
    rows = tx.connection.execute(said).mappings()
    return next((_event(row) for row in rows if provider_device_id in _named(row)), None)


def settle(tx: Transaction, event_id: str, state: EventState, *, now: datetime, cause: str | None = None) -> None:
    """Nothing more is done about the event by itself."""
    settled = update(_events).where(_events.c.id == event_id, _events.c.state == EventState.RECEIVED)
    tx.connection.execute(settled.values(state=state, cause=cause, done_at=now))


def forget(tx: Transaction, event_id: str) -> None:
    """Nothing of what the event says of anybody is kept; that it came is."""
    emptied = update(_events).where(_events.c.id == event_id)
    tx.connection.execute(emptied.values(pseudonym=None, link_session_id=None, readings=[], device_ids=[]))


def failed(tx: Transaction, event_id: str) -> int:
    """Counts a step that failed; answers how often it has."""
    once_more = update(_events).where(_events.c.id == event_id).values(tries=_events.c.tries + 1)
    tries: int = tx.connection.scalars(once_more.returning(_events.c.tries)).one()
    return tries


def wake(tx: Transaction, event_id: str, *, now: datetime) -> bool:
    """Marks the event as in the queue; False where it is there already, or needs no more."""
    to_take = and_(_events.c.state == EventState.RECEIVED, asleep(_events.c.woken_at, now))
    marked = update(_events).where(_events.c.id == event_id, to_take).values(woken_at=now)
    return tx.connection.execute(marked).rowcount == 1


def leave(tx: Transaction, event_id: str) -> None:
    """The event could not be put in the queue."""
    wakes.leave(tx, _events, _events.c.woken_at, _events.c.id == event_id)


def unfinished(tx: Transaction, *, now: datetime, limit: int, lying: bool = False) -> tuple[str, ...]:
    """Events that should have been taken and are not in the queue, the oldest first.

    `lying`: only those that somebody wanted there.
    """
    waiting = (
        select(_events.c.id)
        .where(_events.c.state == EventState.RECEIVED, (lies if lying else asleep)(_events.c.woken_at, now))
        .order_by(_events.c.received_at, _events.c.id)
        .limit(limit)
    )
    return tuple(tx.connection.scalars(waiting))


def waiting_of(tx: Transaction, provider_key: str, pseudonym: str) -> tuple[str, ...]:
    """Events of this customer that have not been taken yet, the oldest first."""
    theirs = (_events.c.provider_key == provider_key, _events.c.pseudonym == pseudonym)
    waiting = select(_events.c.id).where(*theirs, _events.c.state == EventState.RECEIVED)
    return tuple(tx.connection.scalars(waiting.order_by(_events.c.received_at, _events.c.id)))


def listed(tx: Transaction, states: frozenset[EventState], *, limit: int) -> tuple[InboxEvent, ...]:
    """The latest in these states, of all customers, newest first."""
    latest = (
        select(_events)
        .where(_events.c.state.in_(states))
        .order_by(_events.c.received_at.desc(), _events.c.id)
        .limit(limit)
    )
    return tuple(_seen(row) for row in tx.connection.execute(latest).mappings())


def retry(tx: Transaction, event_id: str) -> bool:
    """Has the event taken again as if it had just come; False where there is none of this id."""
    anew = update(_events).where(_events.c.id == event_id)
    values = {"state": EventState.RECEIVED, "cause": None, "tries": 0, "woken_at": None, "done_at": None}
    return tx.connection.execute(anew.values(values)).rowcount == 1


def purge(tx: Transaction, before: datetime) -> None:
    """Forgets events that came before then and are done; those that an operator should see are kept longer."""
    done = and_(_events.c.state == EventState.DONE, _events.c.received_at < before)
    to_see = _events.c.state.in_((EventState.QUARANTINED, EventState.DEAD))
    tx.connection.execute(delete(_events).where(or_(done, to_see & (_events.c.received_at < before - KEPT_LONGER))))


def _named(row: RowMapping) -> tuple[str, ...]:
    readings: list[Mapping[str, Any]] = row["readings"]
    return (*row["device_ids"], *(reading["provider_device_id"] for reading in readings))


def _seen(row: RowMapping) -> InboxEvent:
    return InboxEvent(
        id=row["id"],
        provider_key=row["provider_key"],
        kind=row["kind"],
        occurred_at=row["occurred_at"],
        received_at=row["received_at"],
        pseudonym=row["pseudonym"],
        device_ids=_named(row),
        state=EventState(row["state"]),
        cause=row["cause"],
        tries=row["tries"],
    )


def _event(row: RowMapping) -> ProviderEvent:
    return ProviderEvent(
        provider_key=row["provider_key"],
        event_id=row["event_id"],
        kind=EventKind(row["kind"]),
        occurred_at=row["occurred_at"],
        pseudonym=row["pseudonym"],
        readings=tuple(reading_from_json(reading) for reading in row["readings"]),
        device_ids=tuple(row["device_ids"]),
        link_session_id=row["link_session_id"],
    )
