"""The tables. Ids are ours and opaque; a column that ends in `_hash` or `_sealed` never holds the clear text."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    false,
)

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, RemovedBecause
from portal.domain.health import Cause
from portal.domain.link_session import Purpose, State
from portal.domain.provider_event import EventKind, EventState
from portal.storage import access_tables, app_tables, consent_tables, deletion_tables, schema, support_tables
from portal.storage.columns import PlainText, UtcDateTime, Word, is_hash, one_of

metadata = schema.metadata

customers = Table(
    "customers",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("issuer", PlainText, nullable=False),
    Column("subject", PlainText, nullable=False),
    Column("email", PlainText),
    Column("name", PlainText),
    Column("locale", PlainText),
    Column("price_zone", PlainText),
    Column("number", PlainText),
    Column("language", PlainText),
    Column("support_asks_first", Boolean, nullable=False, server_default=false()),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("issuer", "subject"),
)

provider_accounts = Table(
    "provider_accounts",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("customer_id", PlainText, ForeignKey("customers.id"), nullable=False),
    Column("provider_key", PlainText, nullable=False),
    Column("pseudonym", PlainText, nullable=False),
    Column("provider_user_id", PlainText),
    Column("adopted", Boolean, nullable=False, server_default=false()),
    Column("looked_at", UtcDateTime),
    Column("read_due_at", UtcDateTime),
    Column("read_failures", Integer, nullable=False, server_default="0"),
    Column("woken_at", UtcDateTime),
    UniqueConstraint("customer_id", "provider_key"),
    UniqueConstraint("provider_key", "pseudonym"),
    UniqueConstraint("provider_key", "provider_user_id"),
    Index(None, "read_due_at"),
)

devices = Table(
    "devices",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("customer_id", PlainText, ForeignKey("customers.id"), nullable=False),
    Column("provider_key", PlainText, nullable=False),
    Column("provider_device_id", PlainText, nullable=False),
    Column("device_type", Word(DeviceType), nullable=False),
    Column("vendor_key", PlainText, nullable=False),
    Column("vendor_name", PlainText, nullable=False),
    Column("model", PlainText),
    Column("nickname", PlainText),
    Column("connection", Word(Connection), nullable=False),
    Column("cause", Word(Cause), nullable=False, server_default="no_word"),
    Column("changed_at", UtcDateTime),
    Column("last_contact_at", UtcDateTime),
    Column("linked_at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime, nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),
    Column("removed_at", UtcDateTime),
    Column("removal_asked_at", UtcDateTime),
    Column("removal_failed_at", UtcDateTime),
    Column("removal_woken_at", UtcDateTime),
    # The attempt that its permission belongs to. No reference: attempts refer to devices, and that were a ring.
    Column("consent_id", PlainText),
    Column("must_go", Boolean, nullable=False, server_default=false()),
    Column("removed_because", Word(RemovedBecause)),
    Column("put_away_at", UtcDateTime),
    Column("mark", PlainText),
    Column("vendor_code", PlainText),
    Column("is_asked_about", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("customer_id", "provider_key", "provider_device_id"),
    # What an attempt's own reference to its device points at: the device *of that customer*.
    UniqueConstraint("customer_id", "id"),
    one_of("device_type", DeviceType),
    one_of("connection", Connection),
    Index(None, "removal_asked_at"),
)

device_history = Table(
    "device_history",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("customer_id", PlainText, nullable=False),
    Column("device_id", PlainText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("connection", PlainText, nullable=False),
    Column("cause", PlainText, nullable=False),
    ForeignKeyConstraint(["customer_id", "device_id"], ["devices.customer_id", "devices.id"]),
    one_of("connection", Connection),
    Index(None, "customer_id", "device_id", "id"),
    sqlite_autoincrement=True,
)

link_sessions = Table(
    "link_sessions",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("customer_id", PlainText, ForeignKey("customers.id"), nullable=False),
    Column("click", PlainText),
    Column("purpose", PlainText, nullable=False),
    Column("provider_key", PlainText, nullable=False),
    Column("device_type", PlainText, nullable=False),
    Column("vendor_key", PlainText, nullable=False),
    Column("vendor_code", PlainText),
    Column("language", PlainText, nullable=False),
    Column("route_reason", PlainText, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("reason", PlainText),
    Column("device_id", PlainText),
    Column("provider_reference", PlainText),
    Column("reference", PlainText, nullable=False, server_default=""),
    Column("connect_url_sealed", PlainText),
    Column("arrival_hash", PlainText),
    Column("hints", JSON, nullable=False),
    Column("confirmed", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("departed_at", UtcDateTime),
    Column("arrived_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("checked_at", UtcDateTime),
    Column("claimed_until", UtcDateTime),
    Column("woken_at", UtcDateTime),
    Column("checks", Integer, nullable=False, server_default="0"),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("put_away_at", UtcDateTime),
    UniqueConstraint("customer_id", "click"),
    UniqueConstraint("customer_id", "id"),
    UniqueConstraint("arrival_hash"),
    # Checked at the end of the transaction, so that an attempt may be moved before its device is stored.
    ForeignKeyConstraint(
        ["customer_id", "device_id"], ["devices.customer_id", "devices.id"], deferrable=True, initially="DEFERRED"
    ),
    one_of("purpose", Purpose),
    one_of("device_type", DeviceType),
    one_of("state", State),
    is_hash("arrival_hash"),
    Index(None, "customer_id", "provider_key", "state"),
    Index(None, "state", "provider_key", "created_at"),
    Index(None, "reference"),
    Index(None, "provider_reference"),
)

# The inbox. No reference to accounts: an event for nobody is kept as well, for an operator to see.
provider_events = Table(
    "provider_events",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("provider_key", PlainText, nullable=False),
    Column("event_id", PlainText, nullable=False),
    Column("kind", PlainText, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("pseudonym", PlainText),
    Column("link_session_id", PlainText),
    Column("readings", JSON, nullable=False),
    Column("device_ids", JSON, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("cause", PlainText),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("woken_at", UtcDateTime),
    Column("done_at", UtcDateTime),
    UniqueConstraint("provider_key", "event_id"),
    one_of("kind", EventKind),
    one_of("state", EventState),
    Index(None, "provider_key", "pseudonym"),
    Index(None, "state", "received_at"),
)

provider_calls = Table(
    "provider_calls",
    metadata,
    Column("provider_key", PlainText, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("milliseconds", BigInteger, nullable=False),
    PrimaryKeyConstraint("provider_key", "since"),
)

provider_pauses = Table(
    "provider_pauses",
    metadata,
    Column("provider_key", PlainText, primary_key=True),
    Column("until", UtcDateTime, nullable=False),
)

vendor_requests = Table(
    "vendor_requests",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("customer_id", PlainText, ForeignKey("customers.id"), nullable=False),
    Column("device_type", PlainText, nullable=False),
    Column("text", PlainText, nullable=False),
    Column("folded", PlainText, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    one_of("device_type", DeviceType),
    Index(None, "customer_id"),
)

vendor_refusals = Table(
    "vendor_refusals",
    metadata,
    Column("provider_key", PlainText, nullable=False),
    Column("device_type", PlainText, nullable=False),
    Column("vendor_code", PlainText, nullable=False),
    Column("refused_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("provider_key", "device_type", "vendor_code"),
)

pending_arrivals = Table(
    "pending_arrivals",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("browser_hash", PlainText, nullable=False),
    Column("provider_key", PlainText, nullable=False),
    Column("link_session_id", PlainText, ForeignKey("link_sessions.id")),
    Column("hints", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    is_hash("browser_hash"),
    Index(None, "browser_hash"),
    Index(None, "expires_at"),
)

login_sessions = Table(
    "login_sessions",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("customer_id", PlainText, ForeignKey("customers.id"), nullable=False),
    Column("token_hash", PlainText, nullable=False),
    Column("id_token_sealed", PlainText),
    Column("app_link", PlainText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime),
    UniqueConstraint("token_hash"),
    is_hash("token_hash"),
    Index(None, "customer_id"),
    Index(None, "expires_at"),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("state_hash", PlainText, primary_key=True),
    Column("browser_hash", PlainText, nullable=False),
    Column("nonce", PlainText, nullable=False),
    Column("code_verifier_sealed", PlainText, nullable=False),
    Column("target", PlainText, nullable=False),
    Column("language", PlainText, nullable=False),
    Column("confirms", Boolean, nullable=False, server_default=false()),
    Column("is_retry", Boolean, nullable=False, server_default=false()),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("taken_at", UtcDateTime),
    is_hash("state_hash"),
    is_hash("browser_hash"),
    Index(None, "expires_at"),
)

consents = consent_tables.consents
app_entries, app_departures = app_tables.app_entries, app_tables.app_departures
agents, staff_sessions = support_tables.agents, support_tables.staff_sessions
support_grants, customer_words = support_tables.support_grants, support_tables.customer_words
support_codes, outbox, logout_tokens = support_tables.support_codes, support_tables.outbox, support_tables.logout_tokens
deletions, deletion_steps = deletion_tables.deletions, deletion_tables.deletion_steps
tombstones = deletion_tables.tombstones
access_events, access_head, audit = access_tables.access_events, access_tables.access_head, access_tables.audit
error_pages = support_tables.error_pages
