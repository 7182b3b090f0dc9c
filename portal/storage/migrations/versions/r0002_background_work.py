"""What background work stands on: wake marks, the inbox of provider events, provider health, device history."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CONNECTIONS = "connection IN ('working', 'needs_reauthentication', 'waiting', 'unreachable', 'unknown')"

ADDED = {
    "provider_accounts": ("looked_at", "read_due_at", "read_failures", "woken_at"),
    "devices": ("cause", "changed_at", "removal_asked_at", "removal_failed_at", "removal_woken_at"),
    "link_sessions": ("woken_at", "checks"),
}
DEFAULTS: dict[str, tuple[sa.types.TypeEngine[Any], str]] = {
    "read_failures": (sa.Integer(), "0"),
    "checks": (sa.Integer(), "0"),
    "cause": (sa.Text(), "no_word"),
}
INDEXES = {
    "ix_provider_accounts_read_due_at": ("provider_accounts", ["read_due_at"]),
    "ix_devices_removal_asked_at": ("devices", ["removal_asked_at"]),
    "ix_link_sessions_state_provider_key_created_at": ("link_sessions", ["state", "provider_key", "created_at"]),
}


def upgrade() -> None:
    for table, columns in ADDED.items():
        for column in columns:
            op.add_column(table, added(column))
    for name, (table, indexed) in INDEXES.items():
        op.create_index(op.f(name), table, indexed)
    create_device_history()
    create_provider_events()
    create_provider_health()
    ask_about_devices_linked_before()


def downgrade() -> None:
    for table in ("provider_pauses", "provider_calls", "provider_events", "device_history"):
        op.drop_table(table)
    for name, (table, _) in INDEXES.items():
        op.drop_index(op.f(name), table)
    for table, columns in ADDED.items():
        for column in columns:
            op.drop_column(table, column)


def added(name: str) -> sa.Column[Any]:
    """A moment that may be missing, or one of the columns with a value from the start."""
    if name not in DEFAULTS:
        return sa.Column(name, MOMENT)
    kind, value = DEFAULTS[name]
    return sa.Column(name, kind, nullable=False, server_default=value)


def create_device_history() -> None:
    op.create_table(
        "device_history",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.CheckConstraint(CONNECTIONS, name=op.f("ck_device_history_connection")),
        sa.ForeignKeyConstraint(
            ["customer_id", "device_id"],
            ["devices.customer_id", "devices.id"],
            name=op.f("fk_device_history_customer_id_device_id_devices"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_history")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_device_history_customer_id_device_id_id"), "device_history", ["customer_id", "device_id", "id"]
    )


def create_provider_events() -> None:
    op.create_table(
        "provider_events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("provider_key", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("pseudonym", sa.Text()),
        sa.Column("link_session_id", sa.Text()),
        sa.Column("readings", sa.JSON(), nullable=False),
        sa.Column("device_ids", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text()),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("woken_at", MOMENT),
        sa.Column("done_at", MOMENT),
        sa.CheckConstraint(
            "kind IN ('connected', 'disconnected', 'changed', 'ignored')", name=op.f("ck_provider_events_kind")
        ),
        sa.CheckConstraint(
            "state IN ('received', 'done', 'quarantined', 'dead')", name=op.f("ck_provider_events_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_events")),
        sa.UniqueConstraint("provider_key", "event_id", name=op.f("uq_provider_events_provider_key_event_id")),
    )
    op.create_index(op.f("ix_provider_events_provider_key_pseudonym"), "provider_events", ["provider_key", "pseudonym"])
    op.create_index(op.f("ix_provider_events_state_received_at"), "provider_events", ["state", "received_at"])


def create_provider_health() -> None:
    op.create_table(
        "provider_calls",
        sa.Column("provider_key", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("provider_key", "since", name=op.f("pk_provider_calls")),
    )
    op.create_table(
        "provider_pauses",
        sa.Column("provider_key", sa.Text(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("provider_key", name=op.f("pk_provider_pauses")),
    )


def ask_about_devices_linked_before() -> None:
    """Accounts with devices get a place on the schedule, as if their customers had looked when they were last read."""
    op.execute(
        "UPDATE provider_accounts SET "
        "read_due_at = (SELECT max(read_at) FROM devices WHERE devices.customer_id = provider_accounts.customer_id "
        "AND devices.provider_key = provider_accounts.provider_key AND devices.removed_at IS NULL), "
        "looked_at = (SELECT max(read_at) FROM devices WHERE devices.customer_id = provider_accounts.customer_id "
        "AND devices.provider_key = provider_accounts.provider_key AND devices.removed_at IS NULL)"
    )
    op.execute("UPDATE devices SET changed_at = observed_at")
