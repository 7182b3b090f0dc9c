"""Missing manufacturers counted by their letters, and vendors that a provider has refused."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "r0016"
down_revision = "r0015"
branch_labels = None
depends_on = None

REQUESTS = sa.table("vendor_requests", sa.column("id"), sa.column("text"), sa.column("folded"))


def upgrade() -> None:
    op.add_column("vendor_requests", sa.Column("folded", sa.Text(), nullable=False, server_default=""))
    _fold()
    op.create_table(
        "vendor_refusals",
        sa.Column("provider_key", sa.Text(), nullable=False),
        sa.Column("device_type", sa.Text(), nullable=False),
        sa.Column("vendor_code", sa.Text(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider_key", "device_type", "vendor_code", name=op.f("pk_vendor_refusals")),
    )


def downgrade() -> None:
    op.drop_table("vendor_refusals")
    with op.batch_alter_table("vendor_requests") as requests:
        requests.drop_column("folded")


def _fold() -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(REQUESTS.c.id, REQUESTS.c.text)).all():
        folded = "".join(letter for letter in unicodedata.normalize("NFKD", row.text.casefold()) if letter.isalnum())
        connection.execute(sa.update(REQUESTS).where(REQUESTS.c.id == row.id).values(folded=folded))
