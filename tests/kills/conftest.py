"""One sandbox and one mailbox for all, a database for each test, and how often the portal was killed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal.sandbox.configuration import portal_environment
from portal.sandbox.program import RunningSandbox
from portal.storage.database import Database
from tests.journey.surroundings import Clock, Mailbox
from tests.kills.anna import Street
from tests.kills.portal import Portal
from tests.support.databases import Backend, Databases


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as running:
        yield running


@pytest.fixture
def backend() -> Backend:
    return "sqlite"


@pytest.fixture
def database_url(databases: Databases, backend: Backend) -> Iterator[str]:
    url = databases.prepared(backend, migrate)
    yield url
    databases.discard(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """For a look at what is stored."""
    opened = Database(database_url, seal_key=b"")
    yield opened
    opened.close()


@pytest.fixture
def street(
    sandbox: RunningSandbox, mailbox: Mailbox, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Street]:
    clock = Clock()
    monkeypatch.setattr(sandbox.state, "now", clock.seconds)
    sandbox.config_portal_url(mailbox.url)
    environment = {
        **portal_environment(sandbox.config),
        "PORTAL_PUBLIC_URL": mailbox.url,
        "PORTAL_DATABASE_URL": database_url,
        "PORTAL_RETAILER__NAME": "Nordvind Energi",
        "PORTAL_PODERO__DELETE_DEVICES": "true",
    }
    portal = Portal(environment, clock)
    yield Street(portal, sandbox, mailbox, clock)
    portal.stop()


def migrate(url: str) -> None:
    database = Database(url, seal_key=b"")
    database.upgrade()
    database.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How often the portal was killed, and rose again."""
    told = (found for report in terminalreporter.getreports("passed") for found in report.user_properties)
    kills = sum(int(str(value)) for name, value in told if name == "kills")
    if kills:
        terminalreporter.write_line(f"kills: {kills}")
