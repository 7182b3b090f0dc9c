"""The inbox: a yes means stored, nothing stored is forgotten, and what is nobody's waits for an operator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from portal.domain.device import Connection
from portal.domain.link_session import State
from portal.domain.people import Customer
from portal.domain.provider_event import EventState
from portal.journey.provider_events import MOST_TRIES, NotStored, receive, take
from portal.journey.reconcile import reconcile
from portal.journey.take_return import Arrived
from portal.journey.tasks import HOUSE, Step, Task
from portal.journey.waking import wake
from portal.storage import provider_events, tables
from portal.storage.database import Database
from tests.journey.surroundings import DAIKIN, EASEE, Message, on_both_databases
from tests.journey.telling import A_DEVICE, ByHand, connected, disconnected, inbox, nox_changed, pseudonym, signed
from tests.journey.world import World
from tests.support.databases import ON_RECORD

QUARANTINED = (EventState.QUARANTINED,)


class EndsHere:
    """A queue at which the process is killed."""

    def put(self, task: Task) -> bool:
        raise SystemExit(task.step)


class Loses:
    """A queue that loses all."""

    def put(self, task: Task) -> bool:
        return task.step is not None


def a_minute_later(world: World) -> None:
    world.clock.forward(seconds=61)
    reconcile(ports=world.ports, now=world.clock.now)
    world.settles()


def why_quarantined(world: World) -> list[str | None]:
    return [event.cause for event in inbox(world, *QUARANTINED)]


def test_an_event_is_stored_before_its_sender_hears_yes_and_taken_behind_the_pages(
    world: World, anna: Customer
) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(minutes=1)
    waiting = world.with_ports(replace(world.ports, queue=ByHand()))
    waiting.hears(disconnected(world, anna, device.provider_device_id, world.clock.now))
    (event,) = inbox(world, EventState.RECEIVED)
    assert (event.device_ids, event.pseudonym) == ((device.provider_device_id,), pseudonym(world, anna))
    assert not world.device(anna, device.id).needs_customer
    take(ports=world.ports, event_id=event.id, now=world.clock.now)
    assert world.device(anna, device.id).needs_customer
    assert inbox(world, EventState.RECEIVED) == ()


@on_both_databases
def test_an_event_whose_wake_was_lost_is_taken_a_minute_later(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(minutes=1)
    lossy = world.with_ports(replace(world.ports, queue=Loses()))
    lossy.hears(disconnected(world, anna, device.provider_device_id, world.clock.now))
    reconcile(ports=world.ports, now=world.clock.now)
    world.settles()
    assert not world.device(anna, device.id).needs_customer
    a_minute_later(world)
    assert world.device(anna, device.id).needs_customer


def test_two_that_find_the_same_event_put_it_in_the_queue_once(world: World, anna: Customer) -> None:
    world.with_ports(replace(world.ports, queue=Loses())).hears(disconnected(world, anna, "a" * 24, world.clock.now))
    (event,) = inbox(world, EventState.RECEIVED)
    queue = ByHand()
    for seconds in (59, 1, 0):
        world.clock.forward(seconds=seconds)
        wake(
            ports=replace(world.ports, queue=queue), task=Task(Step.TAKE_EVENT, HOUSE, (event.id,)), now=world.clock.now
        )
    assert [task.ids for task in queue.tasks] == [(event.id,)]


def test_a_second_delivery_wakes_what_the_first_could_not(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(minutes=1)
    message = disconnected(world, anna, device.provider_device_id, world.clock.now)
    world.with_ports(replace(world.ports, queue=Loses())).hears(message)
    world.clock.forward(minutes=1)
    world.receives(message)
    assert world.device(anna, device.id).needs_customer


@on_both_databases
def test_a_kill_between_an_event_and_what_it_wakes_loses_nothing(world: World, anna: Customer) -> None:
    attempt_id = world.goes_and_returns(anna, EASEE)
    world.looks(anna, attempt_id)
    (message,) = world.mailbox.take()
    world.with_ports(replace(world.ports, queue=Loses())).hears(message)
    (event,) = inbox(world, EventState.RECEIVED)
    with pytest.raises(SystemExit):
        take(ports=replace(world.ports, queue=EndsHere()), event_id=event.id, now=world.clock.now)
    assert [(event.state, event.tries) for event in inbox(world)] == [(EventState.RECEIVED, 0)]
    a_minute_later(world)
    assert world.attempt(anna, attempt_id).state is State.LINKED
    assert [event.state for event in inbox(world)] == [EventState.DONE]


def test_an_event_is_not_accepted_while_it_cannot_be_stored(world: World, anna: Customer, tmp_path: Path) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(minutes=1)
    message = disconnected(world, anna, device.provider_device_id, world.clock.now)
    away = Database(f"sqlite:///{tmp_path}", seal_key=b"a key of thirty-two bytes or so..")
    with pytest.raises(NotStored):
        world.with_ports(replace(world.ports, database=away)).hears(message)
    world.receives(message)
    assert world.device(anna, device.id).needs_customer


def test_an_event_that_names_nobody_we_know_waits_for_an_operator(world: World) -> None:
    for user in ({"user": "nobody we know"}, {}):
        world.receives(
            signed(world, {"type": "user.devices-connected", **user, "devices": [A_DEVICE]}, world.clock.now)
        )
        world.receives(
            signed(world, {"type": "user.devices-disconnected", **user, "devices": ["b" * 24]}, world.clock.now)
        )
    assert why_quarantined(world) == ["nobody"] * 4


def test_a_device_that_nobody_set_out_to_link_waits_for_an_operator(world: World, anna: Customer) -> None:
    world.receives(connected(world, anna, world.clock.now))
    (event,) = inbox(world)
    assert (event.state, event.cause, event.device_ids) == (EventState.QUARANTINED, "no_attempt", ("a" * 24,))
    assert (world.devices(anna), world.story(anna)) == ((), [])


def test_a_device_beside_one_that_is_theirs_waits_for_an_operator_and_theirs_is_told(
    world: World, anna: Customer
) -> None:
    device = world.breaks(anna, world.links(anna, EASEE))
    world.clock.forward(minutes=1)
    both = [{**A_DEVICE, "deviceId": device.provider_device_id}, A_DEVICE]
    payload = {"type": "user.devices-connected", "user": pseudonym(world, anna), "devices": both}
    world.receives(signed(world, payload, world.clock.now))
    assert why_quarantined(world) == ["no_attempt"]
    assert [device.connection for device in world.devices(anna)] == [Connection.WORKING]


def test_a_connection_without_any_device_that_can_be_read_waits_for_an_operator(world: World, anna: Customer) -> None:
    world.links(anna, EASEE)
    world.receives(connected(world, anna, world.clock.now, deviceType="toaster"))
    assert why_quarantined(world) == ["no_attempt"]


def test_a_removed_device_that_is_connected_again_there_waits_for_an_operator(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(minutes=1)
    world.removes(anna, device)
    late = world.clock.now - timedelta(seconds=30)
    world.receives(connected(world, anna, late, deviceId=device.provider_device_id))
    world.receives(disconnected(world, anna, device.provider_device_id, world.clock.now))
    assert why_quarantined(world) == []
    world.clock.forward(minutes=1)
    world.receives(connected(world, anna, world.clock.now, deviceId=device.provider_device_id))
    assert why_quarantined(world) == ["no_attempt"]
    assert world.devices(anna) == ()


def test_a_late_event_does_not_bring_a_deleted_customer_back(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(minutes=1)
    messages = [
        connected(world, anna, world.clock.now, deviceId=device.provider_device_id),
        disconnected(world, anna, device.provider_device_id, world.clock.now),
    ]
    with world.ports.database.write() as tx:
        for table in reversed(tables.metadata.sorted_tables):
            if table.name not in ON_RECORD | {"provider_events"}:
                tx.connection.execute(table.delete())
    for message in messages:
        world.receives(message)
    assert why_quarantined(world) == ["nobody", "nobody"]
    with world.ports.database.read() as tx:
        assert tx.connection.execute(tables.devices.select()).all() == []


def test_a_disconnection_of_a_device_that_is_not_linked_is_done(world: World, anna: Customer) -> None:
    world.receives(disconnected(world, anna, "a" * 24, world.clock.now))
    assert [event.state for event in inbox(world)] == [EventState.DONE]


def test_an_event_of_a_kind_that_says_nothing_to_us_is_not_kept(world: World, anna: Customer) -> None:
    payload = {"type": "vehicle.charging-status", "user": pseudonym(world, anna), "vehicleId": "a" * 24}
    world.receives(signed(world, payload, world.clock.now))
    assert inbox(world) == ()


@on_both_databases
def test_an_event_that_cannot_be_taken_blocks_no_other_and_is_given_up_with_an_alarm(
    world: World, anna: Customer
) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(minutes=1)
    world.with_ports(replace(world.ports, queue=Loses())).hears(connected(world, anna, world.clock.now))
    of_the_future = tables.provider_events.update().where(tables.provider_events.c.state == EventState.RECEIVED)
    with world.ports.database.write() as tx:
        tx.connection.execute(of_the_future.values(readings=[{"provider_device_id": "x", "device_type": "toaster"}]))
    world.receives(disconnected(world, anna, device.provider_device_id, world.clock.now))
    assert world.device(anna, device.id).needs_customer
    for _ in range(MOST_TRIES - 1):
        a_minute_later(world)
    assert [event.tries for event in inbox(world, EventState.RECEIVED)] == [MOST_TRIES - 1]
    with capture_logs() as said:
        a_minute_later(world)
    (dead,) = inbox(world, EventState.DEAD)
    assert (dead.tries, dead.cause) == (MOST_TRIES, "ValueError")
    alarms = [line for line in said if line["event"] == "event_dead"]
    assert alarms == [{"event": "event_dead", "id": dead.id, "cause": "ValueError", "log_level": "error"}]
    a_minute_later(world)
    assert [event.tries for event in inbox(world, EventState.DEAD)] == [MOST_TRIES]


def test_an_event_that_an_operator_has_taken_once_more_counts_now(world: World, anna: Customer) -> None:
    world.receives(connected(world, anna, world.clock.now))
    assert why_quarantined(world) == ["no_attempt"]
    attempt_id = world.opens(anna, EASEE)
    world.leaves(anna, attempt_id)
    with world.ports.database.write() as tx:
        (event,) = inbox(world, *QUARANTINED)
        assert provider_events.retry(tx, event.id)
    a_minute_later(world)
    assert len(world.attempt(anna, attempt_id).confirmed) == 1
    assert [event.state for event in inbox(world)] == [EventState.DONE]


def test_nox_says_that_something_changed_and_is_asked(world: World, anna: Customer) -> None:
    device = world.links(anna, DAIKIN)
    world.happens_there(device, "break")
    world.clock.forward(minutes=1)
    world.receives(nox_changed(world, anna, world.clock.now, value=False), "nox")
    assert world.device(anna, device.id).needs_customer


def test_nox_is_asked_and_not_believed(world: World, anna: Customer) -> None:
    device = world.links(anna, DAIKIN)
    world.clock.forward(minutes=1)
    world.receives(nox_changed(world, anna, world.clock.now, value=True), "nox")
    assert world.device(anna, device.id).connection is Connection.WORKING


def test_a_word_of_nox_moves_the_attempt_that_waits_for_it(world: World, anna: Customer) -> None:
    world.shows_devices_late("nox", 60)
    attempt_id = world.goes_and_returns(anna, DAIKIN)
    assert world.looks(anna, attempt_id).attempt.state is State.WAITING
    world.clock.forward(seconds=61)
    world.receives(nox_changed(world, anna, world.clock.now), "nox")
    assert world.attempt(anna, attempt_id).state is State.LINKED


def test_a_word_of_nox_about_nobody_we_know_asks_nobody(world: World, anna: Customer) -> None:
    message = nox_changed(world, anna, world.clock.now)
    with world.ports.database.write() as tx:
        tx.connection.execute(tables.provider_accounts.delete())
    world.receives(message, "nox")
    assert why_quarantined(world) == ["nobody"]
    assert world.calls("nox", "") == 0


def test_a_kill_before_nox_is_asked_has_it_asked_a_minute_later(world: World, anna: Customer) -> None:
    device = world.links(anna, DAIKIN)
    world.happens_there(device, "break")
    world.with_ports(replace(world.ports, queue=Loses())).hears(nox_changed(world, anna, world.clock.now), "nox")
    (event,) = inbox(world, EventState.RECEIVED)
    with pytest.raises(SystemExit):
        take(ports=replace(world.ports, queue=EndsHere()), event_id=event.id, now=world.clock.now)
    a_minute_later(world)
    assert world.device(anna, device.id).needs_customer


def test_an_event_of_an_unknown_id_is_left_alone(world: World) -> None:
    take(ports=world.ports, event_id="unknown", now=world.clock.now)


def test_the_inbox_is_asked_for_nothing_by_what_is_not_proven(world: World) -> None:
    with pytest.raises(KeyError):
        receive(ports=world.ports, provider_key="unknown", headers={}, body=b"{}", now=world.clock.now)
    with pytest.raises(Exception, match="telematica"):
        world.receives(Message({}, b"{}"))
    assert inbox(world) == ()


def test_a_return_taken_for_a_newer_attempt_than_its_event_still_links(world: World, anna: Customer) -> None:
    """At a common address, the browser may be back before the event that tells two attempts apart."""
    _, back = world.goes_there(anna, EASEE)
    newer = world.opens(anna, replace(EASEE, vendor="zaptec"))
    world.leaves(anna, newer)
    assert world.comes_back(anna, back) == Arrived(newer)
    world.news_comes(EASEE)
    assert world.looks(anna, newer).attempt.state is State.LINKED
    assert [device.vendor_key for device in world.devices(anna)] == ["easee"]
