"""What customers agreed to before leaving, one for each attempt."""

from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, RowMapping, and_, exists, insert, or_, select, update

from portal.domain.link_session import OPEN, State
from portal.domain.people import Consent
from portal.storage import tables
from portal.storage.database import Transaction

_consents = tables.consents


_NEW = insert(_consents)


class Idle(NamedTuple):
    """A permission that nothing came of."""

    customer_id: str
    link_session_id: str


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


def idle(tx: Transaction, *, over_since: datetime, limit: int) -> tuple[Idle, ...]:
    """Permissions in force, of all customers, whose attempts were over by then and never linked anything."""
    attempts = tables.link_sessions
    of_it = (attempts.c.customer_id == _consents.c.customer_id, attempts.c.id == _consents.c.link_session_id)
    is_over = (
        attempts.c.state.not_in([*OPEN, State.LINKED]),
        attempts.c.ended_at <= over_since,
        attempts.c.expires_at <= over_since,
    )
    in_force = (_consents.c.withdrawn_at.is_(None), _consents.c.ended_at.is_(None))
    found = (
        select(_consents.c.customer_id, _consents.c.link_session_id)
        .join(attempts, and_(*of_it))
        .where(*in_force, *is_over, ~_linked())
        .order_by(_consents.c.given_at, _consents.c.link_session_id)
        .limit(limit)
    )
    return tuple(Idle(*row) for row in tx.connection.execute(found))


def end(tx: Transaction, customer_id: str, link_session_id: str, *, now: datetime) -> bool:
    """Ends a permission by itself; False where that has happened, it was taken back, or a device is connected on it."""
    tx.in_turn(customer_id)
    mine = (*_not_taken_back(customer_id, link_session_id), _consents.c.ended_at.is_(None))
    ended = update(_consents).where(*mine, ~_linked()).values(ended_at=now)
    return tx.connection.execute(ended).rowcount == 1


def resume(tx: Transaction, customer_id: str, link_session_id: str) -> bool:
    """Puts a permission back in force that had ended by itself: its attempt came to something after all."""
    tx.in_turn(customer_id)
    mine = (*_not_taken_back(customer_id, link_session_id), _consents.c.ended_at.is_not(None))
    return tx.connection.execute(update(_consents).where(*mine).values(ended_at=None)).rowcount == 1


def _linked() -> ColumnElement[bool]:
    """Whether anything is or was connected on the permission."""
    devices = tables.devices
    return exists().where(
        devices.c.customer_id == _consents.c.customer_id, devices.c.consent_id == _consents.c.link_session_id
    )


def _not_taken_back(customer_id: str, link_session_id: str) -> tuple[ColumnElement[bool], ...]:
    mine = (_consents.c.customer_id == customer_id, _consents.c.link_session_id == link_session_id)
    return (*mine, _consents.c.withdrawn_at.is_(None))


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
        ended_at=row["ended_at"],
    )
