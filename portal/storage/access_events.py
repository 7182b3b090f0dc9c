"""What support saw and did, written once in one chain. The database itself refuses to change or delete an event.

The chain shows every change that was made without rewriting all that follows it, and the head shows what was cut off at
the end. Who may write both tables and remove their triggers can make a whole new chain, which `verify` finds nothing
wrong with: only a head or an export that was kept elsewhere before, out of that person's reach, proves it false.
"""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

import psycopg
from sqlalchemy import ColumnElement, RowMapping, Select, func, insert, literal, select, union_all, update
from sqlalchemy.exc import DBAPIError

from portal.domain.access import (
    START,
    AccessEvent,
    AccessFilter,
    Head,
    UnreadableEventError,
    Verdict,
    as_record,
    compare,
    follow,
    sealed,
)
from portal.storage import customer_search, tables
from portal.storage.columns import PlainText, mended
from portal.storage.database import Transaction, is_away

_events = tables.access_events
_head = tables.access_head

PAGE = 1000
"""How many events are held at a time while all of them are walked through."""


class NoHeadError(Exception):
    """The row that says how far the chain reaches is gone: nothing can be recorded, and so nothing may be shown."""


def record(
    tx: Transaction,
    *,
    at: datetime,
    actor: str,
    actor_role: str,
    action: str,
    outcome: str,
    request_reference: str,
    customer_id: str | None = None,
    grant_id: str | None = None,
    reason: str | None = None,
    ticket: str | None = None,
    object_type: str | None = None,
    object_id: str | None = None,
) -> AccessEvent:
    """Writes the next event of the chain; it is there when the caller's transaction is, and not before.

    Others who record wait until that transaction ends. So it is called last in it, after every other lock is taken.
    """
    last = _stored_head(tx, locked=True)
    if last is None:
        raise NoHeadError
    event = AccessEvent(
        number=last.number + 1,
        at=at,
        actor=mended(actor),
        actor_role=mended(actor_role),
        customer_id=_optional(customer_id),
        grant_id=_optional(grant_id),
        reason=_optional(reason),
        ticket=_optional(ticket),
        action=mended(action),
        object_type=_optional(object_type),
        object_id=_optional(object_id),
        outcome=mended(outcome),
        request_reference=mended(request_reference),
        previous_hash=last.hash,
        hash="",
    )
    event = sealed(event)
    tx.connection.execute(insert(_events), asdict(event))
    tx.connection.execute(update(_head).values(number=event.number, hash=event.hash))
    return event


def of_customer(tx: Transaction, customer_id: str, *, limit: int) -> tuple[AccessEvent, ...]:
    """The latest about this customer, newest first."""
    return page(tx, AccessFilter(customer_id=customer_id), limit=limit)


def page(
    tx: Transaction, wanted: AccessFilter | None = None, *, limit: int, before: int | None = None
) -> tuple[AccessEvent, ...]:
    """What an auditor looks for, newest first. The next page comes `before` the number of this one's last."""
    found = select(_events).where(*_conditions(wanted or AccessFilter()))
    if before is not None:
        found = found.where(_events.c.number < before)
    latest = found.order_by(_events.c.number.desc()).limit(limit)
    return tuple(_event(row) for row in tx.connection.execute(latest).mappings())


def stored_head(tx: Transaction) -> Head | None:
    """How far the chain says that it reaches; None where somebody removed the row."""
    return _stored_head(tx, locked=False)


def verify(
    tx: Transaction, *, after: Head | None = None, kept: tuple[Head, ...] = (), page_size: int = PAGE
) -> Verdict:
    """Follows the whole chain, a page at a time: each event unchanged, none missing, added or moved, the head its end.

    `after` is a trusted head from elsewhere: only what follows is looked at. `kept` are other heads, which the chain
    must pass through. Belongs in a reading transaction, which sees one state of both tables.
    """
    events = _walk(tx, page_size, first=after.number + 1 if after else None)
    verdict = follow((as_record(event) for event in events), start=after or START, kept=kept)
    if verdict.fault:
        return verdict
    return Verdict(verdict.start, verdict.head, compare(stored_head(tx), verdict))


def stretch(
    tx: Transaction, *, since: datetime | None = None, until: datetime | None = None, page_size: int = PAGE
) -> Iterator[AccessEvent]:
    """The chain from the first event at or after `since` to the last before `until`, oldest first, in pages.

    Nothing in between is left out, so that it can be verified by itself: where clocks differ, an event may be among
    them that is a little older or newer than asked for.
    """
    first = last = None
    if since is not None:
        first = tx.connection.scalar(select(func.min(_events.c.number)).where(_events.c.at >= since))
    if until is not None:
        last = tx.connection.scalar(select(func.max(_events.c.number)).where(_events.c.at < until))
    if (since is not None and first is None) or (until is not None and last is None):
        return
    yield from _walk(tx, page_size, first=first, last=last)


def _walk(
    tx: Transaction, page_size: int, *, first: int | None = None, last: int | None = None
) -> Iterator[AccessEvent]:
    """Every event in the order of its number. Raises UnreadableEventError in place of one that makes no sense."""
    some = select(_events).order_by(_events.c.number).limit(page_size)
    if last is not None:
        some = some.where(_events.c.number <= last)
    following = some if first is None else some.where(_events.c.number >= first)
    while True:
        number = None
        for event in _read(tx, following):
            number = event.number
            yield event
        if number is None:
            return
        following = some.where(_events.c.number > number)


def _read(tx: Transaction, query: Select[tuple[object, ...]]) -> Iterator[AccessEvent]:
    rows = tx.connection.execute(query).mappings()
    try:
        for row in rows:
            yield _event(row)
    except (ValueError, TypeError, DBAPIError, psycopg.Error) as fault:
        # A time that is none, or bytes that are no text. A database that is away says nothing about the chain.
        if is_away(fault):
            raise
        raise UnreadableEventError from fault


def _stored_head(tx: Transaction, *, locked: bool) -> Head | None:
    query = select(_head.c.number, _head.c.hash)
    # The row itself is the queue: who waits for it sees it as the one before left it. SQLite has one writer anyway.
    row = tx.connection.execute(query.with_for_update() if locked else query).one_or_none()
    return Head(row.number, row.hash) if row else None


def _conditions(wanted: AccessFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.customer_id is not None:
        yield _events.c.customer_id == wanted.customer_id
    if wanted.customers is not None:
        yield _events.c.customer_id.in_(union_all(customer_search.ids_of(wanted.customers), _itself(wanted.customers)))
    if wanted.actor is not None:
        yield _events.c.actor == wanted.actor
    if wanted.grant_id is not None:
        yield _events.c.grant_id == wanted.grant_id
    if wanted.since is not None:
        yield _events.c.at >= wanted.since
    if wanted.until is not None:
        yield _events.c.at < wanted.until
    if wanted.actions:
        yield _events.c.action.in_(wanted.actions)
    if wanted.outcome is not None:
        more = wanted.outcome + " "
        yield (_events.c.outcome == wanted.outcome) | (func.substr(_events.c.outcome, 1, len(more)) == more)


def _itself(text: str) -> Select[tuple[str]]:
    return select(literal(text, PlainText))


def _optional(text: str | None) -> str | None:
    """Nothing and an empty text are the same, because a cell of an export cannot tell them apart."""
    return mended(text) if text else None


def _event(row: RowMapping) -> AccessEvent:
    return AccessEvent(**row)
