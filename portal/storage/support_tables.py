"""The tables of customer support: who they are, whom they were allowed to look at, and how customers are found."""

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, UniqueConstraint

from portal.domain.support import EndCause, Reason, Role
from portal.storage.columns import OrderedText, PlainText, UtcDateTime, is_hash, one_of
from portal.storage.schema import metadata

agents = Table(
    "agents",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("issuer", PlainText, nullable=False),
    Column("subject", PlainText, nullable=False),
    Column("name", PlainText),
    Column("email", PlainText),
    Column("role", PlainText, nullable=False),
    Column("signed_in_at", UtcDateTime, nullable=False),
    UniqueConstraint("issuer", "subject"),
    one_of("role", Role),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("agent_id", PlainText, ForeignKey("agents.id"), nullable=False),
    Column("token_hash", PlainText, nullable=False),
    Column("id_token_sealed", PlainText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("issuer_session", PlainText),
    UniqueConstraint("token_hash"),
    is_hash("token_hash"),
    Index(None, "agent_id"),
    Index(None, "expires_at"),
    Index(None, "issuer_session"),
)

# The key is what makes a token good for once: whoever brings the same one again is refused by the database itself.
logout_tokens = Table(
    "logout_tokens",
    metadata,
    Column("issuer", PlainText, nullable=False),
    Column("token_hash", PlainText, nullable=False),
    Column("subject", PlainText),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("issuer", "token_hash"),
    is_hash("token_hash"),
    Index(None, "expires_at"),
    Index(None, "issuer", "subject"),
)

support_grants = Table(
    "support_grants",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("agent_id", PlainText, ForeignKey("agents.id"), nullable=False),
    Column("customer_id", PlainText, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("ticket", PlainText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("renewed_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("end_cause", PlainText),
    Column("assists_since", UtcDateTime),
    Column("code_tries", Integer, nullable=False, server_default="0"),
    one_of("reason", Reason),
    one_of("end_cause", EndCause),
    Index(None, "agent_id", "expires_at"),
    Index(None, "customer_id", "created_at"),
)

# The code by which a customer lets an agent help: one at a time, gone once used.
support_codes = Table(
    "support_codes",
    metadata,
    Column("customer_id", PlainText, ForeignKey("customers.id"), primary_key=True),
    Column("code_hash", PlainText, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    is_hash("code_hash"),
    Index(None, "expires_at"),
)

# What is to be sent to customers. A key goes out once; what was in the letter is forgotten as soon as it is sent.
outbox = Table(
    "outbox",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("key", PlainText, nullable=False),
    Column("customer_id", PlainText, nullable=False),
    Column("letter_sealed", PlainText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("woken_at", UtcDateTime),
    UniqueConstraint("key"),
    Index(None, "due_at"),
)

# One row a word of a customer's name, their number and their e-mail address, all in small plain letters.
customer_words = Table(
    "customer_words",
    metadata,
    Column("customer_id", PlainText, ForeignKey("customers.id"), nullable=False),
    Column("word", OrderedText, nullable=False),
    PrimaryKeyConstraint("customer_id", "word"),
    Index(None, "word", "customer_id"),
)

# Error pages that customers were shown, so that support finds them by the number that is read out.
error_pages = Table(
    "error_pages",
    metadata,
    Column("reference", PlainText, primary_key=True),
    Column("customer_id", PlainText, ForeignKey("customers.id"), nullable=False),
    Column("status", Integer, nullable=False),
    Column("shown_at", UtcDateTime, nullable=False),
    Index(None, "customer_id", "shown_at"),
    Index(None, "shown_at"),
)
