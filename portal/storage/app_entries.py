"""Arrivals from the retailer's app: each token is taken once, and the code it was changed for opens one session."""

from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, delete, select, update

from portal.domain.people import AppEntry
from portal.storage import tables, tombstones
from portal.storage.customers import customer_of
from portal.storage.database import Transaction
from portal.storage.sealing import hashed

_entries = tables.app_entries
_customers = tables.customers


class Replayed(Exception):
    """This token was here before."""


def keep(
    tx: Transaction,
    *,
    issuer: str,
    token_id: str,
    customer_id: str,
    app_link: str,
    target: str | None,
    locale: str | None,
    code: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Changes a token for a random `code`. Raises Replayed where the same token was changed before."""
    new = tx.insert(_entries).values(
        issuer=issuer,
        token_id=token_id,
        customer_id=customer_id,
        app_link=app_link,
        target=target,
        locale=locale,
        code_hash=hashed(code),
        created_at=now,
        expires_at=expires_at,
    )
    if tombstones.holds(tx, tombstones.APP, issuer, token_id):
        raise Replayed
    once = new.on_conflict_do_nothing(index_elements=["issuer", "token_id"]).returning(_entries.c.token_id)
    if tx.connection.execute(once).one_or_none() is None:
        raise Replayed


def by_code(tx: Transaction, code: str) -> AppEntry | None:
    """The entry of a code that no browser holds yet, however old it is."""
    return _one(tx, _entries.c.code_hash == hashed(code), _entries.c.browser_hash.is_(None))


def held_by(tx: Transaction, browser: str, *, now: datetime) -> AppEntry | None:
    """The newest entry that this browser holds and that waits for a yes."""
    mine = (_entries.c.browser_hash == hashed(browser), _entries.c.entered_at.is_(None), _entries.c.expires_at > now)
    return _one(tx, *mine)


def hold(tx: Transaction, entry: AppEntry, browser: str, *, until: datetime) -> bool:
    """Spends the code: from now on the entry belongs to this browser, until then. False where another was first."""
    values = {"browser_hash": hashed(browser), "expires_at": until}
    changed = update(_entries).where(_this(entry), _entries.c.browser_hash.is_(None), _entries.c.entered_at.is_(None))
    return tx.connection.execute(changed.values(values)).rowcount == 1


def enter(tx: Transaction, entry: AppEntry, *, now: datetime) -> bool:
    """Uses the entry up. False where another was first."""
    unused = update(_entries).where(_this(entry), _entries.c.entered_at.is_(None))
    return tx.connection.execute(unused.values(entered_at=now)).rowcount == 1


def of_customer(tx: Transaction, customer_id: str) -> tuple[tuple[datetime, datetime | None], ...]:
    """When the app asked to let this customer in, and when they came, oldest first, as far as that is kept."""
    mine = select(_entries.c.created_at, _entries.c.entered_at).where(_entries.c.customer_id == customer_id)
    found = tx.connection.execute(mine.order_by(_entries.c.created_at, _entries.c.token_id))
    return tuple((row.created_at, row.entered_at) for row in found)


def purge(tx: Transaction, before: datetime) -> None:
    """Deletes the entries that were made before then."""
    tx.connection.execute(delete(_entries).where(_entries.c.created_at <= before))


def _this(entry: AppEntry) -> ColumnElement[bool]:
    return (_entries.c.issuer == entry.issuer) & (_entries.c.token_id == entry.token_id)


def _one(tx: Transaction, *conditions: ColumnElement[bool]) -> AppEntry | None:
    found = (
        select(*_customers.c, *(column.label(f"entry_{column.name}") for column in _entries.c))
        .join_from(_entries, _customers)
        .where(*conditions)
        .order_by(_entries.c.created_at.desc(), _entries.c.token_id)
        .limit(1)
    )
    row = tx.connection.execute(found).mappings().one_or_none()
    return _entry(row) if row else None


def _entry(row: RowMapping) -> AppEntry:
    return AppEntry(
        issuer=row["entry_issuer"],
        token_id=row["entry_token_id"],
        customer=customer_of(row),
        app_link=row["entry_app_link"],
        target=row["entry_target"],
        locale=row["entry_locale"],
        expires_at=row["entry_expires_at"],
        entered_at=row["entry_entered_at"],
    )
