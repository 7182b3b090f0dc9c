"""Finding a customer by a number that stood on one of their pages: of an attempt, or of an error."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select

from portal.storage import tables
from portal.storage.database import Transaction

_attempts = tables.link_sessions
_errors = tables.error_pages

MOST_OF_ONE = 50
"""How many error pages of one customer are remembered; a page that fails again and again fills nothing."""

MOST_FOUND = 20


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """An error page that a customer was shown."""

    reference: str
    customer_id: str
    status: int
    shown_at: datetime


def customers_of_attempts(tx: Transaction, *, reference: str | None, provider_reference: str) -> tuple[str, ...]:
    """The ids of customers whose attempts have this number, or whose provider calls its session so."""
    named = [_attempts.c.provider_reference == provider_reference]
    if reference is not None:
        named.append(_attempts.c.reference == reference)
    found = select(_attempts.c.customer_id).where(or_(*named)).order_by(_attempts.c.customer_id).distinct()
    return tuple(tx.connection.scalars(found.limit(MOST_FOUND)))


def account_of_attempt(tx: Transaction, reference: str) -> tuple[str, str] | None:
    """The customer's id and the provider's key of the attempt with this number."""
    found = select(_attempts.c.customer_id, _attempts.c.provider_key).where(_attempts.c.reference == reference)
    row = tx.connection.execute(found).one_or_none()
    return (row.customer_id, row.provider_key) if row is not None else None


def keep_error(tx: Transaction, page: ErrorPage) -> None:
    """Remembers an error page, and forgets this customer's oldest ones beyond the bound."""
    tx.in_turn(page.customer_id)
    new = tx.insert(_errors).values(
        reference=page.reference, customer_id=page.customer_id, status=page.status, shown_at=page.shown_at
    )
    tx.connection.execute(new.on_conflict_do_nothing())
    latest = (
        select(_errors.c.reference)
        .where(_errors.c.customer_id == page.customer_id)
        .order_by(_errors.c.shown_at.desc(), _errors.c.reference)
    )
    older = delete(_errors).where(_errors.c.customer_id == page.customer_id)
    tx.connection.execute(older.where(_errors.c.reference.not_in(latest.limit(MOST_OF_ONE))))


def error_page(tx: Transaction, reference: str) -> ErrorPage | None:
    row = tx.connection.execute(select(_errors).where(_errors.c.reference == reference)).mappings().one_or_none()
    return ErrorPage(**row) if row is not None else None


def errors_of(tx: Transaction, customer_id: str) -> tuple[ErrorPage, ...]:
    """The error pages that are remembered of this customer, oldest first."""
    shown = select(_errors).where(_errors.c.customer_id == customer_id)
    rows = tx.connection.execute(shown.order_by(_errors.c.shown_at, _errors.c.reference)).mappings()
    return tuple(ErrorPage(**row) for row in rows)


def purge(tx: Transaction, shown_before: datetime) -> None:
    tx.connection.execute(delete(_errors).where(_errors.c.shown_at < shown_before))
