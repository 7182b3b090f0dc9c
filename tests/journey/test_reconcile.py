"""Whatever becomes of the queue, what should have moved is found; and what has been kept long enough goes."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select

from portal.domain.device import Connection
from portal.domain.link_session import Reason, State
from portal.domain.people import Customer
from portal.journey.devices import overview
from portal.journey.reconcile import reconcile
from portal.journey.remove import RemovalOutcome, remove
from portal.journey.tasks import Step, Task
from portal.storage import app_entries, tables
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import EASEE, NIBE, Choice, at_every_provider, on_both_databases
from tests.journey.world import World


def loses_its_queue(world: World) -> None:
    """The worker dies, and what was in its queue is gone."""
    world.worker.stop()
    world.worker.forget()


def a_minute_passes(world: World) -> None:
    """Until the reconciler comes by."""
    world.clock.forward(seconds=61)
    if not world.worker.is_running:
        world.worker_starts()
    reconcile(ports=world.ports, now=world.clock.now)
    world.settles()


class Away:
    """A queue that does not answer."""

    def put(self, task: Task) -> bool:
        return task.step not in Step


def while_the_queue_is_away(world: World) -> World:
    return world.with_ports(replace(world.ports, queue=Away()))


def the_reconciler_comes_by(world: World) -> None:
    reconcile(ports=world.ports, now=world.clock.now)
    world.settles()


@on_both_databases
def test_a_click_while_the_queue_is_away_leaves_as_soon_as_the_reconciler_comes_by(
    world: World, anna: Customer
) -> None:
    attempt_id = while_the_queue_is_away(world).opens(anna, NIBE)
    the_reconciler_comes_by(world)
    assert world.attempt(anna, attempt_id).state is State.DEPARTED


@on_both_databases
def test_a_removal_while_the_queue_is_away_is_carried_out_as_soon_as_the_reconciler_comes_by(
    world: World, anna: Customer
) -> None:
    device = world.links(anna, EASEE)
    ports = while_the_queue_is_away(world).ports
    remove(ports=ports, customer=anna, device_id=device.id, patience=0, now=world.clock.now)
    the_reconciler_comes_by(world)
    assert world.devices(anna) == ()


@on_both_databases
def test_devices_looked_at_while_the_queue_is_away_are_read_as_soon_as_the_reconciler_comes_by(
    world: World, anna: Customer
) -> None:
    device = world.links(anna, NIBE)
    world.happens_there(device, "break")
    world.clock.forward(minutes=2)
    assert overview(ports=while_the_queue_is_away(world).ports, customer=anna, now=world.clock.now).refreshing
    the_reconciler_comes_by(world)
    assert world.devices(anna)[0].connection is Connection.NEEDS_REAUTHENTICATION


@on_both_databases
def test_an_event_while_the_queue_is_away_is_taken_as_soon_as_the_reconciler_comes_by(
    world: World, anna: Customer
) -> None:
    attempt_id = world.goes_and_returns(anna, EASEE)
    (message,) = world.mailbox.take()
    while_the_queue_is_away(world).hears(message)
    the_reconciler_comes_by(world)
    assert world.attempt(anna, attempt_id).state is State.LINKED


@at_every_provider
def test_an_attempt_whose_wake_was_lost_still_leaves(world: World, anna: Customer, choice: Choice) -> None:
    world.worker.stop()
    attempt_id = world.opens(anna, choice)
    loses_its_queue(world)
    a_minute_passes(world)
    assert world.attempt(anna, attempt_id).state is State.DEPARTED


@at_every_provider
def test_a_customer_who_is_back_and_closes_the_page_is_linked(world: World, anna: Customer, choice: Choice) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    world.worker.stop()
    world.comes_back(anna, back)
    loses_its_queue(world)
    world.worker_starts()
    world.news_comes(choice)
    a_minute_passes(world)
    assert world.attempt(anna, attempt_id).state is State.LINKED


def test_a_device_that_shows_up_late_is_linked_though_nobody_looks(world: World, anna: Customer) -> None:
    world.shows_devices_late("podero", 150)
    attempt_id = world.goes_and_returns(anna, NIBE)
    world.settles()
    for _ in range(3):
        assert world.attempt(anna, attempt_id).state is State.WAITING
        a_minute_passes(world)
    assert world.attempt(anna, attempt_id).state is State.LINKED


def test_a_link_that_nobody_used_expires_though_nobody_looks(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, EASEE)
    world.leaves(anna, attempt_id)
    world.clock.forward(minutes=13)
    a_minute_passes(world)
    ended = world.attempt(anna, attempt_id)
    assert (ended.state, ended.reason, ended.connect_url) == (State.EXPIRED, Reason.LEFT_OPEN, None)


def test_a_used_link_is_erased_though_nobody_looks(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    world.leaves(anna, attempt_id)
    a_minute_passes(world)
    attempt = world.attempt(anna, attempt_id)
    assert (attempt.state, attempt.connect_url) == (State.DEPARTED, None)


def test_a_provider_that_was_down_is_asked_again_though_nobody_looks(world: World, anna: Customer) -> None:
    world.answers("podero", 503)
    attempt_id = world.opens(anna, NIBE)
    world.settles()
    world.recovers("podero")
    a_minute_passes(world)
    assert world.looks(anna, attempt_id).may_go_on


def test_a_removal_that_was_asked_for_is_carried_out_though_the_worker_died(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.worker.stop()
    asked = remove(ports=world.ports, customer=anna, device_id=device.id, patience=0, now=world.clock.now)
    assert asked is not None
    assert asked.outcome is RemovalOutcome.UNDER_WAY
    assert [kept.removal_asked_at for kept in world.devices(anna)] == [world.clock.now]
    loses_its_queue(world)
    a_minute_passes(world)
    assert world.devices(anna) == ()
    assert world.calls("telematica", "/revoke") == 1


def test_what_a_strangers_return_named_is_removed_there_as_soon_as_the_provider_can(
    world: World, anna: Customer, bo: Customer, make_ports: MakePorts
) -> None:
    removing = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PODERO__DELETE_DEVICES="true"))
    attempt_id, back = removing.goes_there(anna, NIBE)
    removing.answers("podero", 503)
    removing.comes_back(bo, back)
    removing.settles()
    assert removing.attempt(anna, attempt_id).state is State.HELD
    assert [device.removed_at for device in removing.sandbox.state.devices] == [None]
    removing.recovers("podero")
    a_minute_passes(removing)
    assert [device.removed_at is None for device in removing.sandbox.state.devices] == [False]
    calls = removing.calls("podero", "")
    a_minute_passes(removing)
    assert removing.calls("podero", "") == calls


def test_a_device_that_broke_is_noticed_though_nobody_looks(world: World, anna: Customer) -> None:
    device = world.links(anna, NIBE)
    world.happens_there(device, "break")
    a_minute_passes(world)
    assert world.device(anna, device.id).connection is Connection.WORKING
    world.clock.forward(minutes=5)
    a_minute_passes(world)
    assert world.device(anna, device.id).connection is Connection.NEEDS_REAUTHENTICATION


def test_a_provider_that_cannot_be_asked_is_left_in_peace_for_longer_each_time(world: World, anna: Customer) -> None:
    device = world.links(anna, NIBE)
    world.answers("podero", 503)
    asked = []
    for _ in range(60):
        before = world.calls("podero", "/heat-pumps")
        a_minute_passes(world)
        asked.append(world.calls("podero", "/heat-pumps") - before)
    assert 2 <= sum(bool(calls) for calls in asked) <= 4
    world.recovers("podero")
    assert world.device(anna, device.id).connection is Connection.WORKING


def test_rounds_of_two_reconcilers_at_once_wake_everything_once(world: World, anna: Customer) -> None:
    world.worker.stop()
    attempt_id = world.opens(anna, NIBE)
    loses_its_queue(world)
    world.clock.forward(seconds=61)
    world.worker_starts()
    for _ in range(3):
        reconcile(ports=world.ports, now=world.clock.now)
    world.settles()
    assert world.attempt(anna, attempt_id).state is State.DEPARTED
    assert world.calls("podero", "/device-onboarding") == 1


def test_what_has_been_kept_long_enough_is_cleared_away(world: World, anna: Customer) -> None:
    _, back = world.goes_there(anna, NIBE)
    world.comes_back(None, back)
    kept = (tables.pending_arrivals, tables.sign_ins, tables.login_sessions)

    def count() -> int:
        with world.ports.database.read() as tx:
            return sum(tx.connection.scalars(select(func.count()).select_from(table)).one() for table in kept)

    assert count() == 1
    reconcile(ports=world.ports, now=world.clock.now)
    assert count() == 1
    world.clock.forward(days=2)
    reconcile(ports=world.ports, now=world.clock.now)
    assert count() == 0


def test_a_round_over_nothing_does_nothing(world: World, anna: Customer) -> None:
    device = world.links(anna, NIBE)
    world.settles()
    before = len(world.story(anna))
    reconcile(ports=world.ports, now=world.clock.now)
    world.settles()
    assert len(world.story(anna)) == before
    assert world.devices(anna) == (device,)


def test_a_used_token_of_the_app_is_remembered_for_two_days(world: World, anna: Customer) -> None:
    with world.ports.database.write() as tx:
        app_entries.keep(
            tx,
            issuer="the app",
            token_id="a token",
            customer_id=anna.id,
            app_link="main",
            target=None,
            locale=None,
            code="a code",
            now=world.clock.now,
            expires_at=world.clock.now,
        )
    for minutes, is_known in ((24 * 60, True), (24 * 60 - 5, True), (5, False)):
        world.clock.forward(minutes=minutes)
        a_minute_passes(world)
        with world.ports.database.read() as tx:
            assert (app_entries.by_code(tx, "a code") is not None) is is_known
