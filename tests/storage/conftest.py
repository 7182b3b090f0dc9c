"""A migrated database of each kind, and a customer in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal.domain.people import Customer
from portal.storage import customers
from portal.storage.database import Database
from tests.storage.made import KEY, NOW, an_identity
from tests.support.databases import Backend, Databases


def migrate(url: str) -> None:
    database = Database(url, seal_key=KEY)
    database.upgrade()
    database.close()


@pytest.fixture
def url(database_backend: Backend, databases: Databases) -> Iterator[str]:
    """A fresh migrated database."""
    url = databases.prepared(database_backend, migrate)
    yield url
    databases.discard(url)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url, seal_key=KEY)
    yield database
    database.close()


@pytest.fixture
def anna(database: Database) -> Customer:
    with database.write() as tx:
        return customers.signed_in(tx, an_identity("anna"), now=NOW)


@pytest.fixture
def bertil(database: Database) -> Customer:
    with database.write() as tx:
        return customers.signed_in(tx, an_identity("bertil"), now=NOW)
