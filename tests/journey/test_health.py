"""How a device fares, as its provider says and as its data shows; each change is kept."""

from __future__ import annotations

from portal.domain.device import Connection, Device
from portal.domain.health import Cause
from portal.domain.link_session import Reason, State
from portal.domain.people import Customer
from portal.storage import device_history
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, TESLA, Choice, at_every_provider
from tests.journey.world import World


def causes(world: World, device: Device) -> list[Cause]:
    """Its history, oldest first."""
    with world.ports.database.read() as tx:
        changes = device_history.of_device(tx, device.customer_id, device.id, 100)
    assert [change.at for change in changes] == sorted((change.at for change in changes), reverse=True)
    return [change.cause for change in reversed(changes)]


def after(world: World, customer: Customer, device: Device, what: str) -> Device:
    """The device as it is read a minute after this happened to it."""
    world.clock.forward(minutes=1)
    world.happens_there(device, what)
    world.clock.forward(minutes=1)
    world.news_comes(device)
    world.reads(customer)
    return world.device(customer, device.id)


@at_every_provider
def test_a_linked_device_works_and_its_history_begins(world: World, anna: Customer, choice: Choice) -> None:
    device = world.links(anna, choice)
    assert (device.connection, device.cause) == (Connection.WORKING, Cause.DATA_FLOWS)
    assert causes(world, device) == [Cause.DATA_FLOWS]


@at_every_provider
def test_breaking_and_healing_are_kept_with_their_times(world: World, anna: Customer, choice: Choice) -> None:
    device = world.links(anna, choice)
    lapsed = after(world, anna, device, "break")
    healed = after(world, anna, device, "repair")
    assert (lapsed.cause, healed.cause) == (Cause.ACCESS_ENDED, Cause.DATA_FLOWS)
    assert lapsed.changed_at is not None
    assert healed.changed_at is not None
    assert lapsed.changed_at < healed.changed_at
    assert causes(world, device) == [Cause.DATA_FLOWS, Cause.ACCESS_ENDED, Cause.DATA_FLOWS]


def test_a_heat_pump_that_sends_nothing_cannot_be_reached_until_it_sends_again(world: World, anna: Customer) -> None:
    device = world.links(anna, NIBE)
    stopped = after(world, anna, device, "silence")
    assert (stopped.connection, stopped.cause) == (Connection.UNREACHABLE, Cause.DATA_STOPPED)
    assert not stopped.needs_customer
    world.clock.forward(minutes=5)
    world.reads(anna)
    assert world.device(anna, device.id).changed_at == stopped.changed_at
    assert after(world, anna, device, "repair").cause is Cause.DATA_FLOWS
    assert causes(world, device) == [Cause.DATA_FLOWS, Cause.DATA_STOPPED, Cause.DATA_FLOWS]


def test_a_car_that_sleeps_is_no_alarm(world: World, anna: Customer) -> None:
    assert after(world, anna, world.links(anna, TESLA), "silence").connection is Connection.WORKING


def test_a_device_that_its_provider_does_not_name_is_unknown_for_that_cause(world: World, anna: Customer) -> None:
    assert after(world, anna, world.links(anna, DAIKIN), "remove").cause is Cause.NOT_NAMED


def test_a_renewal_is_waited_for_and_lapses_again_when_it_comes_to_nothing(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, NIBE))
    attempt_id = world.renews(anna, device, NIBE.account, meanwhile="break")
    world.looks(anna, attempt_id)
    assert world.device(anna, device.id).cause is Cause.RENEWING
    world.clock.forward(minutes=16)
    ended = world.looks(anna, attempt_id).attempt
    assert (ended.state, ended.reason) == (State.FAILED, Reason.STILL_BROKEN)
    expected = [Cause.DATA_FLOWS, Cause.ACCESS_ENDED, Cause.RENEWING, Cause.ACCESS_ENDED]
    assert causes(world, device) == expected


def test_where_only_events_tell_an_old_event_is_no_alarm(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(days=30)
    world.reads(anna)
    assert world.device(anna, device.id) == device
    assert device.as_of(world.clock.now, reads_devices=False) == device
