"""Deletions of customers: what was asked for, how far it has come in each system, and what is to be done next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, and_, delete, insert, or_, select, update

from portal.domain.deletion import PORTAL, Deletion, DeletionStep, Progress
from portal.storage import tables, wakes
from portal.storage.database import Transaction
from portal.storage.sealing import hashed
from portal.storage.wakes import asleep, lies

_deletions = tables.deletions
_steps = tables.deletion_steps

AGAIN_AFTER = timedelta(seconds=55)
"""How long after a try that failed the next one comes: each time the reconciler comes by."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done in one system."""

    deletion_id: str
    system: str


def begin(tx: Transaction, deletion: Deletion, systems: tuple[str, ...], *, receipt: str) -> None:
    """Stores a deletion with what it takes, in these systems and then in the portal; the first are wanted in the queue.

    `receipt` is random and opens the list.
    """
    tx.connection.execute(
        insert(_deletions).values(
            id=deletion.id,
            customer_id=deletion.customer_id,
            receipt_hash=hashed(receipt),
            asked_at=deletion.asked_at,
        )
    )
    step = {"deletion_id": deletion.id, "progress": Progress.UNDER_WAY, "changed_at": deletion.asked_at, "tries": 0}
    rows = [{**step, "system": system, "woken_at": deletion.asked_at} for system in systems]
    rows.append({**step, "system": PORTAL, "woken_at": None if systems else deletion.asked_at})
    tx.connection.execute(insert(_steps), rows)


def renew_receipt(tx: Transaction, deletion: Deletion, *, receipt: str) -> None:
    """From now on this receipt opens the list."""
    mine = update(_deletions).where(_deletions.c.id == deletion.id)
    tx.connection.execute(mine.values(receipt_hash=hashed(receipt)))


def get(tx: Transaction, deletion_id: str) -> Deletion | None:
    return _one(
        tx.connection.execute(select(_deletions).where(_deletions.c.id == deletion_id)).mappings().one_or_none()
    )


def of_customer(tx: Transaction, customer_id: str) -> Deletion | None:
    found = select(_deletions).where(_deletions.c.customer_id == customer_id)
    return _one(tx.connection.execute(found).mappings().one_or_none())


def by_receipt(tx: Transaction, receipt: str) -> Deletion | None:
    found = select(_deletions).where(_deletions.c.receipt_hash == hashed(receipt))
    return _one(tx.connection.execute(found).mappings().one_or_none())


def latest(tx: Transaction, limit: int) -> tuple[Deletion, ...]:
    """All deletions that are remembered, the latest first."""
    found = select(_deletions).order_by(_deletions.c.asked_at.desc(), _deletions.c.id).limit(limit)
    return tuple(_deletion(row) for row in tx.connection.execute(found).mappings())


def steps(tx: Transaction, deletion_id: str) -> tuple[DeletionStep, ...]:
    """How it stands in each system, the portal last."""
    mine = select(_steps).where(_steps.c.deletion_id == deletion_id)
    found = tx.connection.execute(mine.order_by(_steps.c.system == PORTAL, _steps.c.system)).mappings()
    return tuple(
        DeletionStep(row["system"], Progress(row["progress"]), row["changed_at"], row["tries"]) for row in found
    )


def is_in_hand(tx: Transaction, customer_id: str, provider_key: str, *, now: datetime) -> bool:
    """Whether somebody may be asking this provider for a link of the customer at this moment."""
    attempts = tables.link_sessions
    mine = (attempts.c.customer_id == customer_id, attempts.c.provider_key == provider_key)
    held = select(attempts.c.id).where(*mine, attempts.c.claimed_until > now)
    return tx.connection.execute(held).first() is not None


def settle(tx: Transaction, deletion_id: str, system: str, progress: Progress, *, now: datetime) -> bool:
    """Stores what became of it in one system; False where that is settled already."""
    settled = update(_steps).where(_is(deletion_id, system), _steps.c.progress == Progress.UNDER_WAY)
    values = {"progress": progress, "changed_at": now, "tried_at": now, "tries": _steps.c.tries + 1}
    return tx.connection.execute(settled.values(values)).rowcount == 1


def tried(tx: Transaction, deletion_id: str, system: str, *, now: datetime) -> None:
    """It did not work yet."""
    again = update(_steps).where(_is(deletion_id, system)).values(tried_at=now, tries=_steps.c.tries + 1)
    tx.connection.execute(again)


def done(tx: Transaction, deletion_id: str, *, now: datetime) -> None:
    """Nothing is left of the customer."""
    tx.connection.execute(update(_deletions).where(_deletions.c.id == deletion_id).values(done_at=now))


def wake(tx: Transaction, deletion_id: str, system: str, *, now: datetime) -> bool:
    """Marks what is to be done in one system as in the queue; False where it is there already, or settled."""
    to_do = and_(_steps.c.progress == Progress.UNDER_WAY, asleep(_steps.c.woken_at, now))
    marked = update(_steps).where(_is(deletion_id, system), to_do).values(woken_at=now)
    return tx.connection.execute(marked).rowcount == 1


def take_up(tx: Transaction, deletion_id: str, system: str) -> None:
    """It is out of the queue."""
    tx.connection.execute(update(_steps).where(_is(deletion_id, system)).values(woken_at=None))


def leave(tx: Transaction, deletion_id: str, system: str) -> None:
    """It could not be put in the queue."""
    wakes.leave(tx, _steps, _steps.c.woken_at, _is(deletion_id, system))


def due(tx: Transaction, *, now: datetime, limit: int, lying: bool = False) -> tuple[Due, ...]:
    """What should have been done and is not in the queue, the longest asked for first.

    What the portal holds comes last: the providers are told by it. `lying`: only what somebody wanted in the queue.
    """
    other = _steps.alias()
    provider_is_left = (
        select(other.c.system)
        .where(other.c.deletion_id == _steps.c.deletion_id)
        .where(other.c.system != PORTAL, other.c.progress == Progress.UNDER_WAY)
        .exists()
    )
    waiting = (
        select(_steps.c.deletion_id, _steps.c.system)
        .join_from(_steps, _deletions)
        .where(_steps.c.progress == Progress.UNDER_WAY, or_(_steps.c.system != PORTAL, ~provider_is_left))
        .where(or_(_steps.c.tried_at.is_(None), _steps.c.tried_at <= now - AGAIN_AFTER))
        .where((lies if lying else asleep)(_steps.c.woken_at, now))
        .order_by(_deletions.c.asked_at, _steps.c.deletion_id, _steps.c.system)
        .limit(limit)
    )
    return tuple(Due(row.deletion_id, row.system) for row in tx.connection.execute(waiting))


def purge(tx: Transaction, before: datetime) -> None:
    """Forgets what was done before then."""
    over = _deletions.c.done_at <= before
    tx.connection.execute(delete(_steps).where(_steps.c.deletion_id.in_(select(_deletions.c.id).where(over))))
    tx.connection.execute(delete(_deletions).where(over))


def _is(deletion_id: str, system: str) -> ColumnElement[bool]:
    return and_(_steps.c.deletion_id == deletion_id, _steps.c.system == system)


def _one(row: RowMapping | None) -> Deletion | None:
    return _deletion(row) if row is not None else None


def _deletion(row: RowMapping) -> Deletion:
    return Deletion(row["id"], row["customer_id"], row["asked_at"], row["done_at"])
