"""What every test may ask for: databases of both kinds, a Redis, a browser, axe-core. And what runs by default."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import read_axe
from tests.support.databases import BOTH, Backend, Databases
from tests.support.postgres import running_postgres
from tests.support.redis import Redis, running_redis
from tools.browser import open_browser


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A PostgreSQL server whose user may create databases: the one named, or a private one."""
    named = os.environ.get("PORTAL_TEST_POSTGRES_URL")
    if named:
        yield named
        return
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """The maker of fresh databases; the PostgreSQL server starts when the first one is asked of it."""
    server_url = functools.partial(request.getfixturevalue, "postgres_url")
    return Databases(tmp_path_factory.mktemp("databases"), server_url)


@pytest.fixture(params=BOTH)
def database_backend(request: pytest.FixtureRequest) -> Backend:
    """Each kind of database in turn."""
    backend: Backend = request.param
    return backend


@pytest.fixture
def database_url(database_backend: Backend, databases: Databases) -> Iterator[str]:
    """A fresh empty database, of each kind in turn."""
    url = databases.empty(database_backend)
    yield url
    databases.discard(url)


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """A Redis server. Who stops it starts it again."""
    with running_redis() as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium that reaches this machine only."""
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The source of axe-core, for `assert_accessible`."""
    return read_axe()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of what takes minutes only the sample, unless all of it is asked for."""
    if "torture" in str(config.getoption("markexpr")):
        return
    left_out = [item for item in items if item.get_closest_marker("torture") and not item.get_closest_marker("sample")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
