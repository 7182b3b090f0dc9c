"""Removing a device: at its provider where that can be done, and never in part."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.domain.people import Customer
from portal.journey import remove
from portal.journey.devices import overview
from portal.journey.reconcile import reconcile
from portal.journey.remove import RemovalOutcome
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, Choice, at_every_provider, on_both_databases
from tests.journey.world import World


@pytest.mark.parametrize(
    ("choice", "ends_there"), [(NIBE, False), (DAIKIN, False), (EASEE, True)], ids=["podero", "nox", "telematica"]
)
def test_a_customer_reads_what_removing_does_before_confirming(
    world: World, anna: Customer, choice: Choice, ends_there: bool
) -> None:
    device = world.links(anna, choice)
    preview = remove.preview(ports=world.ports, customer=anna, device_id=device.id)
    assert preview is not None
    assert (preview.device, preview.provider.removes_devices) == (device, ends_there)
    assert world.devices(anna) == (device,)


def test_where_the_provider_can_end_the_access_it_ends(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    removed = world.removes(anna, device)
    assert (removed.outcome, removed.provider.name) == (RemovalOutcome.GONE, "Telematica")
    assert world.devices(anna) == ()
    assert all(there.removed_at is not None for there in world.sandbox.state.devices)
    assert world.story(anna)[-1] == "device.removed"


def test_only_the_customers_own_access_ends(world: World, anna: Customer, bo: Customer) -> None:
    of_anna, of_bo = world.links(anna, EASEE), world.links(bo, EASEE)
    world.removes(anna, of_anna)
    assert world.devices(bo) == (of_bo,)
    assert [there.owner for there in world.sandbox.state.devices if there.removed_at is None] != []


def test_podero_is_asked_to_remove_where_the_retailer_says_that_it_can(
    world: World, anna: Customer, make_ports: MakePorts
) -> None:
    removing = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PODERO__DELETE_DEVICES="true"))
    assert removing.removes(anna, removing.links(anna, NIBE)).outcome is RemovalOutcome.GONE
    world.plays("podero", delete_supported="405")
    assert removing.removes(anna, removing.links(anna, NIBE)).outcome is RemovalOutcome.NOT_OFFERED


@pytest.mark.parametrize("choice", [NIBE, DAIKIN], ids=["podero", "nox"])
def test_where_the_provider_cannot_be_told_it_is_off_the_list_and_the_customer_knows(
    world: World, anna: Customer, choice: Choice
) -> None:
    device = world.links(anna, choice)
    assert world.removes(anna, device).outcome is RemovalOutcome.NOT_OFFERED
    assert world.devices(anna) == ()


@pytest.mark.parametrize("status", [503, 403, 302])
def test_while_the_provider_cannot_end_the_access_the_device_stays(world: World, anna: Customer, status: int) -> None:
    device = world.links(anna, EASEE)
    world.answers("telematica", status)
    assert world.removes(anna, device).outcome is RemovalOutcome.UNAVAILABLE
    assert world.devices(anna) == (replace(device, removal_failed_at=world.clock.now),)
    world.recovers("telematica")
    assert world.removes(anna, device).outcome is RemovalOutcome.GONE


@on_both_databases
@pytest.mark.parametrize("carried_out", [True, False])
def test_a_removal_whose_answer_was_lost_is_not_known_and_is_looked_after_until_it_is(
    world: World, anna: Customer, carried_out: bool
) -> None:
    device = world.links(anna, EASEE)
    loses_the_answer(world, "telematica", carried_out=carried_out)
    assert world.removes(anna, device).outcome is RemovalOutcome.UNKNOWN
    (kept,) = world.devices(anna)
    assert kept.may_be_gone
    assert not kept.needs_customer
    for _ in range(2):
        a_minute_passes(world)
        assert world.devices(anna)[0].may_be_gone
    world.answers("telematica", 503)
    a_minute_passes(world)
    assert world.devices(anna)[0].may_be_gone
    world.recovers("telematica")
    a_minute_passes(world)
    assert world.devices(anna) == ()
    assert all(there.removed_at is not None for there in world.sandbox.state.devices)
    assert [action for action in world.story(anna) if "remov" in action] == [
        "device.removal_asked",
        "device.removal_unknown",
        "device.removed",
    ]


def test_a_removal_of_which_nobody_knows_is_not_made_again_at_every_look(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    loses_the_answer(world, "telematica", carried_out=False)
    world.removes(anna, device)
    for _ in range(3):
        reconcile(ports=world.ports, now=world.clock.now)
        overview(ports=world.ports, customer=anna, now=world.clock.now)
        world.settles()
    assert world.calls("telematica", "/revoke") == 1


def test_a_removal_that_the_provider_refuses_in_the_end_has_changed_nothing(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    loses_the_answer(world, "telematica", carried_out=False)
    world.removes(anna, device)
    world.answers("telematica", 403)
    a_minute_passes(world)
    assert world.devices(anna) == (replace(device, removal_failed_at=world.clock.now),)


def test_after_a_day_without_an_answer_the_device_is_as_its_provider_says_and_can_be_removed_anew(
    world: World, anna: Customer
) -> None:
    device = world.links(anna, EASEE)
    loses_the_answer(world, "telematica", carried_out=False)
    world.removes(anna, device)
    world.clock.forward(days=1)
    a_minute_passes(world)
    assert world.devices(anna) == (device,)
    world.recovers("telematica")
    assert world.removes(anna, device).outcome is RemovalOutcome.GONE


def test_podero_is_asked_once_more_too_and_what_it_lists_as_deleted_is_off_the_list(
    world: World, anna: Customer, make_ports: MakePorts
) -> None:
    removing = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PODERO__DELETE_DEVICES="true"))
    device = removing.links(anna, NIBE)
    loses_the_answer(removing, "podero", carried_out=True)
    assert removing.removes(anna, device).outcome is RemovalOutcome.UNKNOWN
    removing.recovers("podero")
    removing.reads(anna)
    assert removing.devices(anna) == ()
    a_minute_passes(removing)
    assert removing.devices(anna) == ()


def loses_the_answer(world: World, provider: str, *, carried_out: bool) -> None:
    """From now on the provider does what it is asked, or not, and an answer of no worth comes in its place."""
    world.answers(provider, 504)
    world.sandbox.state.set_faults(provider, {"carry_out_first": carried_out})


def a_minute_passes(world: World) -> None:
    """Until the reconciler comes by."""
    world.clock.forward(seconds=61)
    reconcile(ports=world.ports, now=world.clock.now)
    world.settles()


def test_a_device_whose_access_has_lapsed_can_be_removed_though_the_provider_wants_a_sign_in(
    world: World, anna: Customer
) -> None:
    device = world.links(anna, EASEE)
    world.happens_there(device, "break")
    world.plays("telematica", revoke_lapsed="refused")
    assert world.removes(anna, device).outcome is RemovalOutcome.NOT_OFFERED
    assert world.devices(anna) == ()


def test_a_device_that_is_gone_there_already_can_be_removed(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.happens_there(device, "remove")
    assert world.removes(anna, device).outcome is RemovalOutcome.GONE


@at_every_provider
def test_a_removed_device_can_be_linked_again_and_keeps_its_place(world: World, anna: Customer, choice: Choice) -> None:
    device = world.links(anna, choice)
    world.removes(anna, device)
    world.clock.forward(minutes=1)
    world.news_comes(choice)
    again = world.links(anna, choice)
    assert world.devices(anna) == (again,)
    assert (again.id == device.id) is (again.provider_device_id == device.provider_device_id)


def test_nobody_removes_anothers_device(world: World, anna: Customer, bo: Customer) -> None:
    device = world.links(anna, EASEE)
    for customer, device_id in ((bo, device.id), (anna, "unknown")):
        assert remove.preview(ports=world.ports, customer=customer, device_id=device_id) is None
        asked = remove.remove(
            ports=world.ports, customer=customer, device_id=device_id, patience=10, now=world.clock.now
        )
        assert asked is None
    assert world.devices(anna) == (device,)
    assert world.calls("telematica", "/revoke") == 0
