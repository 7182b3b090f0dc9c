"""How often in a row the step of an attempt ended in a fault of ours."""

import sqlalchemy as sa
from alembic import op

revision = "r0011"
down_revision = "r0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("link_sessions", sa.Column("crashes", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("link_sessions") as link_sessions:
        link_sessions.drop_column("crashes")
