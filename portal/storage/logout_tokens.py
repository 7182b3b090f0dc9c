"""The tokens by which the staff's issuer signed somebody out: each is good once, and kept while it could come again."""

from datetime import datetime

from sqlalchemy import delete, exists, select

from portal.storage import tables
from portal.storage.database import Transaction
from portal.storage.sealing import hashed

_tokens = tables.logout_tokens


def take(
    tx: Transaction,
    issuer: str,
    token_id: str,
    *,
    subject: str | None,
    issued_at: datetime,
    now: datetime,
    expires_at: datetime,
) -> bool:
    """Uses a token up; False where it was used before."""
    tx.connection.execute(delete(_tokens).where(_tokens.c.expires_at <= now))
    new = tx.insert(_tokens).values(
        issuer=issuer, token_hash=hashed(token_id), subject=subject, issued_at=issued_at, expires_at=expires_at
    )
    once = new.on_conflict_do_nothing(index_elements=["issuer", "token_hash"]).returning(_tokens.c.token_hash)
    return tx.connection.execute(once).one_or_none() is not None


def is_out(tx: Transaction, issuer: str, subject: str, *, since: datetime) -> bool:
    """Whether the issuer signed this person out after that moment, as far as its words are kept."""
    theirs = (_tokens.c.issuer == issuer, _tokens.c.subject == subject, _tokens.c.issued_at > since)
    return tx.connection.scalar(select(exists().where(*theirs))) is True
