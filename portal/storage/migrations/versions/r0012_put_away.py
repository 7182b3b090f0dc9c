"""What stays in sight until it is put away, and permissions that end because nothing was connected on them."""

import sqlalchemy as sa
from alembic import op

revision = "r0012"
down_revision = "r0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("link_sessions", sa.Column("put_away_at", MOMENT))
    op.add_column("devices", sa.Column("removed_because", sa.Text()))
    op.add_column("devices", sa.Column("put_away_at", MOMENT))
    op.add_column("consents", sa.Column("ended_at", MOMENT))


def downgrade() -> None:
    for table, column in (
        ("consents", "ended_at"),
        ("devices", "put_away_at"),
        ("devices", "removed_because"),
        ("link_sessions", "put_away_at"),
    ):
        with op.batch_alter_table(table) as altered:
            altered.drop_column(column)
