"""A sign-in that ended is known for a while: what it was for, and whether it had been started once more."""

import sqlalchemy as sa
from alembic import op

revision = "r0013"
down_revision = "r0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sign_ins", sa.Column("is_retry", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("sign_ins", sa.Column("taken_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.execute("DELETE FROM sign_ins WHERE taken_at IS NOT NULL")
    with op.batch_alter_table("sign_ins") as sign_ins:
        sign_ins.drop_column("taken_at")
        sign_ins.drop_column("is_retry")
