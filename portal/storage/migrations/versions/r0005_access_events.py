"""What support saw and did: a chain of events, its head, and a database that lets it only grow."""

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision = "r0004"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INDEXES = (["customer_id", "number"], ["actor", "number"], ["grant_id", "number"], ["at"])

FOLLOWS = "SELECT 1 FROM access_head WHERE number = NEW.number - 1 AND hash = NEW.previous_hash"
IS_THERE = "SELECT 1 FROM access_events WHERE number = NEW.number AND hash = NEW.hash"

# SQLite's INSERT OR REPLACE deletes a row without asking the triggers on DELETE: those on INSERT refuse it.
SQLITE_TRIGGERS = {
    "access_events_no_update": "BEFORE UPDATE ON access_events",
    "access_events_no_delete": "BEFORE DELETE ON access_events",
    "access_events_in_order": f"BEFORE INSERT ON access_events WHEN NOT EXISTS ({FOLLOWS})",
    "access_head_no_delete": "BEFORE DELETE ON access_head",
    "access_head_no_insert": "BEFORE INSERT ON access_head",
    "access_head_forward": (
        f"BEFORE UPDATE ON access_head WHEN NEW.number <> OLD.number + 1 OR NOT EXISTS ({IS_THERE})"
    ),
}

POSTGRESQL_TRIGGERS = {
    "access_events_no_change": (
        "BEFORE UPDATE OR DELETE OR TRUNCATE ON access_events FOR EACH STATEMENT EXECUTE FUNCTION access_is_append_only"
    ),
    "access_events_in_order": ("BEFORE INSERT ON access_events FOR EACH ROW EXECUTE FUNCTION access_event_follows"),
    "access_head_stays": (
        "BEFORE INSERT OR DELETE OR TRUNCATE ON access_head FOR EACH STATEMENT EXECUTE FUNCTION access_is_append_only"
    ),
    "access_head_forward": ("BEFORE UPDATE ON access_head FOR EACH ROW EXECUTE FUNCTION access_head_moves_on"),
}


def upgrade() -> None:
    create_events()
    create_head()
    if op.get_bind().dialect.name == "sqlite":
        forbid_changes_on_sqlite()
    else:
        forbid_changes_on_postgresql()


def downgrade() -> None:
    op.drop_table("access_events")
    op.drop_table("access_head")
    if op.get_bind().dialect.name == "postgresql":
        for function in ("access_is_append_only", "access_event_follows", "access_head_moves_on"):
            op.execute(f"DROP FUNCTION {function}()")


def create_events() -> None:
    op.create_table(
        "access_events",
        sa.Column("number", COUNTER, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text()),
        sa.Column("grant_id", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("ticket", sa.Text()),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text()),
        sa.Column("object_id", sa.Text()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("request_reference", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_access_events")),
        sa.CheckConstraint("length(previous_hash) = 64", name=op.f("ck_access_events_previous_hash")),
        sa.CheckConstraint("length(hash) = 64", name=op.f("ck_access_events_hash")),
    )
    for columns in INDEXES:
        op.create_index(op.f(f"ix_access_events_{'_'.join(columns)}"), "access_events", columns)


def create_head() -> None:
    head = op.create_table(
        "access_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", COUNTER, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_head")),
        sa.CheckConstraint("id = 1", name=op.f("ck_access_head_only_one")),
        sa.CheckConstraint("length(hash) = 64", name=op.f("ck_access_head_hash")),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "hash": "0" * 64}])


def forbid_changes_on_sqlite() -> None:
    for name, when in SQLITE_TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, 'access events are append-only'); END")


def forbid_changes_on_postgresql() -> None:
    refuse = "RAISE EXCEPTION 'access events are append-only';"
    create_function("access_is_append_only", refuse)
    create_function("access_event_follows", f"IF NOT EXISTS ({FOLLOWS}) THEN {refuse} END IF; RETURN NEW;")
    create_function(
        "access_head_moves_on",
        f"IF NEW.number <> OLD.number + 1 OR NOT EXISTS ({IS_THERE}) THEN {refuse} END IF; RETURN NEW;",
    )
    for name, when in POSTGRESQL_TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {when}()")


def create_function(name: str, body: str) -> None:
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
