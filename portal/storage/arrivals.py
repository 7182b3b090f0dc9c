"""Returns that came back without a sign-in and wait for one in the same browser."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, delete, insert, select

from portal.domain.link_session import ArrivalHints
from portal.storage import tables
from portal.storage.database import Transaction
from portal.storage.evidence import hints_from_json, hints_to_json
from portal.storage.ids import new_id
from portal.storage.sealing import hashed

_arrivals = tables.pending_arrivals


@dataclass(frozen=True, slots=True)
class PendingArrival:
    """One return in waiting. `link_session_id` is None where only a sign-in can tell whose attempt it was."""

    id: str
    provider_key: str
    link_session_id: str | None
    hints: ArrivalHints
    created_at: datetime


def keep(
    tx: Transaction,
    *,
    browser: str,
    provider_key: str,
    link_session_id: str | None,
    hints: ArrivalHints,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Keeps a return for this browser, which is known by a random token."""
    purge(tx, now)
    arrival = insert(_arrivals).values(
        id=new_id(),
        browser_hash=hashed(browser),
        provider_key=provider_key,
        link_session_id=link_session_id,
        hints=hints_to_json(hints),
        created_at=now,
        expires_at=expires_at,
    )
    tx.connection.execute(arrival)


def waiting(tx: Transaction, browser: str, *, since: datetime) -> tuple[PendingArrival, ...]:
    """The returns of this browser that wait for a sign-in in it, oldest first; they go on waiting."""
    mine = (_arrivals.c.browser_hash == hashed(browser), _arrivals.c.created_at >= since)
    rows = tx.connection.execute(select(_arrivals).where(*mine).order_by(_arrivals.c.created_at, _arrivals.c.id))
    return tuple(_arrival(row) for row in rows.mappings())


def take(tx: Transaction, browser: str, *, since: datetime) -> tuple[PendingArrival, ...]:
    """The returns of this browser, newest first; each is given out once, those that came before `since` never."""
    return _take(tx, _arrivals.c.browser_hash == hashed(browser), since=since)


def take_of(tx: Transaction, browser_hash: str, link_session_id: str, *, since: datetime) -> tuple[PendingArrival, ...]:
    """The same for the returns to one attempt, in the browser that this is the hash of."""
    mine = (_arrivals.c.browser_hash == browser_hash) & (_arrivals.c.link_session_id == link_session_id)
    return _take(tx, mine, since=since)


def _take(tx: Transaction, mine: ColumnElement[bool], *, since: datetime) -> tuple[PendingArrival, ...]:
    rows = tx.connection.execute(delete(_arrivals).where(mine).returning(*_arrivals.c)).mappings().all()
    in_time = (_arrival(row) for row in rows if row["created_at"] >= since)
    return tuple(sorted(in_time, key=lambda arrival: (arrival.created_at, arrival.id), reverse=True))


def named_device_ids(tx: Transaction, provider_key: str, *, now: datetime) -> frozenset[str]:
    """The provider's ids of devices in returns that nobody's attempt is known of."""
    kept = (
        select(_arrivals.c.hints)
        .where(_arrivals.c.provider_key == provider_key, _arrivals.c.link_session_id.is_(None))
        .where(_arrivals.c.expires_at > now)
        .order_by(_arrivals.c.created_at, _arrivals.c.id)
    )
    return frozenset(named for hints in tx.connection.scalars(kept) for named in hints_from_json(hints).device_ids)


def purge(tx: Transaction, now: datetime) -> None:
    """Deletes the returns that have been kept long enough."""
    tx.connection.execute(delete(_arrivals).where(_arrivals.c.expires_at <= now))


def _arrival(row: RowMapping) -> PendingArrival:
    return PendingArrival(
        id=row["id"],
        provider_key=row["provider_key"],
        link_session_id=row["link_session_id"],
        hints=hints_from_json(row["hints"]),
        created_at=row["created_at"],
    )
