"""The codes by which customers let an agent help: one at a time, short, kept as a digest, good once."""

import hmac
from datetime import datetime

from sqlalchemy import delete, select, update

from portal.domain.support import MOST_TRIES
from portal.storage import tables
from portal.storage.database import Transaction

_codes = tables.support_codes


def give(tx: Transaction, customer_id: str, code: str, *, expires_at: datetime) -> None:
    """The customer's code from now on; an earlier one is good no more."""
    tx.in_turn(customer_id)
    values = {"code_hash": _digest(tx, customer_id, code), "expires_at": expires_at, "tries": 0}
    new = tx.insert(_codes).values(customer_id=customer_id, **values)
    tx.connection.execute(new.on_conflict_do_update(index_elements=["customer_id"], set_=values))


def take(tx: Transaction, customer_id: str, code: str, *, now: datetime) -> bool:
    """Uses a code up. False for a wrong, an old or a used one; a code does not outlive many wrong ones."""
    tx.in_turn(customer_id)
    given = _digest(tx, customer_id, code)
    mine = _codes.c.customer_id == customer_id
    kept = tx.connection.execute(select(_codes).where(mine)).mappings().one_or_none()
    if kept is None:
        return False
    is_right = hmac.compare_digest(kept["code_hash"], given)
    if is_right and kept["expires_at"] > now and kept["tries"] < MOST_TRIES:
        tx.connection.execute(delete(_codes).where(mine))
        return True
    tx.connection.execute(update(_codes).where(mine).values(tries=_codes.c.tries + 1))
    return False


def purge(tx: Transaction, now: datetime) -> None:
    """Deletes the codes that were not used in time."""
    tx.connection.execute(delete(_codes).where(_codes.c.expires_at <= now))


def _digest(tx: Transaction, customer_id: str, code: str) -> str:
    return tx.digest(f"{customer_id} {code}")
