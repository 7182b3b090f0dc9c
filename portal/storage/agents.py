"""Support staff: whoever has signed in at the staff's issuer, and the browsers they are signed in with."""

from datetime import datetime

from sqlalchemy import RowMapping, and_, delete, exists, insert, or_, select, update

from portal.domain.people import Identity
from portal.domain.support import Agent, Role
from portal.storage import tables
from portal.storage.database import Transaction
from portal.storage.ids import new_id
from portal.storage.sealing import hashed

_agents = tables.agents
_sessions = tables.staff_sessions


def signed_in(
    tx: Transaction, *, issuer: str, subject: str, name: str | None, email: str | None, role: Role, now: datetime
) -> Agent:
    """The agent of this identity, new or known, in the role they have today."""
    # In small letters, of which no two kinds of database have the same idea.
    told = {"name": name, "email": email.casefold() if email else None, "role": role, "signed_in_at": now}
    new = tx.insert(_agents).values(id=new_id(), issuer=issuer, subject=subject, **told)
    upsert = new.on_conflict_do_update(index_elements=["issuer", "subject"], set_=told).returning(*_agents.c)
    return _agent(tx.connection.execute(upsert).mappings().one())


def get(tx: Transaction, agent_id: str) -> Agent | None:
    row = tx.connection.execute(select(_agents).where(_agents.c.id == agent_id)).mappings().one_or_none()
    return _agent(row) if row else None


def id_of(tx: Transaction, email: str) -> str | None:
    """The agent with this address."""
    theirs = select(_agents.c.id).where(_agents.c.email == email.casefold()).order_by(_agents.c.id).limit(1)
    return tx.connection.scalars(theirs).one_or_none()


def is_known(tx: Transaction, person: Identity) -> bool:
    """Whether this is one of the staff: by the address, or by the name that one issuer gives to both."""
    same = and_(_agents.c.issuer == person.issuer, _agents.c.subject == person.subject)
    if person.email:
        same = or_(same, _agents.c.email == person.email.casefold())
    return tx.connection.scalar(select(exists().where(same))) is True


def open_session(
    tx: Transaction,
    agent_id: str,
    *,
    token: str,
    id_token: str,
    now: datetime,
    expires_at: datetime,
    issuer_session: str | None = None,
) -> str:
    """Signs the agent in, in the browser that gets the random `token`; answers the session's id.

    `issuer_session` is how the issuer calls the session there.
    """
    session_id = new_id()
    session = insert(_sessions).values(
        id=session_id,
        agent_id=agent_id,
        token_hash=hashed(token),
        id_token_sealed=tx.seal(id_token),
        created_at=now,
        seen_at=now,
        expires_at=expires_at,
        issuer_session=issuer_session,
    )
    tx.connection.execute(session)
    return session_id


def by_token(tx: Transaction, token: str, *, now: datetime, seen_since: datetime) -> Agent | None:
    """The agent of this browser; None once the session has ended, or was not used since then."""
    found = (
        select(*_agents.c)
        .join(_sessions, _sessions.c.agent_id == _agents.c.id)
        .where(
            _sessions.c.token_hash == hashed(token),
            _sessions.c.expires_at > now,
            _sessions.c.seen_at > seen_since,
        )
    )
    row = tx.connection.execute(found).mappings().one_or_none()
    return _agent(row) if row else None


def seen(tx: Transaction, token: str, *, now: datetime) -> None:
    """The agent is there: the session goes on."""
    tx.connection.execute(update(_sessions).where(_sessions.c.token_hash == hashed(token)).values(seen_at=now))


def id_token(tx: Transaction, token: str) -> str | None:
    """The ID token of the sign-in that this browser's session began with."""
    kept = select(_sessions.c.id_token_sealed).where(_sessions.c.token_hash == hashed(token))
    sealed = tx.connection.scalars(kept).one_or_none()
    return tx.unseal(sealed) if sealed is not None else None


def close_session(tx: Transaction, token: str) -> str | None:
    """Signs the agent out of this browser; answers the id of the session that was."""
    closed = delete(_sessions).where(_sessions.c.token_hash == hashed(token)).returning(_sessions.c.id)
    return tx.connection.scalars(closed).one_or_none()


def close_all(tx: Transaction, issuer: str, subject: str) -> Agent | None:
    """Signs somebody out everywhere; answers the agent they are, or were."""
    theirs = select(_agents).where(_agents.c.issuer == issuer, _agents.c.subject == subject)
    row = tx.connection.execute(theirs).mappings().one_or_none()
    if row is None:
        return None
    tx.connection.execute(delete(_sessions).where(_sessions.c.agent_id == row["id"]))
    return _agent(row)


def subject_of(tx: Transaction, issuer: str, issuer_session: str) -> str | None:
    """Who signed in here with this session of the issuer's, as the issuer calls them."""
    theirs = (
        select(_agents.c.subject)
        .join(_sessions, _sessions.c.agent_id == _agents.c.id)
        .where(_agents.c.issuer == issuer, _sessions.c.issuer_session == issuer_session)
        .order_by(_agents.c.id)
        .limit(1)
    )
    return tx.connection.scalars(theirs).one_or_none()


def purge_sessions(tx: Transaction, now: datetime) -> None:
    """Deletes the sessions that have ended by themselves."""
    tx.connection.execute(delete(_sessions).where(_sessions.c.expires_at <= now))


def _agent(row: RowMapping) -> Agent:
    return Agent(
        id=row["id"],
        issuer=row["issuer"],
        subject=row["subject"],
        name=row["name"],
        email=row["email"],
        role=Role(row["role"]),
    )
