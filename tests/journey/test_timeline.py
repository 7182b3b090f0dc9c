"""What those who help a customer read: all that happened, newest first, and nothing that is secret or another's."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest
from sqlalchemy import select

from portal.domain.catalogue import DeviceType, RouteReason
from portal.domain.health import Cause
from portal.domain.link_session import Purpose, Reason, State
from portal.domain.people import Customer
from portal.identity import login_sessions
from portal.journey import choose, timeline, which_device
from portal.journey.device_timeline import DeviceEntry, DeviceEvent
from portal.journey.timeline import AttemptEntry, RecordEntry, Timeline
from portal.storage import audit, link_sessions, tables
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, on_both_databases
from tests.journey.world import World

OTHER_NIBE = replace(NIBE, account="second@nibe.se")


def read(world: World, customer: Customer, limit: int = 100) -> Timeline:
    return timeline.timeline(ports=world.ports, customer=customer, limit=limit)


def attempts(story: Timeline) -> list[AttemptEntry]:
    return [entry for entry in story.entries if isinstance(entry, AttemptEntry)]


def of_devices(story: Timeline) -> list[tuple[DeviceEvent, Cause | None]]:
    """What happened to devices, oldest first."""
    return [(e.event, e.cause) for e in reversed(story.entries) if isinstance(e, DeviceEntry)]


def moves(entry: AttemptEntry) -> list[str]:
    return [step.action for step in entry.steps]


def goes_through_everything(world: World, customer: Customer) -> None:
    """Signs in, links, loses and renews access, gives up, links elsewhere, removes, misses a maker and signs out."""
    _, token = login_sessions.sign_in(world.ports.database, customer.identity, None, world.clock.now, 8)
    pump = world.links(customer, NIBE)
    world.clock.forward(minutes=5)
    lapsed = world.breaks(customer, pump)
    world.clock.forward(minutes=5)
    renewed = world.renews(customer, lapsed, NIBE.account)
    world.looks(customer, renewed)
    world.clock.forward(minutes=5)
    world.leaves(customer, world.opens(customer, DAIKIN))
    world.clock.forward(minutes=1)
    other = world.links(customer, DAIKIN)
    world.clock.forward(minutes=5)
    world.removes(customer, other)
    world.clock.forward(minutes=1)
    choose.ask_for_vendor(
        ports=world.ports, customer=customer, device_type=DeviceType.HVAC, text="Kylmakarit", now=world.clock.now
    )
    login_sessions.sign_out(world.ports.database, token, world.clock.now)


@on_both_databases
def test_all_that_happened_to_a_customer_is_there_newest_first(world: World, anna: Customer) -> None:
    goes_through_everything(world, anna)
    story = read(world, anna)
    times = [entry.at for entry in story.entries]
    assert times == sorted(times, reverse=True)
    assert not story.is_cut
    linked_again, superseded, renewed, linked = attempts(story)
    assert moves(linked) == ["opened", "departed", "arrived", "linked"]
    assert (linked.purpose, linked.vendor.name, linked.provider_name) == (Purpose.LINK, "NIBE", "Podero")
    assert linked.route_reason in set(RouteReason)
    assert linked.consent is not None
    assert linked.consent.version == world.ports.policy.consent_version
    assert (renewed.purpose, renewed.state, renewed.consent) == (Purpose.REAUTHENTICATE, State.LINKED, None)
    assert renewed.route_reason is RouteReason.PINNED_DEVICE
    assert (superseded.state, superseded.reason) == (State.CANCELLED, Reason.SUPERSEDED)
    assert moves(superseded) == ["opened", "departed", "cancelled"]
    assert (linked_again.device_type, linked_again.provider_name) == (DAIKIN.device_type, "NOX")
    events = [event for event, _ in of_devices(story)]
    for event in ("linked", "lapsed", "reconnected", "linked", "removed"):
        events = events[events.index(DeviceEvent(event)) + 1 :]
    records = [(e.action, e.device_type) for e in reversed(story.entries) if isinstance(e, RecordEntry)]
    assert records == [
        ("login_session.opened", None),
        ("vendor.requested", DeviceType.HVAC),
        ("login_session.closed", None),
    ]


@on_both_databases
def test_another_customer_s_things_never_appear(world: World, anna: Customer, bo: Customer) -> None:
    goes_through_everything(world, anna)
    assert read(world, bo) == Timeline((), is_cut=False)
    world.opens(bo, EASEE)
    world.settles()
    assert {entry.vendor.name for entry in attempts(read(world, bo))} == {"Easee"}
    assert "Easee" not in repr(read(world, anna))


@on_both_databases
def test_the_reference_is_there_and_no_secret_is(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    world.waits(anna, attempt_id)
    attempt = world.attempt(anna, attempt_id)
    assert attempt.connect_url is not None
    story = read(world, anna)
    (entry,) = attempts(story)
    assert entry.provider_reference == attempt.provider_reference is not None
    with world.ports.database.read() as tx:
        (kept,) = link_sessions.latest(tx, anna.id, 9)
        hashes = tx.connection.scalars(select(tables.link_sessions.c.arrival_hash)).all()
        pseudonyms = tx.connection.scalars(select(tables.provider_accounts.c.pseudonym)).all()
    assert kept == replace(attempt, connect_url=None)
    shown = repr(story)
    assert attempt.connect_url not in shown
    assert "http" not in shown
    assert not [secret for secret in (*hashes, *pseudonyms) if secret and secret in shown]


def test_reading_changes_nothing_and_asks_nobody(world: World, anna: Customer) -> None:
    world.links(anna, NIBE)
    before = [len(calls) for calls in world.sandbox.state.calls.values()], world.story(anna)
    assert read(world, anna) == read(world, anna)
    assert ([len(calls) for calls in world.sandbox.state.calls.values()], world.story(anna)) == before


def test_a_device_that_came_back_by_itself_has_healed(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, NIBE))
    world.happens_there(device, "repair")
    world.clock.forward(minutes=5)
    world.reads(anna)
    told = of_devices(read(world, anna))
    assert told[0][0] is DeviceEvent.LINKED
    assert told[-2:] == [(DeviceEvent.LAPSED, Cause.ACCESS_ENDED), (DeviceEvent.HEALED, Cause.DATA_FLOWS)]


def test_a_device_that_was_removed_and_linked_again_is_linked_and_not_reconnected(world: World, anna: Customer) -> None:
    world.removes(anna, world.links(anna, NIBE))
    world.clock.forward(minutes=1)
    world.links(anna, NIBE)
    told = [event for event, _ in of_devices(read(world, anna))]
    assert told.count(DeviceEvent.LINKED) == 2
    assert DeviceEvent.RECONNECTED not in told


def test_a_removal_is_told_from_its_beginning(world: World, anna: Customer) -> None:
    world.removes(anna, world.links(anna, EASEE))
    told = [event for event, _ in of_devices(read(world, anna))]
    assert told[-2:] == [DeviceEvent.REMOVAL_ASKED, DeviceEvent.REMOVED]


def test_both_devices_that_were_kept_are_told(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, NIBE))
    attempt_id = world.renews(anna, device, OTHER_NIBE.account)
    world.looks(anna, attempt_id)
    world.clock.forward(minutes=1)
    assert which_device.keep(ports=world.ports, customer=anna, link_session_id=attempt_id, now=world.clock.now)
    newest = attempts(read(world, anna))[0]
    assert moves(newest)[-2:] == ["failed", "kept_both"]
    assert [step.reason for step in newest.steps[-2:]] == [Reason.OTHER_ACCOUNT, Reason.KEPT_BOTH]


def test_what_repeats_itself_is_taken_together(world: World, anna: Customer) -> None:
    attempt_id, back = world.goes_there(anna, DAIKIN)
    unreadable = replace(back, query={"data": ["?"]})
    for _ in range(3):
        world.comes_back(anna, unreadable)
    (entry,) = attempts(read(world, anna))
    assert entry.id == attempt_id
    assert [(s.action, s.reason, s.times) for s in entry.steps[-1:]] == [
        ("arrival_refused", Reason.ANSWER_UNREADABLE, 3)
    ]


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_a_timeline_that_is_cut_is_the_newest_part_of_the_whole(world: World, anna: Customer, limit: int) -> None:
    goes_through_everything(world, anna)
    part = read(world, anna, limit)
    assert part.is_cut
    assert part.entries
    assert [_key(entry) for entry in part.entries] == [_key(e) for e in read(world, anna).entries[: len(part.entries)]]


def _key(entry: timeline.Entry) -> tuple[datetime, type]:
    return entry.at, type(entry)


def test_an_attempt_without_a_line_on_record_tells_its_own_story(world: World, anna: Customer) -> None:
    attempt_id = world.goes_and_returns(anna, NIBE)
    world.looks(anna, attempt_id)
    with world.ports.database.write() as tx:
        for _ in range(timeline.LINES_AN_ENTRY):
            audit.record(
                tx,
                at=world.clock.now,
                actor="customer",
                customer_id=anna.id,
                action="session.renamed",
                object_type="other",
                object_id=None,
            )
    (first,) = read(world, anna, 1).entries
    assert first.at == world.clock.now
    whole = [entry.steps for entry in attempts(read(world, anna))]
    assert [step.action for step in whole[0]][-1] == "linked"
    assert all(one.at <= other.at for steps in whole for one, other in pairwise(steps))
