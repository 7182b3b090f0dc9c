"""The table of what customers agreed to."""

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Table

from portal.storage.columns import PlainText, UtcDateTime
from portal.storage.schema import metadata

consents = Table(
    "consents",
    metadata,
    Column("link_session_id", PlainText, primary_key=True),
    Column("customer_id", PlainText, nullable=False),
    Column("provider_key", PlainText, nullable=False),
    Column("version", PlainText, nullable=False),
    Column("language", PlainText, nullable=False),
    Column("smart_control", Boolean, nullable=False),
    Column("given_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    ForeignKeyConstraint(["customer_id", "link_session_id"], ["link_sessions.customer_id", "link_sessions.id"]),
)
