"""The tables of the retailer's app: who was let in by it, and who was let out."""

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from portal.storage.columns import PlainText, UtcDateTime, is_hash
from portal.storage.schema import metadata

# The key is what makes a token good for once: whoever brings the same one again is refused by the database itself.
app_entries = Table(
    "app_entries",
    metadata,
    Column("issuer", PlainText, nullable=False),
    Column("token_id", PlainText, nullable=False),
    Column("customer_id", PlainText, ForeignKey("customers.id"), nullable=False),
    Column("app_link", PlainText, nullable=False),
    Column("target", PlainText),
    Column("locale", PlainText),
    Column("code_hash", PlainText, nullable=False),
    Column("browser_hash", PlainText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("entered_at", UtcDateTime),
    PrimaryKeyConstraint("issuer", "token_id"),
    UniqueConstraint("code_hash"),
    is_hash("code_hash"),
    is_hash("browser_hash"),
    Index(None, "browser_hash"),
    Index(None, "created_at"),
)

app_departures = Table(
    "app_departures",
    metadata,
    Column("link_session_id", PlainText, primary_key=True),
    Column("customer_id", PlainText, nullable=False),
    Column("app_link", PlainText, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("browser_hash", PlainText, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("code_hash", PlainText),
    Column("code_expires_at", UtcDateTime),
    ForeignKeyConstraint(["customer_id", "link_session_id"], ["link_sessions.customer_id", "link_sessions.id"]),
    is_hash("browser_hash"),
    is_hash("code_hash"),
    Index(None, "browser_hash"),
)
