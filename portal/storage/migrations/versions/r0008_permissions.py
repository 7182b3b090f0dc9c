"""What customers decide: permissions that are taken back, and support that asks first."""

import sqlalchemy as sa
from alembic import op

revision = "r0008"
down_revision = "r0007"
branch_labels = None
depends_on = None

CAUSES = ("button", "signed_out", "role_lost")

# The attempt by which a device was connected; where one brought several, the latest permission before they came.
FIND_PERMISSIONS = """
UPDATE devices SET consent_id = COALESCE(
    (SELECT id FROM link_sessions
        WHERE customer_id = devices.customer_id AND device_id = devices.id AND purpose = 'link' AND state = 'linked'
        ORDER BY created_at DESC, id LIMIT 1),
    (SELECT link_session_id FROM consents
        WHERE customer_id = devices.customer_id AND provider_key = devices.provider_key
            AND given_at <= devices.linked_at
        ORDER BY given_at DESC, link_session_id LIMIT 1)
)
"""


def upgrade() -> None:
    op.add_column("consents", sa.Column("withdrawn_at", sa.DateTime(timezone=True)))
    op.add_column("devices", sa.Column("consent_id", sa.Text()))
    op.add_column("devices", sa.Column("must_go", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("customers", sa.Column("support_asks_first", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(FIND_PERMISSIONS)
    set_causes((*CAUSES, "customer"))


def downgrade() -> None:
    op.execute("UPDATE support_grants SET end_cause = 'button' WHERE end_cause = 'customer'")
    set_causes(CAUSES)
    with op.batch_alter_table("customers") as customers:
        customers.drop_column("support_asks_first")
    with op.batch_alter_table("devices") as devices:
        devices.drop_column("must_go")
        devices.drop_column("consent_id")
    with op.batch_alter_table("consents") as consents:
        consents.drop_column("withdrawn_at")


def set_causes(causes: tuple[str, ...]) -> None:
    """Makes these the causes for which a permission of support may end."""
    name = op.f("ck_support_grants_end_cause")
    listed = ", ".join(f"'{cause}'" for cause in causes)
    with op.batch_alter_table("support_grants") as grants:
        grants.drop_constraint(name, type_="check")
        grants.create_check_constraint(name, f"end_cause IN ({listed})")
