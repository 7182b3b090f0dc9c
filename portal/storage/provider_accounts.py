"""Customers as each provider knows them."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Executable, MappingResult, RowMapping, bindparam, or_, select, update
from sqlalchemy.exc import IntegrityError

from portal.domain.people import ProviderAccount
from portal.storage import tables, tombstones, wakes
from portal.storage.database import Transaction
from portal.storage.ids import new_id
from portal.storage.wakes import asleep, is_awake, lies

_accounts = tables.provider_accounts

# Built once: it is asked at each click.
_OF = select(_accounts).where(
    _accounts.c.customer_id == bindparam("customer_id"), _accounts.c.provider_key == bindparam("provider_key")
)


@dataclass(frozen=True, slots=True)
class Reading:
    """When the customer last looked at the devices of a provider, and how often in a row it could not be asked."""

    looked_at: datetime | None
    failures: int


class AlreadyBound(Exception):
    """This account has another provider user, or another account has this one, or had it before it was deleted."""


def ensure(tx: Transaction, customer_id: str, provider_key: str) -> ProviderAccount:
    """The customer's account at this provider, with a new random pseudonym the first time."""
    known = of(tx, customer_id, provider_key)
    if known is not None:
        return known
    new = {"id": new_id(), "customer_id": customer_id, "provider_key": provider_key, "pseudonym": secrets.token_hex(16)}
    made = tx.connection.execute(tx.kept(_unless_there), new).mappings().one_or_none()
    if made is not None:
        return _account(made)
    # Another transaction was first, which this one did not see before.
    return _account(_of(tx, customer_id, provider_key).one())


def _unless_there(tx: Transaction) -> Executable:
    unless_there = tx.insert(_accounts).on_conflict_do_nothing(index_elements=["customer_id", "provider_key"])
    return unless_there.returning(*_accounts.c)


def of(tx: Transaction, customer_id: str, provider_key: str) -> ProviderAccount | None:
    tx.in_turn(customer_id)
    row = _of(tx, customer_id, provider_key).one_or_none()
    return _account(row) if row else None


def all_of(tx: Transaction, customer_id: str) -> tuple[ProviderAccount, ...]:
    """All accounts of the customer, by provider."""
    mine = select(_accounts).where(_accounts.c.customer_id == customer_id).order_by(_accounts.c.provider_key)
    return tuple(_account(row) for row in tx.connection.execute(mine).mappings())


def by_pseudonym(tx: Transaction, provider_key: str, pseudonym: str) -> ProviderAccount | None:
    """The account that this provider means; it knows no customer but by pseudonym, hence no owner here."""
    return _one(tx, _accounts.c.provider_key == provider_key, _accounts.c.pseudonym == pseudonym)


def by_provider_user(tx: Transaction, provider_key: str, provider_user_id: str) -> ProviderAccount | None:
    """Whoever holds this provider user, so that nobody else gets it."""
    return _one(tx, _accounts.c.provider_key == provider_key, _accounts.c.provider_user_id == provider_user_id)


def bind(tx: Transaction, account: ProviderAccount, provider_user_id: str, *, adopted: bool = False) -> ProviderAccount:
    """The account with the provider's own id of the customer, for good. Raises AlreadyBound; the same id may repeat."""
    if tombstones.holds(tx, account.provider_key, provider_user_id):
        raise AlreadyBound(account.provider_key)
    unbound = or_(_accounts.c.provider_user_id.is_(None), _accounts.c.provider_user_id == provider_user_id)
    mine = (_accounts.c.id == account.id, _accounts.c.customer_id == account.customer_id)
    values = {"provider_user_id": provider_user_id} | ({"adopted": True} if adopted else {})
    bound = update(_accounts).where(*mine, unbound).values(values).returning(*_accounts.c)
    try:
        with tx.connection.begin_nested():
            row = tx.connection.execute(bound).mappings().one_or_none()
    except IntegrityError:
        row = None
    if row is None:
        # The cause would carry the ids of two customers.
        raise AlreadyBound(account.provider_key) from None
    return _account(row)


def unbind(tx: Transaction, customer_id: str, provider_key: str) -> None:
    """Forgets the provider's own id of the customer, which it has deleted."""
    tx.in_turn(customer_id)
    mine = (_accounts.c.customer_id == customer_id, _accounts.c.provider_key == provider_key)
    tx.connection.execute(update(_accounts).where(*mine).values(provider_user_id=None, adopted=False))


def rename(tx: Transaction, customer_id: str, provider_key: str) -> None:
    """Gives the customer a new pseudonym at a provider that has no user of theirs; one that is bound keeps its own."""
    tx.in_turn(customer_id)
    mine = (_accounts.c.customer_id == customer_id, _accounts.c.provider_key == provider_key)
    unbound = _accounts.c.provider_user_id.is_(None)
    tx.connection.execute(update(_accounts).where(*mine, unbound).values(pseudonym=secrets.token_hex(16)))


def is_woken(tx: Transaction, customer_id: str, provider_key: str, *, now: datetime) -> bool:
    """Whether the reading of the customer's devices is in the queue."""
    mine = (_accounts.c.customer_id == customer_id, _accounts.c.provider_key == provider_key)
    return is_awake(tx.connection.scalars(select(_accounts.c.woken_at).where(*mine)).one_or_none(), now)


def wake(tx: Transaction, customer_id: str, provider_key: str, *, now: datetime, looked: bool = False) -> bool:
    """Marks the reading of the customer's devices as in the queue; False where it is there already.

    `looked`: the customer is looking, which sets the pace of the readings to come.
    """
    tx.in_turn(customer_id)
    mine = (_accounts.c.customer_id == customer_id, _accounts.c.provider_key == provider_key)
    values = {"woken_at": now} | ({"looked_at": now} if looked else {})
    marked = update(_accounts).where(*mine, asleep(_accounts.c.woken_at, now)).values(values)
    return tx.connection.execute(marked).rowcount == 1


def take_up(tx: Transaction, customer_id: str, provider_key: str) -> Reading | None:
    """Out of the queue: how the readings of this customer's devices have gone so far."""
    tx.in_turn(customer_id)
    mine = (_accounts.c.customer_id == customer_id, _accounts.c.provider_key == provider_key)
    taken = update(_accounts).where(*mine).values(woken_at=None)
    row = tx.connection.execute(taken.returning(_accounts.c.looked_at, _accounts.c.read_failures)).one_or_none()
    return Reading(row.looked_at, row.read_failures) if row else None


def leave(tx: Transaction, customer_id: str, provider_key: str) -> None:
    """The reading could not be put in the queue; it is due since that was wanted."""
    tx.in_turn(customer_id)
    mine = (_accounts.c.customer_id == customer_id, _accounts.c.provider_key == provider_key)
    wakes.leave(tx, _accounts, _accounts.c.woken_at, *mine, read_due_at=_accounts.c.woken_at)


def plan(tx: Transaction, customer_id: str, provider_key: str, *, due_at: datetime | None, failures: int) -> None:
    """When the devices are to be read next by themselves; never where that is None."""
    tx.in_turn(customer_id)
    mine = (_accounts.c.customer_id == customer_id, _accounts.c.provider_key == provider_key)
    tx.connection.execute(update(_accounts).where(*mine).values(read_due_at=due_at, read_failures=failures))


def due(tx: Transaction, *, now: datetime, limit: int, lying: bool = False) -> tuple[tuple[str, str], ...]:
    """(customer, provider) of all customers whose devices are to be read, the longest overdue first.

    `lying`: only those that somebody wanted in the queue.
    """
    waiting = (
        select(_accounts.c.customer_id, _accounts.c.provider_key)
        .where(_accounts.c.read_due_at <= now, (lies if lying else asleep)(_accounts.c.woken_at, now))
        .order_by(_accounts.c.read_due_at, _accounts.c.id)
        .limit(limit)
    )
    return tuple((row.customer_id, row.provider_key) for row in tx.connection.execute(waiting))


def _of(tx: Transaction, customer_id: str, provider_key: str) -> MappingResult:
    return tx.connection.execute(_OF, {"customer_id": customer_id, "provider_key": provider_key}).mappings()


def _one(tx: Transaction, *conditions: ColumnElement[bool]) -> ProviderAccount | None:
    row = tx.connection.execute(select(_accounts).where(*conditions)).mappings().one_or_none()
    return _account(row) if row else None


def _account(row: RowMapping) -> ProviderAccount:
    return ProviderAccount(
        id=row["id"],
        customer_id=row["customer_id"],
        provider_key=row["provider_key"],
        pseudonym=row["pseudonym"],
        provider_user_id=row["provider_user_id"],
        adopted=row["adopted"],
    )
