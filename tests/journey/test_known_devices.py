"""Where only events tell of new devices, the known ones are read all the same: a lost event is not lost for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection
from portal.domain.health import Cause
from portal.domain.link_session import Reason, State
from portal.domain.people import Customer
from portal.journey.reconcile import reconcile
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import EASEE, Choice
from tests.journey.world import World

VOLVO = Choice("telematica", DeviceType.VEHICLE, "volvo", "en", "anna@example.com")
at_each_kind = pytest.mark.parametrize("choice", [EASEE, VOLVO], ids=["charger", "car"])


@pytest.fixture
def reading(world: World, make_ports: MakePorts) -> World:
    path = "/v1/devices/{device_id}/state"
    made = make_ports(world.ports.database, world.clock, PORTAL_TELEMATICA__STATE_PATH=path)
    return world.with_ports(made)


@at_each_kind
def test_a_lapse_whose_event_was_lost_is_noticed_within_a_day(reading: World, anna: Customer, choice: Choice) -> None:
    device = reading.links(anna, choice)
    reading.clock.forward(days=200)
    reconcile(ports=reading.ports, now=reading.clock.now)
    reading.settles()
    reading.plays("telematica", events="none")
    reading.happens_there(device, "break")
    broke_at = reading.clock.now
    while not reading.device(anna, device.id).needs_customer:
        reading.clock.forward(minutes=30)
        assert reading.clock.now - broke_at <= timedelta(hours=24, minutes=30), "nobody has noticed for a day"
        reconcile(ports=reading.ports, now=reading.clock.now)
        reading.settles()


@at_each_kind
@pytest.mark.parametrize("state", ["ACCOUNT_RATE_LIMITED", "UNKNOWN_ERROR"])
def test_a_quota_or_a_fault_there_is_no_lapse(reading: World, anna: Customer, choice: Choice, state: str) -> None:
    device = reading.links(anna, choice)
    reading.plays("telematica", state=state)
    reading.clock.forward(hours=2)
    reading.reads(anna)
    assert reading.device(anna, device.id) == device


@at_each_kind
def test_a_device_that_left_the_vendors_account_is_not_called_connected(
    reading: World, anna: Customer, choice: Choice
) -> None:
    device = reading.links(anna, choice)
    reading.plays("telematica", state="DEVICE_DISCONNECTED")
    reading.clock.forward(hours=2)
    reading.reads(anna)
    assert reading.device(anna, device.id).cause is Cause.NOT_NAMED


def test_nothing_is_called_connected_for_ever_that_nobody_can_read(reading: World, anna: Customer) -> None:
    device = reading.links(anna, EASEE)
    reading.answers("telematica", 503, "/state")
    reading.clock.forward(days=2)
    reading.reads(anna)
    kept = reading.device(anna, device.id)
    assert kept.cause is Cause.DATA_FLOWS
    assert kept.as_of(reading.clock.now, reads_devices=True).cause is Cause.NOT_ASKED


def test_a_device_that_works_again_is_not_sent_to_reconnect(reading: World, anna: Customer) -> None:
    device = reading.breaks(anna, reading.links(anna, VOLVO))
    reading.plays("telematica", events="none")
    reading.happens_there(device, "repair")
    ended = reading.waits(anna, reading.reconnects(anna, device))
    assert (ended.state, ended.reason) == (State.LINKED, Reason.ALREADY_WORKING)
    assert reading.device(anna, device.id).connection is Connection.WORKING
