"""A proven identity becomes a customer who is signed in, in one browser."""

import secrets
from datetime import datetime, timedelta

from portal.domain.people import Customer, Identity
from portal.storage import audit, customers
from portal.storage import login_sessions as stored
from portal.storage.database import Database, Transaction


def sign_in(
    database: Database, identity: Identity, id_token: str | None, now: datetime, hours: int, *, confirms: bool = False
) -> tuple[Customer, str]:
    """The customer of this identity, and the random token that makes a browser theirs for so many hours.

    `confirms`: they have just shown that it is them.
    """
    token = secrets.token_urlsafe(32)
    with database.write() as tx:
        stored.purge(tx, now)
        customer = customers.signed_in(tx, identity, now=now)
        session = stored.open(
            tx,
            customer.id,
            token=token,
            id_token=id_token,
            now=now,
            expires_at=now + timedelta(hours=hours),
            confirmed_at=now if confirms else None,
        )
        note(tx, customer.id, "login_session.opened", session.id, now)
    return customer, token


def sign_out(database: Database, token: str, now: datetime) -> None:
    """End the session of this token, for good and whoever still has the cookie."""
    with database.write() as tx:
        session = stored.by_token(tx, token, now=now)
        stored.close(tx, token)
        if session is not None:
            note(tx, session.customer.id, "login_session.closed", session.id, now)


def note(tx: Transaction, customer_id: str, action: str, session_id: str, now: datetime) -> None:
    """Writes down what became of a login session."""
    audit.record(
        tx,
        at=now,
        actor="customer",
        customer_id=customer_id,
        action=action,
        object_type="login_session",
        object_id=session_id,
    )
