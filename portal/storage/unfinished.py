"""Attempts for the devices page: what was begun lately, until its customer puts it away."""

from datetime import datetime

from sqlalchemy import bindparam, or_, select, update

from portal.domain.link_session import OPEN, LinkSession, Reason
from portal.storage import tables
from portal.storage.columns import spelt_out
from portal.storage.database import Transaction
from portal.storage.link_sessions import from_row

_attempts = tables.link_sessions

# Built once: it is asked on nearly every page.
_LATELY = (
    select(_attempts)
    .where(
        _attempts.c.customer_id == bindparam("customer_id"),
        or_(
            _attempts.c.state.in_([spelt_out(state) for state in sorted(OPEN)]),
            _attempts.c.created_at >= bindparam("since"),
            _attempts.c.reason == spelt_out(Reason.OTHER_ACCOUNT),
        ),
    )
    .order_by(_attempts.c.created_at.desc(), _attempts.c.id)
)


def lately(tx: Transaction, customer_id: str, *, since: datetime) -> tuple[LinkSession, ...]:
    """The customer's attempts in which something may still happen, and all that began since then; newest first.

    With them those that brought in another account's device, however old: what becomes of that may not be decided yet.
    """
    rows = tx.connection.execute(_LATELY, {"customer_id": customer_id, "since": since})
    return tuple(from_row(tx, row) for row in rows.mappings())


def put_away(tx: Transaction, customer_id: str, link_session_id: str, *, now: datetime) -> bool:
    """Writes down that the customer wants to read no more of it; False where they have none of this id.

    It says nothing of how the attempt stands, so it counts as no change of it.
    """
    tx.in_turn(customer_id)
    mine = (_attempts.c.customer_id == customer_id, _attempts.c.id == link_session_id)
    return tx.connection.execute(update(_attempts).where(*mine).values(put_away_at=now)).rowcount == 1
