"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "customers",
    "provider_accounts",
    "devices",
    "link_sessions",
    "consents",
    "vendor_requests",
    "pending_arrivals",
    "login_sessions",
    "sign_ins",
    "audit",
)


def upgrade() -> None:
    create_customers()
    create_devices()
    create_link_sessions()
    create_what_goes_with_an_attempt()
    create_sign_in()
    create_audit()
    forbid_changes_of_audit()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_is_append_only()")


def create_customers() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("email", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("locale", sa.Text()),
        sa.Column("price_zone", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_customers_issuer_subject")),
    )
    op.create_table(
        "provider_accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("provider_key", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("provider_user_id", sa.Text()),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_provider_accounts_customer_id_customers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_accounts")),
        sa.UniqueConstraint("customer_id", "provider_key", name=op.f("uq_provider_accounts_customer_id_provider_key")),
        sa.UniqueConstraint(
            "provider_key", "provider_user_id", name=op.f("uq_provider_accounts_provider_key_provider_user_id")
        ),
        sa.UniqueConstraint("provider_key", "pseudonym", name=op.f("uq_provider_accounts_provider_key_pseudonym")),
    )


def create_devices() -> None:
    op.create_table(
        "devices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("provider_key", sa.Text(), nullable=False),
        sa.Column("provider_device_id", sa.Text(), nullable=False),
        sa.Column("device_type", sa.Text(), nullable=False),
        sa.Column("vendor_key", sa.Text(), nullable=False),
        sa.Column("vendor_name", sa.Text(), nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("nickname", sa.Text()),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("last_contact_at", sa.DateTime(timezone=True)),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "connection IN ('working', 'needs_reauthentication', 'waiting', 'unreachable', 'unknown')",
            name=op.f("ck_devices_connection"),
        ),
        sa.CheckConstraint(
            "device_type IN ('heat_pump', 'vehicle', 'charger', 'inverter', 'battery', 'hvac')",
            name=op.f("ck_devices_device_type"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_devices_customer_id_customers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("customer_id", "id", name=op.f("uq_devices_customer_id_id")),
        sa.UniqueConstraint(
            "customer_id",
            "provider_key",
            "provider_device_id",
            name=op.f("uq_devices_customer_id_provider_key_provider_device_id"),
        ),
    )


def create_link_sessions() -> None:
    op.create_table(
        "link_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("click", sa.Text()),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("provider_key", sa.Text(), nullable=False),
        sa.Column("device_type", sa.Text(), nullable=False),
        sa.Column("vendor_key", sa.Text(), nullable=False),
        sa.Column("vendor_code", sa.Text()),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("route_reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("device_id", sa.Text()),
        sa.Column("provider_reference", sa.Text()),
        sa.Column("connect_url_sealed", sa.Text()),
        sa.Column("arrival_hash", sa.Text()),
        sa.Column("hints", sa.JSON(), nullable=False),
        sa.Column("confirmed", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("departed_at", sa.DateTime(timezone=True)),
        sa.Column("arrived_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("checked_at", sa.DateTime(timezone=True)),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "device_type IN ('heat_pump', 'vehicle', 'charger', 'inverter', 'battery', 'hvac')",
            name=op.f("ck_link_sessions_device_type"),
        ),
        sa.CheckConstraint("purpose IN ('link', 'reauthenticate')", name=op.f("ck_link_sessions_purpose")),
        sa.CheckConstraint(
            "state IN ('created', 'departed', 'arrived', 'linked', 'waiting', "
            "'held', 'cancelled', 'failed', 'expired')",
            name=op.f("ck_link_sessions_state"),
        ),
        sa.CheckConstraint("length(arrival_hash) = 64", name=op.f("ck_link_sessions_arrival_hash")),
        sa.ForeignKeyConstraint(
            ["customer_id", "device_id"],
            ["devices.customer_id", "devices.id"],
            name=op.f("fk_link_sessions_customer_id_device_id_devices"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_link_sessions_customer_id_customers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_sessions")),
        sa.UniqueConstraint("arrival_hash", name=op.f("uq_link_sessions_arrival_hash")),
        sa.UniqueConstraint("customer_id", "click", name=op.f("uq_link_sessions_customer_id_click")),
        sa.UniqueConstraint("customer_id", "id", name=op.f("uq_link_sessions_customer_id_id")),
    )
    op.create_index(
        op.f("ix_link_sessions_customer_id_provider_key_state"),
        "link_sessions",
        ["customer_id", "provider_key", "state"],
    )


def create_what_goes_with_an_attempt() -> None:
    op.create_table(
        "consents",
        sa.Column("link_session_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("provider_key", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("smart_control", sa.Boolean(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id", "link_session_id"],
            ["link_sessions.customer_id", "link_sessions.id"],
            name=op.f("fk_consents_customer_id_link_session_id_link_sessions"),
        ),
        sa.PrimaryKeyConstraint("link_session_id", name=op.f("pk_consents")),
    )
    op.create_table(
        "vendor_requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("device_type", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "device_type IN ('heat_pump', 'vehicle', 'charger', 'inverter', 'battery', 'hvac')",
            name=op.f("ck_vendor_requests_device_type"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_vendor_requests_customer_id_customers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_requests")),
    )
    op.create_index(op.f("ix_vendor_requests_customer_id"), "vendor_requests", ["customer_id"])
    op.create_table(
        "pending_arrivals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("browser_hash", sa.Text(), nullable=False),
        sa.Column("provider_key", sa.Text(), nullable=False),
        sa.Column("link_session_id", sa.Text()),
        sa.Column("hints", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(browser_hash) = 64", name=op.f("ck_pending_arrivals_browser_hash")),
        sa.ForeignKeyConstraint(
            ["link_session_id"], ["link_sessions.id"], name=op.f("fk_pending_arrivals_link_session_id_link_sessions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_arrivals")),
    )
    op.create_index(op.f("ix_pending_arrivals_browser_hash"), "pending_arrivals", ["browser_hash"])
    op.create_index(op.f("ix_pending_arrivals_expires_at"), "pending_arrivals", ["expires_at"])


def create_sign_in() -> None:
    op.create_table(
        "login_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("id_token_sealed", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(token_hash) = 64", name=op.f("ck_login_sessions_token_hash")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_login_sessions_customer_id_customers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_sessions_token_hash")),
    )
    op.create_index(op.f("ix_login_sessions_customer_id"), "login_sessions", ["customer_id"])
    op.create_index(op.f("ix_login_sessions_expires_at"), "login_sessions", ["expires_at"])
    op.create_table(
        "sign_ins",
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column("browser_hash", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("code_verifier_sealed", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(browser_hash) = 64", name=op.f("ck_sign_ins_browser_hash")),
        sa.CheckConstraint("length(state_hash) = 64", name=op.f("ck_sign_ins_state_hash")),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_sign_ins")),
    )
    op.create_index(op.f("ix_sign_ins_expires_at"), "sign_ins", ["expires_at"])


def create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text()),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text()),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_customer_id_id"), "audit", ["customer_id", "id"])


def forbid_changes_of_audit() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{act.lower()} BEFORE {act} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )
