"""Wake marks: a row says since when it is in the queue, so that it is not put there again by everyone who looks."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, or_, update

from portal.storage.database import Transaction

WAKE_LASTS = timedelta(seconds=60)
"""After so long the queue is taken to have lost it: waking twice does no harm, waking never does."""


LEFT = datetime(1970, 1, 1, tzinfo=UTC)
"""The mark of what was to be put in the queue and could not be: old enough to be woken at once."""


def asleep(woken_at: Column[datetime], now: datetime) -> ColumnElement[bool]:
    """Whether the row is not in the queue."""
    return or_(woken_at.is_(None), woken_at <= now - WAKE_LASTS)


def lies(woken_at: Column[datetime], now: datetime) -> ColumnElement[bool]:
    """Whether somebody wanted the row in the queue, and it is not there: it could not be put there, or was lost."""
    return woken_at <= now - WAKE_LASTS


def leave(tx: Transaction, table: Table, woken_at: Column[datetime], *mine: ColumnElement[bool], **values: Any) -> None:
    """The row could not be put in the queue, though somebody wanted that: it is to be found at once."""
    left = update(table).where(*mine, woken_at.is_not(None))
    tx.connection.execute(left.values({woken_at.name: LEFT, **values}))


def is_awake(woken_at: datetime | None, now: datetime) -> bool:
    """Whether a row with this mark is in the queue."""
    return woken_at is not None and woken_at > now - WAKE_LASTS
