"""A device that NOX holds for a customer who linked it with the manufacturer is offered to them, and not used."""

from __future__ import annotations

from portal.domain.device import Device, RemovedBecause
from portal.domain.people import Customer
from portal.journey import devices as journey
from portal.sandbox.state import LinkedDevice
from tests.journey.surroundings import DAIKIN, on_both_databases
from tests.journey.world import World


def links_at_the_manufacturer(world: World, model: LinkedDevice) -> str:
    """The owner of this device at NOX links another one of its type there, without the portal."""
    state = world.sandbox.state
    other = state.add_device("nox", model.owner, model.device_type, model.physical, "nox-from-the-manufacturer")
    return other.id


def at_nox(world: World) -> LinkedDevice:
    (held,) = (device for device in world.sandbox.state.devices if device.provider == "nox")
    return held


def offered(world: World, customer: Customer) -> list[Device]:
    shown = journey.overview(ports=world.ports, customer=customer, now=world.clock.now, then=lambda _: None)
    return [device for device in shown.gone if device.removed_because is RemovedBecause.LINKED_ELSEWHERE]


@on_both_databases
def test_it_is_offered_once_and_is_on_no_list(world: World, anna: Customer, bo: Customer) -> None:
    device = world.links(anna, DAIKIN)
    links_at_the_manufacturer(world, at_nox(world))
    for _ in range(3):
        world.clock.forward(minutes=20)
        world.reads(anna)
    (found,) = offered(world, anna)
    assert (found.provider_device_id, found.vendor_key) == ("nox-from-the-manufacturer", "daikin")
    assert (found.nickname, found.consent_id) == (None, None)
    assert [known.id for known in world.devices(anna)] == [device.id]
    assert offered(world, bo) == []
    assert world.story(anna).count("device.found_there") == 1


def test_what_its_customer_has_put_away_does_not_come_again(world: World, anna: Customer) -> None:
    world.links(anna, DAIKIN)
    links_at_the_manufacturer(world, at_nox(world))
    world.clock.forward(minutes=20)
    world.reads(anna)
    (found,) = offered(world, anna)
    assert journey.put_away(ports=world.ports, customer=anna, device_id=found.id, now=world.clock.now)
    world.clock.forward(days=1)
    world.reads(anna)
    assert offered(world, anna) == []


def test_nothing_is_offered_while_an_attempt_may_be_about_it(world: World, anna: Customer) -> None:
    world.links(anna, DAIKIN)
    _, back = world.goes_there(anna, DAIKIN)
    world.clock.forward(minutes=20)
    world.reads(anna)
    assert offered(world, anna) == []
    world.comes_back(anna, back)
    world.settles()
    world.clock.forward(days=2)
    world.reads(anna)
    assert offered(world, anna) == []
    assert len(world.devices(anna)) == 1


def test_a_device_that_was_removed_here_is_not_offered_again(world: World, anna: Customer) -> None:
    device = world.links(anna, DAIKIN)
    links_at_the_manufacturer(world, at_nox(world))
    world.clock.forward(minutes=20)
    world.reads(anna)
    world.removes(anna, device)
    world.clock.forward(days=2)
    world.reads(anna)
    assert [found.provider_device_id for found in offered(world, anna)] == ["nox-from-the-manufacturer"]
