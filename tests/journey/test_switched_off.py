"""A provider that the retailer has switched off: what is stored of it must not break a page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portal.domain.link_session import Reason, State
from portal.domain.people import Customer
from portal.journey import devices, remove
from portal.journey.remove import RemovalOutcome
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import EASEE, Choice, Message, at_every_provider
from tests.journey.world import World

SwitchOff = Callable[[Choice], World]


@pytest.fixture
def without(world: World, make_ports: MakePorts) -> SwitchOff:
    """The same portal, restarted without the provider of a choice."""

    def restarted(choice: Choice) -> World:
        others = ",".join(key for key in ("podero", "nox", "telematica") if key != choice.provider)
        return world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PROVIDERS=others))

    return restarted


@at_every_provider
def test_its_devices_are_shown_as_last_known(world: World, anna: Customer, without: SwitchOff, choice: Choice) -> None:
    device = world.links(anna, choice)
    world.clock.forward(minutes=5)
    overview = devices.overview(ports=without(choice).ports, customer=anna, now=world.clock.now)
    assert (overview.devices, overview.refreshing) == ((device,), False)


@at_every_provider
def test_the_page_of_an_attempt_that_ended_still_opens(
    world: World, anna: Customer, without: SwitchOff, choice: Choice
) -> None:
    attempt_id = world.goes_and_returns(anna, choice)
    world.news_comes(choice)
    world.looks(anna, attempt_id)
    view = without(choice).looks(anna, attempt_id)
    assert (view.attempt.state, view.provider.key, len(view.devices)) == (State.LINKED, choice.provider, 1)
    assert view.provider.name.casefold() == choice.provider


@at_every_provider
def test_an_attempt_that_had_not_left_ends(world: World, anna: Customer, without: SwitchOff, choice: Choice) -> None:
    world.worker.stop()
    attempt_id = world.opens(anna, choice)
    world.clock.forward(minutes=1)
    view = without(choice).looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.reason) == (State.FAILED, Reason.PROVIDER_REFUSED)


@at_every_provider
def test_an_attempt_that_was_back_ends_after_a_day_and_lives_if_the_provider_does(
    world: World, anna: Customer, without: SwitchOff, choice: Choice
) -> None:
    first, back = world.goes_there(anna, choice)
    world.worker.stop()
    world.comes_back(anna, back)
    world.clock.forward(minutes=1)
    assert without(choice).looks(anna, first).attempt.state is State.WAITING
    world.worker_starts()
    world.news_comes(choice)
    assert world.looks(anna, first).attempt.state is State.LINKED
    world.clock.forward(minutes=1)
    second, back = world.goes_there(anna, choice)
    world.worker.stop()
    world.comes_back(anna, back)
    world.clock.forward(hours=24, minutes=1)
    ended = without(choice).looks(anna, second).attempt
    assert (ended.state, ended.reason) == (State.FAILED, Reason.NOT_CONFIRMED)


@at_every_provider
def test_its_devices_can_be_taken_off_the_list(
    world: World, anna: Customer, without: SwitchOff, choice: Choice
) -> None:
    device = world.links(anna, choice)
    restarted = without(choice)
    preview = remove.preview(ports=restarted.ports, customer=anna, device_id=device.id)
    assert preview is not None
    assert not preview.provider.removes_devices
    assert restarted.removes(anna, device).outcome is RemovalOutcome.NOT_OFFERED
    assert world.devices(anna) == ()


@at_every_provider
def test_its_devices_cannot_be_reconnected_and_the_attempts_page_says_so(
    world: World, anna: Customer, without: SwitchOff, choice: Choice
) -> None:
    device = world.links(anna, choice)
    restarted = without(choice)
    view = restarted.looks(anna, restarted.reconnects(anna, device))
    assert (view.attempt.state, view.attempt.reason, view.device) == (
        State.FAILED,
        Reason.PROVIDER_REFUSED,
        device,
    )


def test_its_events_are_unknown(world: World, without: SwitchOff) -> None:
    with pytest.raises(KeyError):
        without(EASEE).receives(Message({}, b"{}"))
