"""Behind the database's name there may be another server, or a pooler: nothing of a session is relied on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from sqlalchemy import make_url, select, text

from portal.domain.people import Customer
from portal.storage import customers, tables
from portal.storage.database import Database, DatabaseFault, is_away
from tests.storage.conftest import migrate
from tests.storage.made import KEY, NOW, an_identity
from tests.support.databases import Databases

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    url = databases.prepared("postgresql", migrate)
    yield url
    databases.discard(url)


def signs_in(database: Database, subject: str) -> Customer:
    with database.write() as tx:
        return customers.signed_in(tx, an_identity(subject), now=NOW)


@contextmanager
def demoted(url: str) -> Iterator[None]:
    """Whoever connects meets a server that takes no writes, as a standby."""
    parsed = make_url(url)
    with psycopg.connect(parsed.set(drivername="postgresql").render_as_string(hide_password=False)) as operator:
        operator.autocommit = True
        operator.execute(f'ALTER DATABASE "{parsed.database}" SET default_transaction_read_only = on'.encode())
        yield
        operator.execute(f'ALTER DATABASE "{parsed.database}" RESET default_transaction_read_only'.encode())


def test_a_connection_that_cannot_write_any_more_is_given_up(url: str, database: Database) -> None:
    """Its server was demoted after the connection was made."""
    signs_in(database, "anna")
    with database._writing.connect() as connection:
        connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
        connection.commit()
    with pytest.raises(DatabaseFault) as fault:
        signs_in(database, "bela")
    assert is_away(fault.value)
    assert signs_in(database, "bela").identity.subject == "bela"


def test_readiness_proves_that_the_database_can_be_written_to(url: str, database: Database) -> None:
    database.ping()
    with database._writing.connect() as connection:
        connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
        connection.commit()
    with pytest.raises(DatabaseFault):
        database.ping()
    database.ping()


def test_a_server_that_takes_no_writes_is_no_server_and_all_is_well_once_it_does(url: str) -> None:
    with closing(Database(url, seal_key=KEY)) as database:
        with demoted(url):
            with pytest.raises(DatabaseFault) as fault:
                signs_in(database, "anna")
            assert is_away(fault.value)
            with pytest.raises(DatabaseFault):
                database.ping()
        database.ping()
        assert signs_in(database, "anna").identity.subject == "anna"


def test_an_operator_who_says_otherwise_is_heard(url: str) -> None:
    any_server = make_url(url).update_query_dict({"target_session_attrs": "any"})
    url_of_any = any_server.render_as_string(hide_password=False)
    with demoted(url), closing(Database(url_of_any, seal_key=KEY)) as database, database.read() as tx:
        assert tx.connection.scalar(select(tables.customers.c.id)) is None


def test_a_look_that_must_not_write_gives_no_connection_up(url: str, database: Database) -> None:
    with pytest.raises(DatabaseFault) as fault:
        signs_in(database.read_only(), "anna")
    assert not is_away(fault.value)


def test_no_statement_is_prepared_and_no_setting_outlives_its_transaction(url: str, database: Database) -> None:
    for number in range(12):
        signs_in(database, f"customer-{number}")
    with database._writing.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0
        assert connection.scalar(text("SHOW lock_timeout")) == "0"
    with database.write() as tx:
        assert tx.connection.scalar(text("SHOW lock_timeout")) == "5s"
