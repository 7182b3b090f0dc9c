"""The tables of deletions: how far each has come, and what is remembered of whom nothing else is known."""

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, UniqueConstraint

from portal.domain.deletion import Progress
from portal.storage.columns import PlainText, UtcDateTime, is_hash, one_of
from portal.storage.schema import metadata

# No reference to customers: it outlives them.
deletions = Table(
    "deletions",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("customer_id", PlainText, nullable=False),
    Column("receipt_hash", PlainText, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime),
    UniqueConstraint("customer_id"),
    UniqueConstraint("receipt_hash"),
    is_hash("receipt_hash"),
    Index(None, "asked_at"),
)

deletion_steps = Table(
    "deletion_steps",
    metadata,
    Column("deletion_id", PlainText, ForeignKey("deletions.id"), nullable=False),
    Column("system", PlainText, nullable=False),
    Column("progress", PlainText, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("tried_at", UtcDateTime),
    Column("tries", Integer, nullable=False),
    Column("woken_at", UtcDateTime),
    PrimaryKeyConstraint("deletion_id", "system"),
    one_of("progress", Progress),
    Index(None, "progress"),
)

# By what a provider knows somebody, as a keyed digest: it can be recognised and not be read.
tombstones = Table(
    "tombstones",
    metadata,
    Column("digest", PlainText, primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
    is_hash("digest"),
    Index(None, "expires_at"),
)
