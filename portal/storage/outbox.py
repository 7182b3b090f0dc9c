"""Letters on their way to customers: stored with what they tell of, sent by the worker, forgotten once sent."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from portal.domain.letter import Letter
from portal.storage import tables, wakes
from portal.storage.database import Transaction
from portal.storage.ids import new_id
from portal.storage.wakes import asleep, lies

_outbox = tables.outbox
_waits = _outbox.c.letter_sealed.is_not(None)


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter in somebody's hands. `letter` is None where it cannot be read any more; `tries` counts this one too."""

    id: str
    customer_id: str
    letter: Letter | None
    created_at: datetime
    tries: int


def keep(tx: Transaction, letter: Letter, *, key: str, customer_id: str, now: datetime) -> str | None:
    """Stores a letter as wanted in the queue; answers its id, or None where one of the same key was stored before."""
    new = tx.insert(_outbox).values(
        id=new_id(),
        key=key,
        customer_id=customer_id,
        letter_sealed=tx.seal(json.dumps(asdict(letter))),
        created_at=now,
        due_at=now,
        tries=0,
        woken_at=now,
    )
    once = new.on_conflict_do_nothing(index_elements=["key"]).returning(_outbox.c.id)
    return tx.connection.scalars(once).one_or_none()


def take_up(tx: Transaction, mail_id: str, *, now: datetime, rest: Callable[[int], timedelta]) -> Mail | None:
    """Takes a letter in hand; None where it is sent, or not due. It is due again after `rest(tries)` unless sent."""
    it = _outbox.c.id == mail_id
    tx.connection.execute(update(_outbox).where(it).values(woken_at=None))
    found = tx.connection.execute(select(_outbox).where(it, _waits)).mappings().one_or_none()
    if found is None:
        return None
    tries = found["tries"] + 1
    unchanged = (it, _waits, _outbox.c.tries == found["tries"], _outbox.c.due_at <= now)
    taken = update(_outbox).where(*unchanged).values(tries=tries, due_at=now + rest(tries))
    if tx.connection.execute(taken).rowcount == 0:
        return None
    clear = tx.unseal(found["letter_sealed"])
    letter = Letter(**json.loads(clear)) if clear is not None else None
    return Mail(mail_id, found["customer_id"], letter, found["created_at"], tries)


def done(tx: Transaction, mail_id: str) -> None:
    """Sent, or given up: what was in it is forgotten."""
    tx.connection.execute(update(_outbox).where(_outbox.c.id == mail_id).values(letter_sealed=None))


def of_customer(tx: Transaction, customer_id: str) -> tuple[tuple[datetime, bool], ...]:
    """When letters to this customer were written, oldest first, and whether they are on their way still."""
    mine = select(_outbox.c.created_at, _waits.label("waits")).where(_outbox.c.customer_id == customer_id)
    found = tx.connection.execute(mine.order_by(_outbox.c.created_at, _outbox.c.id))
    return tuple((row.created_at, bool(row.waits)) for row in found)


def due(tx: Transaction, *, now: datetime, limit: int, lying: bool = False) -> tuple[str, ...]:
    """The letters to be sent that are not in the queue, the longest due first.

    `lying`: only those that somebody wanted there.
    """
    ready = (_waits, _outbox.c.due_at <= now, (lies if lying else asleep)(_outbox.c.woken_at, now))
    waiting = select(_outbox.c.id).where(*ready).order_by(_outbox.c.due_at, _outbox.c.id).limit(limit)
    return tuple(tx.connection.scalars(waiting))


def wake(tx: Transaction, mail_id: str, *, now: datetime) -> bool:
    """Marks a letter as in the queue; False where it is there already."""
    marked = update(_outbox).where(_outbox.c.id == mail_id, asleep(_outbox.c.woken_at, now)).values(woken_at=now)
    return tx.connection.execute(marked).rowcount == 1


def leave(tx: Transaction, mail_id: str) -> None:
    """The letter could not be put in the queue."""
    wakes.leave(tx, _outbox, _outbox.c.woken_at, _outbox.c.id == mail_id)


def purge(tx: Transaction, before: datetime) -> None:
    """Deletes what was stored before then, sent or not."""
    tx.connection.execute(delete(_outbox).where(_outbox.c.created_at < before))
