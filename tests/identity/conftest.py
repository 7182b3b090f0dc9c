"""A database, a stranger's browser, and the issuers that customers sign in at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from portal.sandbox.configuration import SandboxConfig
from portal.sandbox.program import RunningSandbox
from portal.storage.database import Database
from tests.identity.hostile_issuer import HostileIssuer
from tests.identity.journey import PORTAL
from tests.identity.peer import Peer, running_peer
from tests.support.databases import Databases


def migrate(url: str) -> None:
    database = Database(url, seal_key=b"k" * 32)
    database.upgrade()
    database.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    url = databases.prepared("sqlite", migrate)
    database = Database(url, seal_key=b"k" * 32)
    yield database
    database.close()
    databases.discard(url)


@pytest.fixture
def visitor() -> Iterator[requests.Session]:
    """A browser that follows no redirect by itself."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    # One hop at a time is looked at here.
    with RunningSandbox(SandboxConfig(further_origins=0)) as running:
        running.config_portal_url(PORTAL)
        yield running


@pytest.fixture(scope="session", params=["client_secret_basic", "client_secret_post"])
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    """An independent issuer, once for each way of showing the client secret."""
    with running_peer(request.param) as issuer:
        yield issuer


@pytest.fixture
def hostile() -> Iterator[HostileIssuer]:
    with HostileIssuer() as issuer:
        yield issuer
