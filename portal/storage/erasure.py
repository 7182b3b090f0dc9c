"""Forgetting a customer: every row that is theirs, in the order in which rows refer to each other."""

from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, delete, false, or_, select, update

from portal.domain.people import ProviderAccount
from portal.storage import tables, tombstones
from portal.storage.database import Transaction

AT_ONCE: tuple[Table, ...] = (
    tables.login_sessions,
    tables.support_grants,
    tables.support_codes,
    tables.customer_words,
    tables.outbox,
    tables.vendor_requests,
    tables.error_pages,
    tables.device_history,
)
"""What no provider has to be told by."""

IN_THE_END: tuple[Table, ...] = (
    tables.app_departures,
    tables.consents,
    tables.link_sessions,
    tables.device_history,
    tables.devices,
    tables.provider_accounts,
    *AT_ONCE[:-1],
)

NOBODY = "deleted"
"""The issuer of a customer whose account is being deleted: no sign-in leads to it any more."""


def forget_person(tx: Transaction, customer_id: str, *, now: datetime) -> None:
    """Who it was, and all that no provider has to be told by, is gone: whoever signs in again is somebody new."""
    tx.in_turn(customer_id)
    customers, devices = tables.customers, tables.devices
    nobody = dict.fromkeys(("email", "name", "locale", "price_zone", "number", "language"))
    it = update(customers).where(customers.c.id == customer_id)
    # First of all: a sign-in at this very moment is then either before, and its session goes, or somebody new's.
    tx.connection.execute(it.values(issuer=NOBODY, subject=customer_id, **nobody))
    _use_up_app_entries(tx, customer_id, now)
    for table in AT_ONCE:
        tx.connection.execute(delete(table).where(table.c.customer_id == customer_id))
    tx.connection.execute(update(devices).where(devices.c.customer_id == customer_id).values(nickname=None, mark=None))


def erase(tx: Transaction, customer_id: str, accounts: tuple[ProviderAccount, ...], *, now: datetime) -> None:
    """Every row of the customer is gone but what is on record; the providers' names for them stay known as digests."""
    tx.in_turn(customer_id)
    for account in accounts:
        for name in filter(None, (account.pseudonym, account.provider_user_id)):
            tombstones.keep(tx, account.provider_key, name, now=now)
        _forget_arrivals(tx, account)
    attempts, arrivals, events = tables.link_sessions, tables.pending_arrivals, tables.provider_events
    theirs = select(attempts.c.id).where(attempts.c.customer_id == customer_id)
    tx.connection.execute(delete(arrivals).where(arrivals.c.link_session_id.in_(theirs)))
    tx.connection.execute(delete(events).where(or_(false(), *map(_is_about, accounts))))
    _use_up_app_entries(tx, customer_id, now)
    for table in IN_THE_END:
        tx.connection.execute(delete(table).where(table.c.customer_id == customer_id))
    tx.connection.execute(delete(tables.customers).where(tables.customers.c.id == customer_id))


def _forget_arrivals(tx: Transaction, account: ProviderAccount) -> None:
    """Returns that wait for a sign-in, of nobody's attempt, and name the customer as this provider does."""
    arrivals = tables.pending_arrivals
    waiting = select(arrivals.c.id, arrivals.c.hints).where(
        arrivals.c.provider_key == account.provider_key, arrivals.c.link_session_id.is_(None)
    )
    named = [row.id for row in tx.connection.execute(waiting) if row.hints.get("pseudonym") == account.pseudonym]
    tx.connection.execute(delete(arrivals).where(arrivals.c.id.in_(named)))


def _is_about(account: ProviderAccount) -> ColumnElement[bool]:
    events = tables.provider_events
    return and_(events.c.provider_key == account.provider_key, events.c.pseudonym == account.pseudonym)


def _use_up_app_entries(tx: Transaction, customer_id: str, now: datetime) -> None:
    """No token by which the app let them in is good again, though its row is gone."""
    entries = tables.app_entries
    gone = delete(entries).where(entries.c.customer_id == customer_id).returning(entries.c.issuer, entries.c.token_id)
    for entry in tx.connection.execute(gone).all():
        tombstones.keep(tx, tombstones.APP, entry.issuer, entry.token_id, now=now)
