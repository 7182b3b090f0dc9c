"""The tables of what happened to customers, and of what support saw and did: a chain that only grows, and its reach."""

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, Integer, Table

from portal.storage.columns import PlainText, UtcDateTime, is_hash
from portal.storage.schema import metadata

_COUNTER = BigInteger().with_variant(Integer, "sqlite")

# No reference to customers, agents or grants: what happened stays on record when they are gone.
access_events = Table(
    "access_events",
    metadata,
    Column("number", _COUNTER, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", PlainText, nullable=False),
    Column("actor_role", PlainText, nullable=False),
    Column("customer_id", PlainText),
    Column("grant_id", PlainText),
    Column("reason", PlainText),
    Column("ticket", PlainText),
    Column("action", PlainText, nullable=False),
    Column("object_type", PlainText),
    Column("object_id", PlainText),
    Column("outcome", PlainText, nullable=False),
    Column("request_reference", PlainText, nullable=False),
    Column("previous_hash", PlainText, nullable=False),
    Column("hash", PlainText, nullable=False),
    Column("version", Integer, nullable=False),
    is_hash("previous_hash"),
    is_hash("hash"),
    Index(None, "customer_id", "number"),
    Index(None, "actor", "number"),
    Index(None, "grant_id", "number"),
    Index(None, "at"),
)

# One row, made by the migration: whoever writes an event locks it, so that the chain never forks.
access_head = Table(
    "access_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", _COUNTER, nullable=False),
    Column("hash", PlainText, nullable=False),
    CheckConstraint("id = 1", name="only_one"),
    is_hash("hash"),
)

# No reference to customers: what happened stays on record when a customer is deleted.
audit = Table(
    "audit",
    metadata,
    Column("id", _COUNTER, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", PlainText, nullable=False),
    Column("customer_id", PlainText),
    Column("action", PlainText, nullable=False),
    Column("object_type", PlainText, nullable=False),
    Column("object_id", PlainText),
    Column("details", JSON, nullable=False),
    Index(None, "customer_id", "id"),
    sqlite_autoincrement=True,
)
