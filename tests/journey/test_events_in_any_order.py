"""Events that come out of order, twice, late or all at once: a device ends as the newest event about it says."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import permutations

import pytest

from portal.domain.device import Connection
from portal.domain.link_session import State
from portal.domain.people import Customer
from portal.domain.provider_event import EventState
from portal.journey.provider_events import take
from portal.sandbox.telematica_events import new_id
from tests.journey.surroundings import EASEE, Message, Return, on_both_databases
from tests.journey.telling import connected, disconnected, inbox, work_off
from tests.journey.test_races import at_once
from tests.journey.world import World
from tests.support.sampling import sampled

CHARGER = "c" * 24
BACK = Return("telematica", None, "", {"devices": [CHARGER], "deviceType": ["charger"]})
ORDERS = tuple(permutations(range(4)))

at_either_end = pytest.mark.parametrize("ends_connected", [False, True], ids=["ends lapsed", "ends connected"])


def four_events(world: World, customer: Customer, *, ends_connected: bool) -> list[Message]:
    """Connections and disconnections in turn, a second apart."""

    def told(number: int) -> Message:
        at = world.clock.now + timedelta(seconds=number)
        if (number % 2 == 1) is ends_connected:
            return connected(world, customer, at, deviceId=CHARGER)
        return disconnected(world, customer, CHARGER, at)

    return [told(number) for number in range(4)]


def leaves(world: World, customer: Customer) -> str:
    """A customer who has gone to the Connect UI."""
    attempt_id = world.opens(customer, EASEE)
    work_off(world)
    assert world.goes_on(customer, attempt_id) is not None
    return attempt_id


def hears(world: World, message: Message) -> None:
    world.hears(message)
    work_off(world)


def returns(world: World, customer: Customer) -> None:
    world.comes_back(customer, BACK)
    work_off(world)


def all_orders(world: World, *, returns_after: int, ends_connected: bool) -> None:
    """A customer for each order: each ends in the same."""
    for number, order in enumerate(ORDERS):
        customer = world.customer(f"customer {returns_after} {number}")
        attempt_id = leaves(world, customer)
        events = four_events(world, customer, ends_connected=ends_connected)
        for at in order[:returns_after]:
            hears(world, events[at])
        returns(world, customer)
        for at in order[returns_after:]:
            hears(world, events[at])
        assert world.attempt(customer, attempt_id).state is State.LINKED, order
        (device,) = world.devices(customer)
        expected = Connection.WORKING if ends_connected else Connection.NEEDS_REAUTHENTICATION
        newest = (world.clock.now + timedelta(seconds=3)).replace(microsecond=0)
        assert (device.connection, device.observed_at) == (expected, newest), order
    assert {event.state for event in inbox(world)} == {EventState.DONE}


@at_either_end
@pytest.mark.parametrize("returns_after", sampled(range(5), 0, 2, 4))
def test_all_orders_of_four_events_end_in_the_same_whenever_the_customer_comes_back(
    by_hand: World, returns_after: int, ends_connected: bool
) -> None:
    all_orders(by_hand, returns_after=returns_after, ends_connected=ends_connected)


@pytest.mark.torture
@pytest.mark.parametrize("backend", [pytest.param("postgresql", marks=pytest.mark.postgres)])
@at_either_end
def test_all_orders_of_four_events_end_in_the_same_on_postgresql(by_hand: World, ends_connected: bool) -> None:
    all_orders(by_hand, returns_after=2, ends_connected=ends_connected)


@at_either_end
def test_all_orders_about_a_device_that_is_linked_already_end_in_the_same(by_hand: World, ends_connected: bool) -> None:
    world = by_hand
    for number, order in enumerate(ORDERS):
        customer = world.customer(f"customer {number}")
        leaves(world, customer)
        hears(world, connected(world, customer, world.clock.now, deviceId=CHARGER))
        returns(world, customer)
        world.clock.forward(seconds=10)
        events = four_events(world, customer, ends_connected=ends_connected)
        for at in order:
            hears(world, events[at])
        expected = Connection.WORKING if ends_connected else Connection.NEEDS_REAUTHENTICATION
        assert [device.connection for device in world.devices(customer)] == [expected], order


@on_both_databases
def test_each_event_twenty_times_at_once_has_one_effect(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    for expected in ("device.needs_reauthentication", "device.working"):
        world.clock.forward(minutes=1)
        is_lapse = expected == "device.needs_reauthentication"
        message = (
            disconnected(world, anna, device.provider_device_id, world.clock.now)
            if is_lapse
            else connected(world, anna, world.clock.now, deviceId=device.provider_device_id)
        )
        at_once(partial(world.hears, message))
        world.settles()
        assert world.story(anna).count(expected) == 1
        assert world.device(anna, device.id).needs_customer is is_lapse
    assert len(inbox(world)) == 3


@on_both_databases
def test_a_link_told_twenty_times_at_once_is_one_device(world: World, anna: Customer) -> None:
    attempt_id = world.goes_and_returns(anna, EASEE)
    (message,) = world.mailbox.take()
    at_once(partial(world.hears, message))
    world.settles()
    assert world.attempt(anna, attempt_id).state is State.LINKED
    assert len(world.devices(anna)) == world.story(anna).count("device.linked") == len(inbox(world)) == 1


@on_both_databases
def test_an_event_taken_twenty_times_at_once_has_one_effect(by_hand: World, anna: Customer) -> None:
    world = by_hand
    leaves(world, anna)
    hears(world, connected(world, anna, world.clock.now, deviceId=CHARGER))
    returns(world, anna)
    world.clock.forward(minutes=1)
    world.hears(disconnected(world, anna, CHARGER, world.clock.now))
    (event,) = inbox(world, EventState.RECEIVED)
    at_once(lambda: take(ports=world.ports, event_id=event.id, now=world.clock.now))
    assert world.story(anna).count("device.needs_reauthentication") == 1
    assert inbox(world, EventState.RECEIVED) == ()


@at_either_end
def test_of_two_events_of_one_second_the_one_that_came_later_counts_whichever_is_taken_first(
    by_hand: World, anna: Customer, ends_connected: bool
) -> None:
    world = by_hand
    leaves(world, anna)
    hears(world, connected(world, anna, world.clock.now, deviceId=CHARGER))
    returns(world, anna)
    world.clock.forward(minutes=1)
    at_once_there = [
        disconnected(world, anna, CHARGER, world.clock.now),
        connected(world, anna, world.clock.now, deviceId=CHARGER),
    ]
    for message in at_once_there if ends_connected else reversed(at_once_there):
        world.clock.forward(milliseconds=1)
        world.hears(message)
    for event in inbox(world, EventState.RECEIVED):
        take(ports=world.ports, event_id=event.id, now=world.clock.now)
    assert [device.needs_customer for device in world.devices(anna)] == [not ends_connected]


def test_an_event_delivered_once_more_with_a_new_time_says_nothing_new(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(minutes=1)
    world.receives(disconnected(world, anna, device.provider_device_id, world.clock.now, event_id="msg_1"))
    world.clock.forward(minutes=1)
    world.receives(connected(world, anna, world.clock.now, deviceId=device.provider_device_id))
    world.clock.forward(minutes=1)
    world.receives(disconnected(world, anna, device.provider_device_id, world.clock.now, event_id="msg_1"))
    assert world.device(anna, device.id).connection is Connection.WORKING


def test_a_lapse_while_a_removed_device_was_linked_again_is_not_forgotten(by_hand: World, anna: Customer) -> None:
    """Its row was there before, and knows more of itself than the event does."""
    world = by_hand
    leaves(world, anna)
    hears(world, connected(world, anna, world.clock.now, deviceId=CHARGER))
    returns(world, anna)
    (device,) = world.devices(anna)
    with world.ports.database.write() as tx:
        tx.connection.exec_driver_sql("UPDATE devices SET removed_at = read_at")
    assert world.devices(anna) == ()
    world.clock.forward(minutes=1)
    leaves(world, anna)
    events = four_events(world, anna, ends_connected=False)
    world.clock.forward(minutes=1)
    hears(world, events[2])
    returns(world, anna)
    hears(world, events[3])
    (again,) = world.devices(anna)
    assert (again.id, again.needs_customer) == (device.id, True)


@on_both_databases
def test_old_news_that_could_not_be_delivered_before_do_not_undo_a_reconnection(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    lapsed = world.breaks(anna, device)
    never_heard = new_id(int(world.clock.now.timestamp()))
    world.clock.forward(minutes=10)
    attempt_id = world.renews(anna, lapsed, EASEE.account)
    world.news_comes(EASEE)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    world.clock.forward(hours=2)
    world.receives(disconnected(world, anna, device.provider_device_id, world.clock.now, never_heard))
    assert world.device(anna, device.id).connection is Connection.WORKING
    world.clock.forward(hours=2)
    news = new_id(int(world.clock.now.timestamp()))
    world.receives(disconnected(world, anna, device.provider_device_id, world.clock.now, news))
    assert world.device(anna, device.id).needs_customer
