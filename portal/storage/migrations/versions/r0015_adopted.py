"""Users that were at a provider before us, and devices that are read once a day for ever."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "r0015"
down_revision = "r0014"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
RESTING = """
SELECT id FROM provider_accounts WHERE read_due_at IS NULL AND EXISTS (
    SELECT 1 FROM devices WHERE devices.customer_id = provider_accounts.customer_id
        AND devices.provider_key = provider_accounts.provider_key AND devices.removed_at IS NULL
) ORDER BY id
"""


def upgrade() -> None:
    op.add_column("provider_accounts", sa.Column("adopted", sa.Boolean(), nullable=False, server_default=sa.false()))
    _plan_again()


def downgrade() -> None:
    with op.batch_alter_table("provider_accounts") as accounts:
        accounts.drop_column("adopted")


def _plan_again() -> None:
    """Accounts whose devices were not read any more are, spread over a day."""
    connection = op.get_bind()
    now = datetime.now(UTC)
    if connection.dialect.name == "sqlite":
        now = now.replace(tzinfo=None)
    resting = list(connection.scalars(sa.text(RESTING)))
    pause = timedelta(days=1) / max(len(resting), 1)
    accounts = sa.table("provider_accounts", sa.column("id", sa.Text()), sa.column("read_due_at", MOMENT))
    planned = sa.update(accounts).where(accounts.c.id == sa.bindparam("account"))
    rows = [{"account": one, "due": now + pause * place} for place, one in enumerate(resting)]
    if rows:
        connection.execute(planned.values(read_due_at=sa.bindparam("due")), rows)
