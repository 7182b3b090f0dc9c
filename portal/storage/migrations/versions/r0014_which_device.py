"""What tells one device from another, the vendor code it was linked with, and what its customer is asked."""

import sqlalchemy as sa
from alembic import op

revision = "r0014"
down_revision = "r0013"
branch_labels = None
depends_on = None

CODE_OF_ITS_ATTEMPT = """
    UPDATE devices SET vendor_code = (
        SELECT link_sessions.vendor_code FROM link_sessions
        WHERE link_sessions.id = devices.consent_id AND link_sessions.customer_id = devices.customer_id
    )
"""
"""A device is connected on the permission of the attempt that linked it."""


def upgrade() -> None:
    op.add_column("devices", sa.Column("mark", sa.Text()))
    op.add_column("devices", sa.Column("vendor_code", sa.Text()))
    op.add_column("devices", sa.Column("is_asked_about", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(CODE_OF_ITS_ATTEMPT)


def downgrade() -> None:
    with op.batch_alter_table("devices") as devices:
        devices.drop_column("is_asked_about")
        devices.drop_column("vendor_code")
        devices.drop_column("mark")
