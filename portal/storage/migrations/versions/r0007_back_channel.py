"""The staff's issuer signs somebody out by itself: which of its sessions ours are, and which of its words were used."""

import sqlalchemy as sa
from alembic import op

revision = "r0007"
down_revision = "r0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("staff_sessions", sa.Column("issuer_session", sa.Text()))
    op.create_index(op.f("ix_staff_sessions_issuer_session"), "staff_sessions", ["issuer_session"])
    op.create_table(
        "logout_tokens",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "token_hash", name=op.f("pk_logout_tokens")),
        sa.CheckConstraint("length(token_hash) = 64", name=op.f("ck_logout_tokens_token_hash")),
    )
    op.create_index(op.f("ix_logout_tokens_expires_at"), "logout_tokens", ["expires_at"])
    op.create_index(op.f("ix_logout_tokens_issuer_subject"), "logout_tokens", ["issuer", "subject"])


def downgrade() -> None:
    op.drop_table("logout_tokens")
    op.drop_index(op.f("ix_staff_sessions_issuer_session"), "staff_sessions")
    with op.batch_alter_table("staff_sessions") as sessions:
        sessions.drop_column("issuer_session")
