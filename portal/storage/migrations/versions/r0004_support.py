"""Customer support: agents and their sessions, permissions, and how customers are found."""

import sqlalchemy as sa
from alembic import op

from portal.storage.customer_words import words_of

revision = "r0004"
down_revision = "r0003"
branch_labels = None
depends_on = None

# What begins with some letters is a range only where a word follows another as its letters do, in no language's order.
IN_PLAIN_ORDER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("customers", sa.Column("number", sa.Text()))
    create_agents()
    create_grants()
    op.create_table(
        "customer_words",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("word", IN_PLAIN_ORDER, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "word", name=op.f("pk_customer_words")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_customer_words_customer_id_customers")
        ),
    )
    have_customers_found()
    op.create_index(op.f("ix_customer_words_word_customer_id"), "customer_words", ["word", "customer_id"])


def have_customers_found() -> None:
    """Those who signed in before are found at once, by what is known of them."""
    connection = op.get_bind()
    known = connection.execute(sa.text("SELECT id, email, name FROM customers ORDER BY id")).all()
    rows = [{"customer_id": row.id, "word": word} for row in known for word in words_of((row.email, row.name))]
    if rows:
        connection.execute(sa.text("INSERT INTO customer_words (customer_id, word) VALUES (:customer_id, :word)"), rows)


def downgrade() -> None:
    for table in ("customer_words", "support_grants", "staff_sessions", "agents"):
        op.drop_table(table)
    with op.batch_alter_table("customers") as customers:
        customers.drop_column("number")


def create_agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("email", sa.Text()),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("signed_in_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_agents_issuer_subject")),
        sa.CheckConstraint("role IN ('agent', 'lead', 'auditor')", name=op.f("ck_agents_role")),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("id_token_sealed", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_staff_sessions_agent_id_agents")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_sessions_token_hash")),
        sa.CheckConstraint("length(token_hash) = 64", name=op.f("ck_staff_sessions_token_hash")),
    )
    op.create_index(op.f("ix_staff_sessions_agent_id"), "staff_sessions", ["agent_id"])
    op.create_index(op.f("ix_staff_sessions_expires_at"), "staff_sessions", ["expires_at"])


def create_grants() -> None:
    reasons = "'connecting', 'reconnecting', 'device_data', 'account', 'privacy', 'other'"
    op.create_table(
        "support_grants",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("renewed_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("end_cause", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_grants")),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_support_grants_agent_id_agents")),
        sa.CheckConstraint(f"reason IN ({reasons})", name=op.f("ck_support_grants_reason")),
        sa.CheckConstraint(
            "end_cause IN ('button', 'signed_out', 'role_lost')", name=op.f("ck_support_grants_end_cause")
        ),
    )
    op.create_index(op.f("ix_support_grants_agent_id_expires_at"), "support_grants", ["agent_id", "expires_at"])
    op.create_index(op.f("ix_support_grants_customer_id_created_at"), "support_grants", ["customer_id", "created_at"])
