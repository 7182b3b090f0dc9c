"""Reference numbers of attempts and error pages, so that support finds what a customer reads out."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "r0010"
down_revision = "r0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
IN_ONE_GO = 1000
ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"


def upgrade() -> None:
    op.add_column("link_sessions", sa.Column("reference", sa.Text(), nullable=False, server_default=""))
    _give_references()
    op.create_index(op.f("ix_link_sessions_reference"), "link_sessions", ["reference"])
    op.create_index(op.f("ix_link_sessions_provider_reference"), "link_sessions", ["provider_reference"])
    op.create_table(
        "error_pages",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("shown_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_error_pages")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_error_pages_customer_id_customers")),
    )
    op.create_index(op.f("ix_error_pages_customer_id_shown_at"), "error_pages", ["customer_id", "shown_at"])
    op.create_index(op.f("ix_error_pages_shown_at"), "error_pages", ["shown_at"])


def downgrade() -> None:
    op.drop_table("error_pages")
    op.drop_index(op.f("ix_link_sessions_provider_reference"), "link_sessions")
    op.drop_index(op.f("ix_link_sessions_reference"), "link_sessions")
    with op.batch_alter_table("link_sessions") as link_sessions:
        link_sessions.drop_column("reference")


def _give_references() -> None:
    """Attempts that are there already get the number that the code gives to new ones."""
    attempts = sa.table("link_sessions", sa.column("id", sa.Text), sa.column("reference", sa.Text))
    connection = op.get_bind()
    without = sa.select(attempts.c.id).where(attempts.c.reference == "").limit(IN_ONE_GO)
    one = sa.update(attempts).where(attempts.c.id == sa.bindparam("attempt_id")).values(reference=sa.bindparam("new"))
    while found := connection.scalars(without).all():
        connection.execute(one, [{"attempt_id": each, "new": _reference_of(each)} for each in found])


def _reference_of(attempt_id: str) -> str:
    """As the code had it at the time of this migration."""
    octets = hashlib.sha256(b"reference " + attempt_id.encode()).digest()[:8]
    digits = "".join(ALPHABET[octet % len(ALPHABET)] for octet in octets)
    return f"{digits[:4]}-{digits[4:]}"
