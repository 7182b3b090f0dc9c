"""The retailer's app: entries, departures that go by another browser, and the surface of a login session."""

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("login_sessions", sa.Column("app_link", sa.Text()))
    op.create_table(
        "app_entries",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("app_link", sa.Text(), nullable=False),
        sa.Column("target", sa.Text()),
        sa.Column("locale", sa.Text()),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("browser_hash", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("entered_at", MOMENT),
        sa.PrimaryKeyConstraint("issuer", "token_id", name=op.f("pk_app_entries")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_app_entries_customer_id_customers")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_app_entries_code_hash")),
        sa.CheckConstraint("length(code_hash) = 64", name=op.f("ck_app_entries_code_hash")),
        sa.CheckConstraint("length(browser_hash) = 64", name=op.f("ck_app_entries_browser_hash")),
    )
    op.create_index(op.f("ix_app_entries_browser_hash"), "app_entries", ["browser_hash"])
    op.create_index(op.f("ix_app_entries_created_at"), "app_entries", ["created_at"])
    op.create_table(
        "app_departures",
        sa.Column("link_session_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("app_link", sa.Text(), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("browser_hash", sa.Text(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("code_hash", sa.Text()),
        sa.Column("code_expires_at", MOMENT),
        sa.PrimaryKeyConstraint("link_session_id", name=op.f("pk_app_departures")),
        sa.ForeignKeyConstraint(
            ["customer_id", "link_session_id"],
            ["link_sessions.customer_id", "link_sessions.id"],
            name=op.f("fk_app_departures_customer_id_link_session_id_link_sessions"),
        ),
        sa.CheckConstraint("length(browser_hash) = 64", name=op.f("ck_app_departures_browser_hash")),
        sa.CheckConstraint("length(code_hash) = 64", name=op.f("ck_app_departures_code_hash")),
    )
    op.create_index(op.f("ix_app_departures_browser_hash"), "app_departures", ["browser_hash"])


def downgrade() -> None:
    op.drop_table("app_departures")
    op.drop_table("app_entries")
    with op.batch_alter_table("login_sessions") as table:
        table.drop_column("app_link")
