"""Customers whose issuer has a new name: the same people, known by the same subjects, under another address."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from portal.storage import audit, erasure, tables
from portal.storage.database import Transaction

_customers = tables.customers


@dataclass(frozen=True, slots=True)
class Move:
    """What became of one customer. `is_held`: both names have linked something, and a person must decide."""

    customer_id: str
    is_held: bool


def subjects_of(tx: Transaction, issuer: str) -> tuple[str, ...]:
    """The subjects that this issuer's customers have."""
    theirs = select(_customers.c.subject).where(_customers.c.issuer == issuer).order_by(_customers.c.subject)
    return tuple(tx.connection.scalars(theirs))


def move(tx: Transaction, subject: str, *, old: str, new: str, now: datetime) -> Move:
    """Gives the customer of `old` to `new`. Who has come under the new name already, and linked nothing, gives way."""
    customer_id = _of(tx, old, subject)
    if customer_id is None:
        raise LookupError(subject)
    tx.in_turn(customer_id)
    newcomer = _of(tx, new, subject)
    if newcomer is not None:
        if _has_linked(tx, newcomer):
            return Move(customer_id, is_held=True)
        erasure.erase(tx, newcomer, (), now=now)
    tx.connection.execute(update(_customers).where(_customers.c.id == customer_id).values(issuer=new))
    audit.record(
        tx,
        at=now,
        actor="operator",
        customer_id=customer_id,
        action="customer.issuer_moved",
        object_type="customer",
        object_id=customer_id,
        details={"from": old, "to": new},
    )
    return Move(customer_id, is_held=False)


def _of(tx: Transaction, issuer: str, subject: str) -> str | None:
    """The customer with this issuer and subject; the row is locked until the transaction ends."""
    theirs = select(_customers.c.id).where(_customers.c.issuer == issuer, _customers.c.subject == subject)
    return tx.connection.scalar(theirs.with_for_update())


def _has_linked(tx: Transaction, customer_id: str) -> bool:
    """Whether a provider may know this customer: from the first click that leads to one."""
    accounts = tables.provider_accounts
    return tx.connection.scalar(select(accounts.c.id).where(accounts.c.customer_id == customer_id).limit(1)) is not None
