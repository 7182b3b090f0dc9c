"""The schema: from nothing to today's tables and back, on both databases, and equal to what the code expects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from portal.domain.people import Customer
from portal.storage import devices, provider_accounts, tables
from portal.storage.database import Database, alembic_config
from tests.storage.made import KEY, a_device, all_at_once


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    database = Database(database_url, seal_key=KEY)
    yield database
    database.close()


def tables_in(database: Database) -> set[str]:
    with database.read() as tx:
        return set(inspect(tx.connection).get_table_names())


def schema(database: Database) -> dict[str, Any]:
    """All that the database itself says of its tables, order aside."""
    with database.read() as tx:
        seen = inspect(tx.connection)
        return {
            name: {
                "columns": {c["name"]: (str(c["type"]), c["nullable"]) for c in seen.get_columns(name)},
                "key": seen.get_pk_constraint(name),
                "checks": sorted((c["name"], c["sqltext"]) for c in seen.get_check_constraints(name)),
                "unique": sorted((c["name"], c["column_names"]) for c in seen.get_unique_constraints(name)),
                "foreign": sorted(map(str, seen.get_foreign_keys(name))),
                "indexes": sorted((i["name"], i["column_names"], i["unique"]) for i in seen.get_indexes(name)),
            }
            for name in seen.get_table_names()
            if name != "alembic_version"
        }


def test_a_database_starts_empty_and_is_brought_up_to_date(empty: Database) -> None:
    assert not empty.is_current()
    empty.upgrade()
    assert empty.is_current()
    assert tables_in(empty) == set(tables.metadata.tables) | {"alembic_version"}


def test_upgrading_twice_is_once(empty: Database) -> None:
    empty.upgrade()
    empty.upgrade()
    assert empty.is_current()


def test_two_processes_may_upgrade_at_once(database_url: str) -> None:
    def upgrade(_: int) -> None:
        database = Database(database_url, seal_key=KEY)
        database.upgrade()
        assert database.is_current()
        database.close()

    all_at_once(4, upgrade)


def test_every_migration_can_be_taken_back_and_done_again(empty: Database) -> None:
    empty.upgrade()
    before = schema(empty)
    empty.downgrade()
    assert tables_in(empty) == {"alembic_version"}
    assert not empty.is_current()
    empty.upgrade()
    assert schema(empty) == before


def test_the_migrations_make_what_the_code_expects(database: Database) -> None:
    with database._migrating() as config:
        command.check(config)


def test_the_migrations_make_the_very_constraints_of_the_code(database: Database, empty: Database) -> None:
    with empty.write() as tx:
        tables.metadata.create_all(tx.connection)
    assert schema(empty) == schema(database)


def test_every_table_of_customer_data_can_be_asked_by_its_owner() -> None:
    ownerless = {"customers", "sign_ins", "pending_arrivals", "provider_events", "provider_calls", "provider_pauses"}
    ownerless |= {"vendor_refusals"}
    ownerless |= {"access_head", "agents", "staff_sessions", "logout_tokens", "deletion_steps", "tombstones"}
    for name, table in tables.metadata.tables.items():
        assert name in ownerless or "customer_id" in table.c, name


def test_devices_that_were_not_read_any_more_are_read_again_within_a_day(database: Database, anna: Customer) -> None:
    before = ScriptDirectory.from_config(alembic_config()).get_revision("r0015").down_revision
    with database.write() as tx:
        for provider_key in ("nox", "podero"):
            provider_accounts.ensure(tx, anna.id, provider_key)
        devices.save(tx, a_device(anna, provider_key="podero"))
    assert isinstance(before, str)
    database.downgrade(before)
    database.upgrade()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with database.read() as tx:
        assert provider_accounts.due(tx, now=tomorrow, limit=10) == ((anna.id, "podero"),)
        assert not provider_accounts.all_of(tx, anna.id)[0].adopted
