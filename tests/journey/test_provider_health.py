"""What one process sees of a provider, all of them know."""

from __future__ import annotations

import threading
from collections.abc import Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import structlog
from sqlalchemy import text

from portal.domain.link_session import LEASE
from portal.domain.people import Customer
from portal.domain.provider_health import ASSUMED_LATENCY, HealthState, ProviderHealth
from portal.domain.waiting import Cause, Wait
from portal.journey.provider_health import SHORT_PAUSE, HealthBook, health, wait_of
from portal.journey.tasks import Task
from portal.storage import link_sessions, provider_calls
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import EASEE, NIBE, on_both_databases
from tests.journey.world import World


class Seconds:
    """The seconds that a process counts; they pass when a test says so."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return self.passed


class Lost:
    """A queue that nobody takes anything out of."""

    def put(self, task: Task) -> bool:
        return task.step is not None


@pytest.fixture
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, whatever a portal of another test has set for the whole process."""
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as entries:
        yield entries


def book_of(world: World) -> HealthBook:
    """What another process with the same database writes into; no second passes in it."""
    return HealthBook(world.ports.database, world.clock, seconds=Seconds())


def of(world: World, provider_key: str) -> ProviderHealth:
    return health(ports=world.ports, now=world.clock.now)[provider_key]


@on_both_databases
def test_what_two_workers_see_together_is_what_the_pages_know(world: World) -> None:
    for failed in (True, False):
        book = book_of(world)
        for _ in range(2):
            book.seen("podero", failed=failed, milliseconds=500)
        book.flush()
    known = of(world, "podero")
    assert (known.state, known.success_rate, known.latency_seconds) == (HealthState.FAILING, 0.5, 0.5)
    assert of(world, "nox").state is HealthState.OK


@on_both_databases
def test_a_provider_that_comes_back_is_well_again_within_a_minute(world: World) -> None:
    book = book_of(world)
    for _ in range(20):
        book.seen("podero", failed=True, milliseconds=8000)
    book.paused("podero", seconds=15)
    book.flush()
    assert of(world, "podero").state is HealthState.FAILING
    for _ in range(3):
        world.clock.forward(seconds=15)
        book.seen("podero", failed=False, milliseconds=200)
    book.flush()
    assert of(world, "podero") == ProviderHealth("podero", latency_seconds=0.2)


def test_every_provider_that_is_on_is_well_until_something_is_known(world: World, make_ports: MakePorts) -> None:
    ports = make_ports(world.ports.database, world.clock, PORTAL_PROVIDERS="podero,nox")
    assert health(ports=ports, now=world.clock.now) == {key: ProviderHealth(key) for key in ("podero", "nox")}


@on_both_databases
def test_a_pause_is_told_while_it_lasts(world: World) -> None:
    book = book_of(world)
    book.paused("nox", seconds=60)
    book.paused("nox", seconds=20)
    book.flush()
    world.clock.forward(seconds=59)
    assert of(world, "nox").state is HealthState.FAILING
    world.clock.forward(seconds=1)
    assert of(world, "nox").state is HealthState.OK


def test_a_provider_that_asks_for_a_moment_is_not_out_of_reach(world: World) -> None:
    book = book_of(world)
    book.paused("nox", seconds=SHORT_PAUSE)
    book.flush()
    assert of(world, "nox").state is HealthState.OK


def test_what_was_seen_is_written_down_once_a_second_without_being_asked(world: World) -> None:
    seconds = Seconds()
    book = HealthBook(world.ports.database, world.clock, seconds=seconds)
    for _ in range(4):
        book.seen("podero", failed=False, milliseconds=100)
        seconds.passed += 0.3
    assert of(world, "podero").latency_seconds is None
    book.seen("podero", failed=False, milliseconds=600)
    assert of(world, "podero").latency_seconds == 0.2
    book.seen("podero", failed=False, milliseconds=100_000)
    assert of(world, "podero").latency_seconds == 0.2


def test_calls_that_end_at_once_are_all_counted(world: World) -> None:
    seconds = Seconds()
    book = HealthBook(world.ports.database, world.clock, seconds=seconds)
    start = threading.Barrier(8)

    def call(number: int) -> None:
        start.wait()
        for _ in range(50):
            seconds.passed += 0.1
            book.seen("podero", failed=number % 2 == 0, milliseconds=10)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(call, range(8)))
    book.flush()
    with world.ports.database.read() as tx:
        buckets = provider_calls.since(tx, world.clock.now.replace(second=0, microsecond=0))
    assert [(bucket.calls, bucket.failures, bucket.milliseconds) for bucket in buckets] == [(400, 200, 4000)]


@on_both_databases
def test_a_call_to_a_provider_never_fails_because_it_cannot_be_written_down(
    world: World, logged: list[MutableMapping[str, Any]]
) -> None:
    book = HealthBook(world.ports.database, world.clock, seconds=(seconds := Seconds()))
    with world.ports.database.write() as tx:
        tx.connection.execute(text("ALTER TABLE provider_calls RENAME TO gone"))
    seconds.passed = 1.0
    book.seen("podero", failed=False, milliseconds=100)
    book.paused("podero", seconds=60)
    book.flush()
    with world.ports.database.write() as tx:
        tx.connection.execute(text("ALTER TABLE gone RENAME TO provider_calls"))
    book.seen("podero", failed=False, milliseconds=100)
    book.flush()
    assert of(world, "podero").latency_seconds == 0.1
    assert "provider_health_not_kept" in {entry["event"] for entry in logged}


def test_a_customer_is_told_the_time_that_those_in_front_will_take(world: World) -> None:
    ports = replace(world.ports, queue=Lost(), concurrency=2)
    waiting = world.with_ports(ports)
    attempts = []
    for name in ("anna", "bo", "cleo", "dag"):
        world.clock.forward(seconds=1)
        customer = world.customer(name)
        attempts.append(waiting.attempt(customer, waiting.opens(customer, NIBE)))
        waiting.opens(customer, EASEE)
    assert wait_of(ports=ports, attempt=attempts[0], now=world.clock.now) == Wait(Cause.US, ASSUMED_LATENCY)
    book = book_of(world)
    for _ in range(3):
        book.seen("podero", failed=False, milliseconds=6000)
    book.flush()
    told = [wait_of(ports=ports, attempt=attempt, now=world.clock.now) for attempt in attempts]
    assert told == [Wait(Cause.US, seconds) for seconds in (6.0, 6.0, 9.0, 12.0)]


def while_nobody_works(world: World) -> World:
    return world.with_ports(replace(world.ports, queue=Lost()))


def test_a_provider_that_has_become_slow_all_at_once_is_known_by_those_who_wait_for_it(world: World) -> None:
    slow = world.with_ports(replace(world.ports, queue=Lost(), concurrency=1))
    anna, bo = world.customer("anna"), world.customer("bo")
    first = slow.attempt(anna, slow.opens(anna, NIBE))
    world.clock.forward(seconds=1)
    second = slow.opens(bo, NIBE)
    book = book_of(world)
    for _ in range(3):
        book.seen("podero", failed=False, milliseconds=100)
    book.flush()
    with world.ports.database.write() as tx:
        link_sessions.claim(tx, first.id, anna.id, now=world.clock.now, until=world.clock.now + LEASE)
    told = []
    for seconds in (1, 6):
        world.clock.forward(seconds=seconds)
        told.append(slow.glances(bo, second).wait)
    assert told == [Wait(Cause.OTHERS, 2.0), Wait(Cause.OTHERS, 14.0)]
    assert slow.glances(anna, first.id).wait == Wait(Cause.PROVIDER_SLOW, 7.0)


def test_while_a_provider_has_asked_for_peace_it_is_known_for_how_long(world: World, anna: Customer) -> None:
    idle = while_nobody_works(world)
    attempt_id = idle.opens(anna, NIBE)
    book = book_of(world)
    book.paused("podero", seconds=60)
    world.clock.forward(seconds=20)
    assert idle.glances(anna, attempt_id).wait == Wait(Cause.PROVIDER_BUSY, 40.0)
    for _ in range(3):
        book.seen("podero", failed=True, milliseconds=500)
    book.flush()
    assert idle.glances(anna, attempt_id).wait == Wait(Cause.PROVIDER_AWAY, 40.0)


def test_a_customer_who_is_back_and_of_whom_nobody_takes_care_does_not_read_that_the_provider_is_asked(
    world: World, anna: Customer
) -> None:
    _, back = world.goes_there(anna, NIBE)
    idle = while_nobody_works(world)
    attempt_id = idle.comes_back(anna, back).link_session_id
    assert attempt_id is not None
    assert idle.glances(anna, attempt_id).wait is None
    world.clock.forward(seconds=11)
    assert idle.glances(anna, attempt_id).wait == Wait(Cause.US)


def test_nobody_says_how_long_a_provider_that_is_switched_off_will_take(
    world: World, anna: Customer, make_ports: MakePorts
) -> None:
    attempt = world.attempt(anna, while_nobody_works(world).opens(anna, EASEE))
    without = make_ports(world.ports.database, world.clock, PORTAL_PROVIDERS="podero,nox")
    assert wait_of(ports=without, attempt=attempt, now=world.clock.now) == Wait(Cause.US)
