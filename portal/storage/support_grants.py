"""The permissions of agents to see what a customer sees: made for a while, renewed once, ended for good."""

from datetime import datetime

from sqlalchemy import RowMapping, func, insert, select, update

from portal.domain.support import MOST_TRIES, EndCause, Reason, SupportGrant
from portal.storage import tables
from portal.storage.database import Transaction

_grants = tables.support_grants


def keep(tx: Transaction, grant: SupportGrant) -> None:
    """Stores a new permission."""
    new = insert(_grants).values(
        id=grant.id,
        agent_id=grant.agent_id,
        customer_id=grant.customer_id,
        reason=grant.reason,
        ticket=grant.ticket,
        created_at=grant.created_at,
        expires_at=grant.expires_at,
        assists_since=grant.assists_since,
    )
    tx.connection.execute(new)


def get(tx: Transaction, agent_id: str, grant_id: str) -> SupportGrant | None:
    """The agent's own permission, however it stands."""
    mine = select(_grants).where(_grants.c.id == grant_id, _grants.c.agent_id == agent_id)
    row = tx.connection.execute(mine).mappings().one_or_none()
    return _grant(row) if row else None


def open_of(tx: Transaction, agent_id: str, *, now: datetime) -> tuple[SupportGrant, ...]:
    """What the agent may look at now, the latest first."""
    mine = (_grants.c.agent_id == agent_id, _grants.c.ended_at.is_(None), _grants.c.expires_at > now)
    rows = tx.connection.execute(select(_grants).where(*mine).order_by(_grants.c.created_at.desc(), _grants.c.id))
    return tuple(_grant(row) for row in rows.mappings())


def customers_seen(tx: Transaction, agent_id: str, *, since: datetime) -> int:
    """How many different customers the agent was allowed to look at after this moment."""
    seen = select(func.count(_grants.c.customer_id.distinct()))
    return tx.connection.scalars(seen.where(_grants.c.agent_id == agent_id, _grants.c.created_at > since)).one()


def of_customer(tx: Transaction, customer_id: str, *, limit: int) -> tuple[SupportGrant, ...]:
    """When and why the customer was looked at, the latest first."""
    theirs = select(_grants).where(_grants.c.customer_id == customer_id)
    latest = theirs.order_by(_grants.c.created_at.desc(), _grants.c.id).limit(limit)
    return tuple(_grant(row) for row in tx.connection.execute(latest).mappings())


def renew(tx: Transaction, grant: SupportGrant) -> bool:
    """Stores a renewal; False where it was renewed or ended meanwhile."""
    still = (_grants.c.id == grant.id, _grants.c.renewed_at.is_(None), _grants.c.ended_at.is_(None))
    renewed = update(_grants).where(*still).values(renewed_at=grant.renewed_at, expires_at=grant.expires_at)
    return tx.connection.execute(renewed).rowcount == 1


def end(tx: Transaction, agent_id: str, *, grant_id: str | None, cause: EndCause, now: datetime) -> None:
    """Ends a permission of the agent, or all of them."""
    mine = (_grants.c.agent_id == agent_id, _grants.c.ended_at.is_(None), _grants.c.expires_at > now)
    one = () if grant_id is None else (_grants.c.id == grant_id,)
    tx.connection.execute(update(_grants).where(*mine, *one).values(ended_at=now, end_cause=cause))


def end_of_customer(tx: Transaction, customer_id: str, *, cause: EndCause, now: datetime) -> None:
    """Ends whatever lets somebody look at this customer."""
    theirs = (_grants.c.customer_id == customer_id, _grants.c.ended_at.is_(None), _grants.c.expires_at > now)
    tx.connection.execute(update(_grants).where(*theirs).values(ended_at=now, end_cause=cause))


def count_try(tx: Transaction, grant_id: str) -> bool:
    """Counts a code that is typed in; False where that were one too many."""
    some_left = (_grants.c.id == grant_id, _grants.c.code_tries < MOST_TRIES)
    counted = update(_grants).where(*some_left).values(code_tries=_grants.c.code_tries + 1)
    return tx.connection.execute(counted).rowcount == 1


def let_assist(tx: Transaction, grant_id: str, *, now: datetime) -> None:
    """The customer lets the agent help, for as long as the permission lasts."""
    tx.connection.execute(update(_grants).where(_grants.c.id == grant_id).values(assists_since=now))


def _grant(row: RowMapping) -> SupportGrant:
    return SupportGrant(
        id=row["id"],
        agent_id=row["agent_id"],
        customer_id=row["customer_id"],
        reason=Reason(row["reason"]),
        ticket=row["ticket"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        renewed_at=row["renewed_at"],
        ended_at=row["ended_at"],
        end_cause=EndCause(row["end_cause"]) if row["end_cause"] is not None else None,
        assists_since=row["assists_since"],
        code_tries=row["code_tries"],
    )
