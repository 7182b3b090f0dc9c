"""What a provider tells by itself: before the return or after it, of a device already linked, late, of nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection
from portal.domain.link_session import State
from portal.domain.people import Customer
from portal.providers.protocol import EventRefused
from tests.journey.surroundings import EASEE, NIBE, Choice, Message, on_both_databases
from tests.journey.telling import A_DEVICE, connected, disconnected, pseudonym, signed
from tests.journey.world import World

HVAC = Choice("telematica", DeviceType.HVAC, "sensibo", "en", "anna@example.com")


@on_both_databases
@pytest.mark.parametrize("place", ["top", "nested"])
def test_an_event_before_the_return_is_kept_until_the_customer_is_back(
    world: World, anna: Customer, place: str
) -> None:
    world.plays("telematica", metadata_place=place)
    attempt_id, back = world.goes_there(anna, EASEE)
    world.news_comes(EASEE)
    assert world.looks(anna, attempt_id).attempt.state is State.DEPARTED
    assert world.devices(anna) == ()
    world.comes_back(anna, back)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED


def test_an_event_after_the_return_links_without_anybody_looking(world: World, anna: Customer) -> None:
    attempt_id = world.goes_and_returns(anna, EASEE)
    world.looks(anna, attempt_id)
    world.news_comes(EASEE)
    assert world.attempt(anna, attempt_id).state is State.LINKED


def test_an_event_told_twice_links_once(world: World, anna: Customer) -> None:
    attempt_id = world.goes_and_returns(anna, EASEE)
    (message,) = world.mailbox.take()
    world.receives(message)
    world.receives(message)
    assert world.attempt(anna, attempt_id).state is State.LINKED
    assert world.story(anna).count("device.linked") == 1


def test_an_event_counts_for_the_attempt_that_it_names(world: World, anna: Customer) -> None:
    first, back = world.goes_there(anna, EASEE)
    (message,) = world.mailbox.take()
    world.comes_back(anna, back)
    world.looks(anna, first)
    world.clock.forward(seconds=11)
    second = world.opens(anna, EASEE)
    world.leaves(anna, second)
    world.receives(message)
    assert world.attempt(anna, first).state is State.LINKED
    assert world.attempt(anna, second).confirmed == ()


def test_an_event_without_a_name_counts_for_the_newest_attempt_of_its_type(world: World, anna: Customer) -> None:
    world.goes_and_returns(anna, HVAC)
    world.mailbox.take()
    world.clock.forward(seconds=11)
    of_charger = world.opens(anna, EASEE)
    world.leaves(anna, of_charger)
    world.receives(connected(world, anna, world.clock.now, deviceType="hvac"))
    assert world.attempt(anna, of_charger).confirmed == ()
    world.receives(connected(world, anna, world.clock.now))
    assert [reading.provider_device_id for reading in world.attempt(anna, of_charger).confirmed] == ["a" * 24]


def test_two_events_about_one_attempt_both_count(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, EASEE)
    world.leaves(anna, attempt_id)
    world.receives(connected(world, anna, world.clock.now))
    world.receives(connected(world, anna, world.clock.now, deviceId="b" * 24))
    assert len(world.attempt(anna, attempt_id).confirmed) == 2


def test_devices_that_only_the_event_or_only_the_return_names_are_nobodys(world: World, anna: Customer) -> None:
    attempt_id = world.goes_and_returns(anna, EASEE)
    world.mailbox.take()
    world.receives(connected(world, anna, world.clock.now))
    assert world.looks(anna, attempt_id).attempt.state is State.WAITING
    assert world.devices(anna) == ()


def test_a_disconnected_device_needs_its_customer(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(minutes=1)
    world.receives(disconnected(world, anna, device.provider_device_id, world.clock.now))
    lapsed = world.device(anna, device.id)
    assert (lapsed.needs_customer, lapsed.observed_at) == (True, world.clock.now.replace(microsecond=0))
    assert world.story(anna)[-1] == "device.needs_reauthentication"


def test_the_same_news_again_is_not_put_on_record_again(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    for _ in range(2):
        world.clock.forward(minutes=1)
        world.receives(disconnected(world, anna, device.provider_device_id, world.clock.now))
    assert world.story(anna).count("device.needs_reauthentication") == 1


def test_a_device_that_the_vendor_repaired_works_again_by_itself(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, EASEE))
    world.happens_there(device, "repair")
    world.clock.forward(seconds=1)
    world.news_comes(device)
    assert world.device(anna, device.id).connection is Connection.WORKING


def test_a_disconnection_older_than_the_connection_is_dropped(world: World, anna: Customer) -> None:
    before = world.clock.now - timedelta(seconds=30)
    device = world.links(anna, EASEE)
    world.receives(disconnected(world, anna, device.provider_device_id, before))
    assert world.device(anna, device.id).connection is Connection.WORKING


def test_a_disconnection_within_the_second_of_the_connection_counts(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.receives(disconnected(world, anna, device.provider_device_id, world.clock.now))
    assert world.device(anna, device.id).needs_customer


def test_a_disconnection_between_the_event_and_the_return_is_not_forgotten(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, EASEE))
    attempt_id = world.reconnects(anna, device)
    back = world.signs_in_there(world.leaves(anna, attempt_id), EASEE.account)
    world.news_comes(EASEE)
    world.clock.forward(seconds=5)
    world.receives(disconnected(world, anna, device.provider_device_id, world.clock.now))
    world.comes_back(anna, back)
    world.looks(anna, attempt_id)
    assert world.device(anna, device.id).needs_customer


def test_news_of_other_devices_leave_a_device_alone(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(minutes=1)
    world.receives(disconnected(world, anna, "c" * 24, world.clock.now))
    world.receives(connected(world, anna, world.clock.now, deviceId="c" * 24))
    assert world.devices(anna) == (device,)


def test_news_of_a_removed_device_do_not_bring_it_back(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.removes(anna, device)
    world.clock.forward(minutes=1)
    world.receives(connected(world, anna, world.clock.now, deviceId=device.provider_device_id))
    assert world.devices(anna) == ()


def test_the_same_physical_device_of_two_customers_lapses_for_the_one_it_lapsed_for(
    world: World, anna: Customer, bo: Customer
) -> None:
    of_anna, of_bo = world.links(anna, EASEE), world.links(bo, EASEE)
    assert of_anna.provider_device_id == of_bo.provider_device_id
    world.clock.forward(minutes=1)
    world.receives(disconnected(world, anna, of_anna.provider_device_id, world.clock.now))
    assert [world.device(anna, of_anna.id).needs_customer, world.device(bo, of_bo.id).needs_customer] == [True, False]


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "user.devices-connected", "user": "nobody we know", "devices": [A_DEVICE]},
        {"type": "user.devices-connected", "devices": [A_DEVICE]},
        {"type": "something.else", "user": "nobody we know"},
    ],
    ids=["of nobody we know", "without a customer", "of another kind"],
)
def test_an_event_that_concerns_nobody_is_taken_in_and_changes_nothing(
    world: World, anna: Customer, payload: dict[str, Any]
) -> None:
    pseudonym(world, anna)
    world.receives(signed(world, payload, world.clock.now))
    assert world.story(anna) == []


def test_an_event_for_a_customer_without_an_attempt_changes_nothing(world: World, anna: Customer) -> None:
    world.receives(connected(world, anna, world.clock.now))
    assert (world.devices(anna), world.story(anna)) == ((), [])


def test_an_event_that_is_not_proven_changes_nothing(world: World, anna: Customer) -> None:
    attempt_id = world.goes_and_returns(anna, EASEE)
    (message,) = world.mailbox.take()
    with pytest.raises(EventRefused):
        world.receives(Message(message.headers, message.body + b" "))
    world.clock.forward(minutes=6)
    with pytest.raises(EventRefused):
        world.receives(message)
    assert world.looks(anna, attempt_id).attempt.state is State.WAITING


@pytest.mark.parametrize(("provider", "error"), [("unknown", KeyError), ("podero", EventRefused)])
def test_an_event_of_a_provider_that_sends_none_is_refused(world: World, provider: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        world.receives(Message({}, b"{}"), provider)


def test_events_of_one_provider_leave_devices_of_another_alone(world: World, anna: Customer) -> None:
    device = world.links(anna, NIBE)
    world.receives(disconnected(world, anna, device.provider_device_id, world.clock.now))
    assert world.devices(anna) == (device,)
