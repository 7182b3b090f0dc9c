"""Which attempts, of all customers, the reconciler has to wake."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from portal.domain.link_session import ONE_CLICK, Reason, State
from portal.storage import tables
from portal.storage.database import Transaction
from portal.storage.link_sessions import is_free
from portal.storage.wakes import asleep, lies

_attempts = tables.link_sessions

PACE = (
    (timedelta(minutes=20), timedelta(seconds=55)),
    (timedelta(hours=2), timedelta(minutes=5)),
)
"""How long after a look the reconciler looks again, by how long the customer has been back: at first each time that it
comes by."""

SELDOMEST = timedelta(minutes=30)
"""The same for those who have been back for longer."""


@dataclass(frozen=True, slots=True)
class Due:
    """An attempt that should have moved."""

    customer_id: str
    id: str
    provider_key: str


def due(tx: Transaction, *, now: datetime, limit: int, lying: bool = False) -> tuple[Due, ...]:
    """Attempts, of all customers, that should have moved and that nobody has in hand, the longest unchecked first.

    `lying`: only those that somebody wanted in the queue.
    """
    back = _attempts.c.state.in_((State.ARRIVED, State.WAITING))
    since = func.coalesce(_attempts.c.arrived_at, _attempts.c.created_at)
    is_unchecked = or_(
        _attempts.c.checked_at.is_(None),
        *((since > now - age) & (_attempts.c.checked_at <= now - pause) for age, pause in PACE),
        _attempts.c.checked_at <= now - SELDOMEST,
    )
    has_link = _attempts.c.connect_url_sealed.is_not(None) & (_attempts.c.departed_at <= now - ONE_CLICK)
    by_another = (_attempts.c.state == State.HELD) & (_attempts.c.reason == Reason.ANOTHER_PERSON)
    to_undo = or_(by_another, _attempts.c.reason == Reason.PERMISSION_WITHDRAWN)
    is_due = or_(
        (_attempts.c.state == State.CREATED) & is_free(now),
        to_undo & _attempts.c.checked_at.is_(None),
        back & is_unchecked,
        (_attempts.c.state == State.DEPARTED) & (_attempts.c.expires_at < now),
        _attempts.c.state.in_((State.DEPARTED, State.CANCELLED)) & has_link,
    )
    waiting = (
        select(_attempts.c.customer_id, _attempts.c.id, _attempts.c.provider_key)
        .where(is_due, (lies if lying else asleep)(_attempts.c.woken_at, now))
        .order_by(_attempts.c.checked_at.is_not(None), _attempts.c.checked_at, _attempts.c.created_at, _attempts.c.id)
        .limit(limit)
    )
    return tuple(Due(row.customer_id, row.id, row.provider_key) for row in tx.connection.execute(waiting))
