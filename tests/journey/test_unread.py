"""A claim is not a verdict: what a provider could not be asked about stays as it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.domain.device import Connection
from portal.domain.health import Cause
from portal.domain.link_session import State
from portal.domain.people import Customer
from portal.journey.reconcile import reconcile
from portal.storage import device_history
from tests.journey.surroundings import NIBE, TESLA, on_both_databases
from tests.journey.world import World

DETAIL = "/electric-vehicles/"


@pytest.mark.parametrize("status", [404, 429, 500, 503])
@on_both_databases
def test_a_customer_is_not_sent_to_reconnect_because_a_detail_could_not_be_read(
    world: World, anna: Customer, status: int
) -> None:
    device = world.links(anna, TESLA)
    world.plays("podero", other_action="new_terms")
    world.answers("podero", status, DETAIL)
    for _ in range(3):
        world.clock.forward(minutes=30)
        world.reads(anna)
        assert (world.device(anna, device.id).connection, world.device(anna, device.id).cause) == (
            Connection.WORKING,
            Cause.DATA_FLOWS,
        )
    with world.ports.database.read() as tx:
        assert len(device_history.of_device(tx, anna.id, device.id, 100)) == 1
    world.recovers("podero")
    world.clock.forward(minutes=30)
    world.reads(anna)
    assert world.device(anna, device.id).read_at == world.clock.now
    assert world.device(anna, device.id).connection is Connection.WORKING


def test_a_lapsed_device_stays_lapsed_while_its_detail_cannot_be_read(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, TESLA))
    assert device.needs_customer
    world.plays("podero", other_action="new_terms")
    world.happens_there(device, "repair")
    world.answers("podero", 503, DETAIL)
    world.clock.forward(minutes=30)
    world.reads(anna)
    assert world.device(anna, device.id).cause is Cause.ACCESS_ENDED
    world.recovers("podero")
    world.reads(anna)
    assert world.device(anna, device.id).cause is Cause.DATA_FLOWS


def test_an_unread_device_is_linked_and_waits_for_its_first_word(world: World, anna: Customer) -> None:
    world.plays("podero", other_action="new_terms")
    attempt_id = world.opens(anna, TESLA)
    back = world.signs_in_there(world.leaves(anna, attempt_id), TESLA.account, TESLA.asked_there)
    world.answers("podero", 500, DETAIL)
    world.comes_back(anna, back)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    (device,) = world.devices(anna)
    assert device.cause is Cause.FIRST_DATA


def test_a_renewal_is_not_called_healthy_before_the_device_could_be_read(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, TESLA))
    world.plays("podero", other_action="new_terms")
    attempt_id = world.reconnects(anna, device)
    back = world.signs_in_there(world.leaves(anna, attempt_id), TESLA.account)
    world.answers("podero", 500, DETAIL)
    world.comes_back(anna, back)
    assert world.looks(anna, attempt_id).attempt.state is State.WAITING
    world.recovers("podero")
    world.clock.forward(seconds=61)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED


@on_both_databases
def test_a_lapsed_access_is_noticed_within_a_day_however_long_its_customer_has_stayed_away(
    world: World, anna: Customer
) -> None:
    device = world.links(anna, NIBE)
    world.clock.forward(days=400)
    reconcile(ports=world.ports, now=world.clock.now)
    world.settles()
    world.happens_there(device, "break")
    broke_at = world.clock.now
    while not world.device(anna, device.id).needs_customer:
        world.clock.forward(minutes=30)
        assert world.clock.now - broke_at <= timedelta(hours=24, minutes=30), "nobody has noticed for a day"
        reconcile(ports=world.ports, now=world.clock.now)
        world.settles()
