"""One sandbox for all; for each test a fresh memory of it, a fresh database and a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from portal.app import ports
from portal.domain.people import Customer
from portal.journey.ports import Ports
from portal.journey.tasks import Task
from portal.providers.breaker import Breaker
from portal.sandbox.configuration import portal_environment
from portal.sandbox.program import RunningSandbox
from portal.settings import Settings, load
from portal.storage.database import Database
from tests.journey.surroundings import Behind, Clock, Mailbox
from tests.journey.telling import ByHand
from tests.journey.world import World
from tests.support.databases import Backend, Databases

MakePorts = Callable[..., Ports]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as running:
        yield running


@pytest.fixture(scope="session")
def common_ports(sandbox: RunningSandbox, mailbox: Mailbox) -> Ports:
    """The providers and their catalogue, which are the same in most tests and slow to make."""
    settings = settings_for(sandbox, mailbox, "sqlite:///nowhere.sqlite")
    return ports(settings, Database(settings.database_url, seal_key=b""), Nowhere(), Clock())


class Nowhere:
    """A queue for ports that are never used as they are."""

    def put(self, task: Task) -> bool:
        raise AssertionError(task)


@pytest.fixture
def backend() -> Backend:
    return "sqlite"


@pytest.fixture
def database(databases: Databases, backend: Backend) -> Iterator[Database]:
    url = databases.prepared(backend, migrate)
    opened = Database(url, seal_key=b"a key of thirty-two bytes or so..")
    yield opened
    opened.close()
    databases.discard(url)


@pytest.fixture
def make_ports(sandbox: RunningSandbox, mailbox: Mailbox, common_ports: Ports, tmp_path: Path) -> Iterator[MakePorts]:
    """Makes the outside world of one process; settings that differ are given by name."""
    with ExitStack() as stack:
        places = (tmp_path / f"queue-{number}" for number in count())

        def make(database: Database, clock: Clock, **differing: str) -> Ports:
            made = common_ports
            if differing:
                settings = settings_for(sandbox, mailbox, "sqlite:///nowhere.sqlite", **differing)
                made = ports(settings, database, Nowhere(), clock)
            for provider in made.providers:
                # What a provider asked for in one test is over in the next, and measured by the same clock.
                provider._gateway._breaker = Breaker(clock=clock.seconds)
            behind = Behind(next(places))
            complete = replace(made, database=database, clock=clock, queue=behind)
            behind.start(complete)
            stack.callback(behind.stop)
            return complete

        yield make


@pytest.fixture
def world(sandbox: RunningSandbox, mailbox: Mailbox, database: Database, make_ports: MakePorts) -> World:
    clock = Clock()
    sandbox.config_portal_url(mailbox.url)
    sandbox.state.reset()
    # The providers live in the same time as the portal.
    sandbox.state.now = clock.seconds  # type: ignore[method-assign]
    # An event is in the mailbox when its customer is back; the test says when the portal hears of it.
    sandbox.state.choose_variants("telematica", {"event_timing": "before_return"})
    mailbox.messages.clear()
    return World(make_ports(database, clock), sandbox, clock, mailbox)


@pytest.fixture
def anna(world: World) -> Customer:
    return world.customer("anna")


@pytest.fixture
def bo(world: World) -> Customer:
    return world.customer("bo")


@pytest.fixture
def by_hand(world: World) -> World:
    """The world with nobody behind the pages but the test."""
    return world.with_ports(replace(world.ports, queue=ByHand()))


def settings_for(sandbox: RunningSandbox, mailbox: Mailbox, database_url: str, **differing: str) -> Settings:
    return load(
        {
            **portal_environment(sandbox.config),
            "PORTAL_PUBLIC_URL": mailbox.url,
            "PORTAL_DATABASE_URL": database_url,
            "PORTAL_RETAILER__NAME": "Nordvind Energi",
            **differing,
        }
    )


def migrate(url: str) -> None:
    database = Database(url, seal_key=b"")
    database.upgrade()
    database.close()
