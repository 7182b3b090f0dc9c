"""Wake marks: a row says since when it is in the queue, so that it is not put there again by everyone who looks."""

from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, or_

WAKE_LASTS = timedelta(seconds=60)
"""After so long the queue is taken to have lost it: waking twice does no harm, waking never does."""


def asleep(woken_at: Column[datetime], now: datetime) -> ColumnElement[bool]:
    """Whether the row is not in the queue."""
    return or_(woken_at.is_(None), woken_at <= now - WAKE_LASTS)


def is_awake(woken_at: datetime | None, now: datetime) -> bool:
    """Whether a row with this mark is in the queue."""
    return woken_at is not None and woken_at > now - WAKE_LASTS
