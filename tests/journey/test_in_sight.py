"""Nothing is lost from sight: what was begun, and what left the list, is told among the devices until put away."""

from __future__ import annotations

import pytest

from portal.domain.device import RemovedBecause
from portal.domain.link_session import State
from portal.domain.people import Customer
from portal.journey import devices, outcome
from portal.journey.devices import Overview
from portal.journey.reconcile import reconcile
from tests.journey.surroundings import EASEE, NIBE, Choice, at_every_provider, on_both_databases
from tests.journey.world import World


def looks(world: World, customer: Customer) -> Overview:
    return devices.overview(ports=world.ports, customer=customer, now=world.clock.now)


def told(world: World, customer: Customer) -> list[tuple[str, State]]:
    return [(attempt.id, attempt.state) for attempt in looks(world, customer).attempts]


def puts_away(world: World, customer: Customer, attempt_id: str) -> bool:
    return outcome.put_away(ports=world.ports, customer=customer, link_session_id=attempt_id, now=world.clock.now)


def has_read_of(world: World, customer: Customer, device_id: str) -> bool:
    return devices.put_away(ports=world.ports, customer=customer, device_id=device_id, now=world.clock.now)


@on_both_databases
@at_every_provider
def test_an_attempt_is_among_the_devices_from_the_click_for_a_day(world: World, anna: Customer, choice: Choice) -> None:
    world.worker.stop()
    attempt_id = world.opens(anna, choice)
    assert told(world, anna) == [(attempt_id, State.CREATED)]
    world.worker_starts()
    world.leaves(anna, attempt_id)
    assert told(world, anna) == [(attempt_id, State.DEPARTED)]
    world.clock.forward(hours=23)
    reconcile(ports=world.ports, now=world.clock.now)
    world.settles()
    assert [one for one, _ in told(world, anna)] == [attempt_id]
    world.clock.forward(hours=2)
    assert told(world, anna) == []


@at_every_provider
def test_while_a_provider_is_away_the_choice_is_there_and_still_there_when_it_came_to_nothing(
    world: World, anna: Customer, choice: Choice
) -> None:
    world.answers(choice.provider, 503)
    attempt_id = world.opens(anna, choice)
    world.settles()
    assert told(world, anna) == [(attempt_id, State.CREATED)]
    for _ in range(10):
        world.clock.forward(seconds=61)
        reconcile(ports=world.ports, now=world.clock.now)
        world.settles()
    assert told(world, anna) == [(attempt_id, State.FAILED)]
    world.recovers(choice.provider)
    world.links(anna, choice)
    assert told(world, anna) == []


@on_both_databases
def test_what_is_put_away_is_gone_and_nobody_puts_away_anothers(world: World, anna: Customer, bo: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    world.leaves(anna, attempt_id)
    assert not puts_away(world, bo, attempt_id)
    assert [one for one, _ in told(world, anna)] == [attempt_id]
    assert told(world, bo) == []
    assert puts_away(world, anna, attempt_id)
    assert told(world, anna) == []
    assert world.attempt(anna, attempt_id).state is State.DEPARTED


@at_every_provider
def test_an_attempt_that_was_put_away_is_linked_all_the_same_by_its_return(
    world: World, anna: Customer, choice: Choice
) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    puts_away(world, anna, attempt_id)
    world.clock.forward(seconds=5)
    world.comes_back(anna, back)
    world.news_comes(choice)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    assert (len(looks(world, anna).devices), told(world, anna)) == (1, [])


def test_a_cancelled_attempt_keeps_the_choice_until_it_is_linked(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    url = world.leaves(anna, attempt_id)
    world.submits_there(url, vendor="nibe")
    world.comes_back(anna, world.does_there(url, action="cancel"))
    assert told(world, anna) == [(attempt_id, State.CANCELLED)]
    world.links(anna, EASEE)
    assert told(world, anna) == [(attempt_id, State.CANCELLED)]
    world.clock.forward(minutes=1)
    world.links(anna, NIBE)
    assert told(world, anna) == []


@at_every_provider
def test_a_renewal_under_way_is_told_with_its_device(world: World, anna: Customer, choice: Choice) -> None:
    device = world.links(anna, choice)
    if choice.provider == "nox":
        world.happens_there(device, "break")
        world.clock.forward(seconds=60)
        world.reads(anna)
    else:
        world.breaks(anna, device)
    attempt_id = world.reconnects(anna, device)
    world.leaves(anna, attempt_id)
    seen = looks(world, anna)
    assert seen.attempts == ()
    assert {owner: attempt.id for owner, attempt in seen.renewals.items()} == {device.id: attempt_id}


@on_both_databases
def test_a_device_that_was_removed_elsewhere_is_told_of_until_it_is_put_away(
    world: World, anna: Customer, bo: Customer
) -> None:
    device = world.links(anna, NIBE)
    world.happens_there(device, "remove")
    world.clock.forward(minutes=1)
    world.reads(anna)
    (gone,) = looks(world, anna).gone
    assert (gone.id, gone.removed_because, gone.removed_at) == (
        device.id,
        RemovedBecause.REMOVED_THERE,
        world.clock.now,
    )
    world.clock.forward(days=40)
    assert [one.id for one in looks(world, anna).gone] == [device.id]
    assert not has_read_of(world, bo, device.id)
    assert has_read_of(world, anna, device.id)
    assert looks(world, anna) == Overview((), (), refreshing=False)


def test_what_the_customer_removed_is_no_news_to_them(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.removes(anna, device)
    assert looks(world, anna).gone == ()
    assert not has_read_of(world, anna, device.id)


def test_a_device_that_is_connected_cannot_be_put_away(world: World, anna: Customer) -> None:
    device = world.links(anna, NIBE)
    assert not has_read_of(world, anna, device.id)
    assert looks(world, anna).devices == (device,)


@pytest.mark.parametrize("was_read", [True, False])
def test_once_it_is_connected_again_nothing_is_told_and_its_next_removal_is_news(
    world: World, anna: Customer, *, was_read: bool
) -> None:
    world.links(anna, NIBE)
    for _ in range(2):
        world.happens_there(world.devices(anna)[0], "remove")
        world.clock.forward(minutes=1)
        world.reads(anna)
        assert len(looks(world, anna).gone) == 1
        if was_read:
            has_read_of(world, anna, looks(world, anna).gone[0].id)
        world.clock.forward(minutes=1)
        world.links(anna, NIBE)
        assert looks(world, anna).gone == ()
