"""Help without taking over: the code by which a customer allows it, and the letters that are to be sent."""

import sqlalchemy as sa
from alembic import op

revision = "r0006"
down_revision = "r0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("support_grants", sa.Column("assists_since", MOMENT))
    op.add_column("support_grants", sa.Column("code_tries", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "support_codes",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_support_codes")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_support_codes_customer_id_customers")),
        sa.CheckConstraint("length(code_hash) = 64", name=op.f("ck_support_codes_code_hash")),
    )
    op.create_index(op.f("ix_support_codes_expires_at"), "support_codes", ["expires_at"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("letter_sealed", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("woken_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index(op.f("ix_outbox_due_at"), "outbox", ["due_at"])


def downgrade() -> None:
    op.drop_table("outbox")
    op.drop_table("support_codes")
    with op.batch_alter_table("support_grants") as grants:
        grants.drop_column("code_tries")
        grants.drop_column("assists_since")
