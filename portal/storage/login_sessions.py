"""Signed-in browsers. Only the hash of a browser's token is here; deleting the row signs it out."""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select

from portal.domain.people import LoginSession
from portal.storage import tables
from portal.storage.customers import customer_of
from portal.storage.database import Transaction
from portal.storage.ids import new_id
from portal.storage.sealing import hashed

_sessions = tables.login_sessions
_customers = tables.customers

_BY_TOKEN = (
    select(
        *_customers.c,
        _sessions.c.id.label("session_id"),
        _sessions.c.created_at.label("opened_at"),
        _sessions.c.expires_at,
        _sessions.c.app_link,
        _sessions.c.confirmed_at,
    )
    .join_from(_sessions, _customers)
    .where(_sessions.c.token_hash == bindparam("token"), _sessions.c.expires_at > bindparam("now"))
)
"""Built once: it is asked on every page."""


def open(  # noqa: A001 - `login_sessions.open` is how it is read
    tx: Transaction,
    customer_id: str,
    *,
    token: str,
    id_token: str | None,
    now: datetime,
    expires_at: datetime,
    app_link: str | None = None,
    confirmed_at: datetime | None = None,
) -> LoginSession:
    """Signs the customer in, in the browser that gets the random `token`; with `app_link` it is the app's webview."""
    session = insert(_sessions).values(
        id=new_id(),
        customer_id=customer_id,
        token_hash=hashed(token),
        id_token_sealed=tx.seal(id_token) if id_token is not None else None,
        app_link=app_link,
        confirmed_at=confirmed_at,
        created_at=now,
        expires_at=expires_at,
    )
    tx.connection.execute(session)
    opened = by_token(tx, token, now=now)
    if opened is None:
        raise ValueError("a login session ends after it begins")
    return opened


def by_token(tx: Transaction, token: str, *, now: datetime) -> LoginSession | None:
    """The session of this browser with its customer, in one statement; None once it has ended."""
    row = tx.connection.execute(_BY_TOKEN, {"token": hashed(token), "now": now}).mappings().one_or_none()
    if row is None:
        return None
    return LoginSession(
        id=row["session_id"],
        customer=customer_of(row),
        created_at=row["opened_at"],
        expires_at=row["expires_at"],
        app_link=row["app_link"],
        confirmed_at=row["confirmed_at"],
    )


def of_customer(tx: Transaction, customer_id: str) -> tuple[tuple[datetime, datetime, bool], ...]:
    """Where the customer is signed in now, oldest first: since when, until when, and whether in the app."""
    mine = select(_sessions.c.created_at, _sessions.c.expires_at, _sessions.c.app_link)
    found = mine.where(_sessions.c.customer_id == customer_id).order_by(_sessions.c.created_at, _sessions.c.id)
    return tuple((row.created_at, row.expires_at, row.app_link is not None) for row in tx.connection.execute(found))


def id_token(tx: Transaction, token: str) -> str | None:
    """The ID token of the sign-in that this browser's session began with."""
    kept = select(_sessions.c.id_token_sealed).where(_sessions.c.token_hash == hashed(token))
    sealed = tx.connection.scalars(kept).one_or_none()
    return tx.unseal(sealed) if sealed is not None else None


def close(tx: Transaction, token: str) -> None:
    """Signs the browser out; once is as good as twice."""
    tx.connection.execute(delete(_sessions).where(_sessions.c.token_hash == hashed(token)))


def purge(tx: Transaction, now: datetime) -> None:
    """Deletes the sessions that have ended by themselves."""
    tx.connection.execute(delete(_sessions).where(_sessions.c.expires_at <= now))
