"""Customers who want to be forgotten, and who show anew that it is them."""

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision = "r0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PROGRESS = "progress IN ('under_way', 'done', 'not_offered', 'given_up')"


def upgrade() -> None:
    op.add_column("login_sessions", sa.Column("confirmed_at", MOMENT))
    op.add_column("sign_ins", sa.Column("confirms", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "deletions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("receipt_hash", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_deletions_customer_id")),
        sa.UniqueConstraint("receipt_hash", name=op.f("uq_deletions_receipt_hash")),
        sa.CheckConstraint("length(receipt_hash) = 64", name=op.f("ck_deletions_receipt_hash")),
    )
    op.create_index(op.f("ix_deletions_asked_at"), "deletions", ["asked_at"])
    op.create_table(
        "deletion_steps",
        sa.Column("deletion_id", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("tried_at", MOMENT),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("woken_at", MOMENT),
        sa.PrimaryKeyConstraint("deletion_id", "system", name=op.f("pk_deletion_steps")),
        sa.ForeignKeyConstraint(
            ["deletion_id"], ["deletions.id"], name=op.f("fk_deletion_steps_deletion_id_deletions")
        ),
        sa.CheckConstraint(PROGRESS, name=op.f("ck_deletion_steps_progress")),
    )
    op.create_index(op.f("ix_deletion_steps_progress"), "deletion_steps", ["progress"])
    op.create_table(
        "tombstones",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tombstones")),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_tombstones_digest")),
    )
    op.create_index(op.f("ix_tombstones_expires_at"), "tombstones", ["expires_at"])


def downgrade() -> None:
    for table in ("tombstones", "deletion_steps", "deletions"):
        op.drop_table(table)
    with op.batch_alter_table("sign_ins") as sign_ins:
        sign_ins.drop_column("confirms")
    with op.batch_alter_table("login_sessions") as login_sessions:
        login_sessions.drop_column("confirmed_at")
