"""The customer's devices: what is known at once, and newer words a moment later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, Device
from portal.domain.health import Cause
from portal.domain.link_session import State
from portal.domain.people import Customer
from portal.journey import devices
from portal.journey.devices import Overview
from portal.storage import audit
from portal.storage import devices as rows
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, TESLA, Choice
from tests.journey.world import World
from tests.storage.made import a_device

asked = pytest.mark.parametrize("choice", [NIBE, DAIKIN], ids=["podero", "nox"])
PANELS = Choice("nox", DeviceType.INVERTER, "sma", "nl", "anna@example.com")
LISTS = {"podero": "/heat-pumps", "nox": "/v1/devices"}


def overview(world: World, customer: Customer) -> Overview:
    return devices.overview(ports=world.ports, customer=customer, now=world.clock.now)


def refresh(world: World, customer: Customer) -> None:
    world.reads(customer)


def after_refreshing(world: World, customer: Customer) -> Overview:
    """The overview, once what it set going is over."""
    overview(world, customer)
    world.settles()
    return overview(world, customer)


def test_a_customer_without_devices_sees_none(world: World, anna: Customer) -> None:
    assert overview(world, anna) == Overview((), (), refreshing=False)
    refresh(world, anna)


@asked
def test_what_is_fresh_is_not_asked_for_again(world: World, anna: Customer, choice: Choice) -> None:
    device = world.links(anna, choice)
    calls = world.calls(choice.provider, LISTS[choice.provider])
    world.clock.forward(seconds=14.9)
    assert overview(world, anna) == Overview((device,), (), refreshing=False)
    assert world.calls(choice.provider, LISTS[choice.provider]) == calls


@asked
def test_a_device_that_broke_shows_it_once_somebody_looks(world: World, anna: Customer, choice: Choice) -> None:
    world.links(anna, choice)
    world.happens_there(world.devices(anna)[0], "break")
    world.clock.forward(seconds=15)
    (device,) = after_refreshing(world, anna).devices
    assert (device.needs_customer, device.read_at) == (True, world.clock.now)
    assert world.story(anna)[-1] == "device.needs_reauthentication"


def test_the_page_does_not_wait_for_a_slow_provider(world: World, anna: Customer) -> None:
    device = world.links(anna, NIBE)
    world.is_slow("podero", 0.5)
    world.clock.forward(seconds=15)
    assert overview(world, anna) == Overview((device,), (), refreshing=True)
    world.settles()
    assert not overview(world, anna).refreshing


def test_devices_that_need_the_customer_come_first(world: World, anna: Customer) -> None:
    pump, car = world.links(anna, NIBE), world.links(anna, TESLA)
    assert [device.id for device in overview(world, anna).devices] == [pump.id, car.id]
    world.breaks(anna, car)
    assert [device.id for device in overview(world, anna).devices] == [car.id, pump.id]


@asked
@pytest.mark.parametrize("status", [503, 403, 302])
def test_a_provider_that_does_not_answer_leaves_everything_as_it_was(
    world: World, anna: Customer, choice: Choice, status: int
) -> None:
    device = world.links(anna, choice)
    world.answers(choice.provider, status)
    world.clock.forward(minutes=5)
    assert after_refreshing(world, anna).devices == (device,)


def test_a_provider_that_is_down_does_not_keep_others_from_being_asked(world: World, anna: Customer) -> None:
    pump, other = world.links(anna, NIBE), world.links(anna, PANELS)
    world.answers("podero", 503)
    world.clock.forward(minutes=5)
    refresh(world, anna)
    assert world.device(anna, pump.id) == pump
    assert world.device(anna, other.id).read_at == world.clock.now


def test_a_device_that_the_provider_no_longer_names_is_unknown_and_no_alarm(world: World, anna: Customer) -> None:
    world.links(anna, DAIKIN)
    world.happens_there(world.devices(anna)[0], "remove")
    world.clock.forward(minutes=1)
    (device,) = after_refreshing(world, anna).devices
    assert (device.connection, device.needs_customer) == (Connection.UNKNOWN, False)


def test_a_device_that_was_deleted_at_its_provider_leaves_the_list(world: World, anna: Customer) -> None:
    pump, car = world.links(anna, NIBE), world.links(anna, TESLA)
    world.happens_there(pump, "remove")
    world.clock.forward(minutes=1)
    assert [device.id for device in after_refreshing(world, anna).devices] == [car.id]
    with world.ports.database.read() as tx:
        newest = audit.of_customer(tx, anna.id, 1)[0]
    assert (newest.action, newest.object_id, newest.actor) == ("device.gone_there", pump.id, "podero")
    refresh(world, anna)
    assert world.story(anna).count("device.gone_there") == 1


def test_a_device_that_was_deleted_at_its_provider_can_be_linked_again(world: World, anna: Customer) -> None:
    pump = world.links(anna, NIBE)
    world.happens_there(pump, "remove")
    world.clock.forward(minutes=1)
    refresh(world, anna)
    again = world.links(anna, NIBE)
    assert world.devices(anna) == (again,)
    assert again.connection is Connection.WORKING


def test_a_device_stays_on_the_list_while_its_customer_is_renewing_it(world: World, anna: Customer) -> None:
    """It may be coming back under another id, and its renewal is told by the row it had."""
    pump = world.breaks(anna, world.links(anna, NIBE))
    world.leaves(anna, world.reconnects(anna, pump))
    world.happens_there(pump, "remove")
    world.clock.forward(minutes=1)
    refresh(world, anna)
    assert [device.id for device in world.devices(anna)] == [pump.id]


def test_a_look_never_adds_a_device(world: World, anna: Customer) -> None:
    """Somebody who mailed their link to a stranger must not find the stranger's device by looking."""
    world.links(anna, NIBE)
    world.clock.forward(minutes=1)
    attempt_id = world.opens(anna, replace(NIBE, account="second@nibe.se"))
    world.signs_in_there(world.leaves(anna, attempt_id), "second@nibe.se", "nibe")
    refresh(world, anna)
    assert len(world.devices(anna)) == 1


def test_a_device_removed_while_its_provider_was_being_asked_stays_removed(world: World, anna: Customer) -> None:
    device = world.links(anna, NIBE)
    world.is_slow("podero", 0.5)
    world.clock.forward(minutes=1)
    overview(world, anna)
    world.removes(anna, device)
    world.settles()
    assert world.devices(anna) == ()


def test_newer_words_that_came_while_the_provider_was_being_asked_count(world: World, anna: Customer) -> None:
    device = world.links(anna, NIBE)
    world.clock.forward(minutes=1)
    newer = replace(device, connection=Connection.UNREACHABLE, observed_at=world.clock.now.replace(minute=59))
    with world.ports.database.write() as tx:
        rows.save(tx, newer)
    refresh(world, anna)
    assert world.device(anna, device.id) == newer


def test_where_only_events_tell_nobody_is_asked(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(days=30)
    assert overview(world, anna) == Overview((device,), (), refreshing=False)


def test_attempts_under_way_are_shown_and_moved_on_by_looking(world: World, anna: Customer) -> None:
    world.shows_devices_late("podero", 60)
    attempt_id = world.goes_and_returns(anna, NIBE)
    assert [attempt.id for attempt in overview(world, anna).attempts] == [attempt_id]
    world.settles()
    assert [attempt.state for attempt in overview(world, anna).attempts] == [State.WAITING]
    world.settles()
    world.clock.forward(seconds=60)
    overview(world, anna)
    world.settles()
    assert (overview(world, anna).attempts, len(overview(world, anna).devices)) == ((), 1)


def test_nobody_finds_anothers_device(world: World, anna: Customer, bo: Customer) -> None:
    device = world.links(anna, NIBE)
    assert devices.find(ports=world.ports, customer=bo, device_id=device.id) is None
    assert overview(world, bo).devices == ()


def test_a_device_whose_account_is_lost_is_shown_as_last_known(world: World, anna: Customer) -> None:
    lost = imported(world, anna)
    world.clock.forward(minutes=1)
    assert after_refreshing(world, anna).devices == (lost,)


def imported(world: World, customer: Customer) -> Device:
    """A device that was put in by other means than linking."""
    device = replace(a_device(customer), linked_at=world.clock.now, read_at=world.clock.now)
    with world.ports.database.write() as tx:
        rows.save(tx, device)
    return device


def test_a_provider_that_nobody_can_ask_for_long_is_not_taken_for_well(world: World, anna: Customer) -> None:
    device = world.links(anna, NIBE)
    world.answers("podero", 503)
    world.clock.forward(hours=31)
    (shown,) = after_refreshing(world, anna).devices
    assert (shown.connection, shown.cause) == (Connection.UNKNOWN, Cause.NOT_ASKED)
    assert world.device(anna, device.id).connection is Connection.WORKING
    world.recovers("podero")
    (shown,) = after_refreshing(world, anna).devices
    assert shown.connection is Connection.WORKING
