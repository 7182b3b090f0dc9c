"""Many at once: every route to an outcome is the same idempotent call."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from portal.domain.link_session import State
from portal.domain.people import Customer
from portal.journey.advance import advance
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import EASEE, NIBE, Choice, at_every_provider, on_both_databases
from tests.journey.world import World

T = TypeVar("T")
MANY = 20


def at_once(step: Callable[[], T], times: int = MANY) -> list[T]:
    """What so many threads get that take the step at the same moment."""
    barrier = Barrier(times)

    def when_all_are_ready() -> T:
        barrier.wait(timeout=10)
        return step()

    with ThreadPoolExecutor(times) as pool:
        return [future.result() for future in [pool.submit(when_all_are_ready) for _ in range(times)]]


@on_both_databases
@at_every_provider
def test_twenty_looks_at_once_link_one_device_once(world: World, anna: Customer, choice: Choice) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    world.news_comes(choice)
    world.comes_back(anna, back)
    at_once(lambda: advance(ports=world.ports, customer_id=anna.id, link_session_id=attempt_id, now=world.clock.now))
    assert world.attempt(anna, attempt_id).state is State.LINKED
    assert len(world.devices(anna)) == 1
    assert world.story(anna).count("link_session.linked") == world.story(anna).count("device.linked") == 1


@on_both_databases
def test_twenty_clicks_at_once_open_one_link(world: World, anna: Customer, make_ports: MakePorts) -> None:
    processes = [world, world.with_ports(make_ports(world.ports.database, world.clock))]

    def click() -> str:
        process = processes.pop(0) if processes else world
        attempt_id = process.opens(anna, NIBE)
        process.waits(anna, attempt_id)
        return attempt_id

    assert len(set(at_once(click))) == 1
    assert world.story(anna).count("link_session.opened") == 1
    assert world.calls("podero", "/device-onboarding") == 1
    assert [user.provider for user in world.sandbox.state.users] == ["podero"]


@on_both_databases
def test_twenty_returns_at_once_are_one_return(world: World, anna: Customer) -> None:
    attempt_id, back = world.goes_there(anna, NIBE)
    assert {arrived.link_session_id for arrived in at_once(lambda: world.comes_back(anna, back))} == {attempt_id}
    assert world.story(anna).count("link_session.arrived") == 1


@on_both_databases
def test_an_event_and_a_return_at_the_same_moment_link_once(world: World, anna: Customer) -> None:
    attempt_id, back = world.goes_there(anna, EASEE)
    (message,) = world.mailbox.take()
    steps: list[Callable[[], object]] = [
        lambda: world.receives(message),
        lambda: world.comes_back(anna, back),
        lambda: world.looks(anna, attempt_id),
    ] * 4
    at_once(lambda: steps.pop()(), times=len(steps))  # noqa: PLW0108
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    assert world.story(anna).count("device.linked") == 1


@on_both_databases
def test_two_attempts_that_end_in_the_same_device_at_once_are_one_device(world: World, anna: Customer) -> None:
    first, second = world.goes_and_returns(anna, NIBE), world.goes_and_returns(anna, NIBE)
    attempts = [first, second] * 5
    at_once(lambda: world.looks(anna, attempts.pop()), times=len(attempts))
    assert {world.attempt(anna, attempt_id).state for attempt_id in (first, second)} == {State.LINKED}
    assert len(world.devices(anna)) == 1
