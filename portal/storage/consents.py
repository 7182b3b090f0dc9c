"""What customers agreed to before leaving, one for each attempt."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import RowMapping, insert, or_, select, update

from portal.domain.people import Consent
from portal.storage import tables
from portal.storage.database import Transaction

_consents = tables.consents


_NEW = insert(_consents)


def record(tx: Transaction, consent: Consent) -> None:
    tx.connection.execute(_NEW, asdict(consent))


def of_attempt(tx: Transaction, customer_id: str, link_session_id: str) -> Consent | None:
    mine = select(_consents).where(
        _consents.c.customer_id == customer_id, _consents.c.link_session_id == link_session_id
    )
    row = tx.connection.execute(mine).mappings().one_or_none()
    return _consent(row) if row else None


def latest(tx: Transaction, customer_id: str, limit: int) -> tuple[Consent, ...]:
    """What the customer agreed to, the latest first."""
    mine = select(_consents).where(_consents.c.customer_id == customer_id)
    newest = mine.order_by(_consents.c.given_at.desc(), _consents.c.link_session_id).limit(limit)
    return tuple(_consent(row) for row in tx.connection.execute(newest).mappings())


def attempts_on(tx: Transaction, customer_id: str, link_session_id: str) -> tuple[str, ...]:
    """The ids of the attempt that it was given for and of the renewals of what is connected on it."""
    attempts, devices = tables.link_sessions, tables.devices
    connected = select(devices.c.id).where(
        devices.c.customer_id == customer_id, devices.c.consent_id == link_session_id
    )
    resting = or_(attempts.c.id == link_session_id, attempts.c.device_id.in_(connected))
    found = select(attempts.c.id).where(attempts.c.customer_id == customer_id, resting)
    return tuple(tx.connection.scalars(found.order_by(attempts.c.created_at, attempts.c.id)))


def withdraw(tx: Transaction, customer_id: str, link_session_id: str, *, now: datetime) -> bool:
    """Writes down that the customer took it back; False where they have already, or have none of this id."""
    tx.in_turn(customer_id)
    mine = (_consents.c.customer_id == customer_id, _consents.c.link_session_id == link_session_id)
    withdrawn = update(_consents).where(*mine, _consents.c.withdrawn_at.is_(None)).values(withdrawn_at=now)
    return tx.connection.execute(withdrawn).rowcount == 1


def _consent(row: RowMapping) -> Consent:
    return Consent(
        customer_id=row["customer_id"],
        link_session_id=row["link_session_id"],
        provider_key=row["provider_key"],
        version=row["version"],
        language=row["language"],
        smart_control=row["smart_control"],
        given_at=row["given_at"],
        withdrawn_at=row["withdrawn_at"],
    )
