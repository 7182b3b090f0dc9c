"""What customers agreed to before leaving, one for each attempt."""

from dataclasses import asdict

from sqlalchemy import RowMapping, insert, select

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


def _consent(row: RowMapping) -> Consent:
    return Consent(
        customer_id=row["customer_id"],
        link_session_id=row["link_session_id"],
        provider_key=row["provider_key"],
        version=row["version"],
        language=row["language"],
        smart_control=row["smart_control"],
        given_at=row["given_at"],
    )
