"""Whose browser came back: the customer's, somebody else's, or one in which nobody is signed in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.domain.link_session import Reason, State, cancel_secret
from portal.domain.people import Customer
from portal.journey.take_return import NEUTRAL, Arrived
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, Choice, Return, at_every_provider, on_both_databases
from tests.journey.world import World


@at_every_provider
def test_a_customer_who_lost_the_sign_in_completes_in_the_browser_that_came_back(
    world: World, anna: Customer, choice: Choice
) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    world.comes_back(None, back)
    world.news_comes(choice)
    world.looks(anna, attempt_id)
    assert world.devices(anna) == ()
    world.clock.forward(minutes=10)
    assert world.signs_in_again(anna) == Arrived(attempt_id)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    assert world.signs_in_again(anna) is None


def test_a_lost_sign_in_takes_a_cancel_in_as_well(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    back = world.does_there(world.leaves(anna, attempt_id), action="cancel")
    assert world.comes_back(None, back) == Arrived(attempt_id)
    assert world.attempt(anna, attempt_id).state is State.DEPARTED
    world.signs_in_again(anna)
    assert world.attempt(anna, attempt_id).state is State.CANCELLED


def test_an_empty_return_without_a_sign_in_is_not_kept(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, EASEE)
    back = world.does_there(world.leaves(anna, attempt_id), action="cancel")
    assert world.comes_back(None, back) == NEUTRAL
    assert world.signs_in_again(anna) is None


@at_every_provider
def test_a_sign_in_in_another_browser_completes_nothing(world: World, anna: Customer, choice: Choice) -> None:
    _, back = world.goes_there(anna, choice)
    world.comes_back(None, back, browser="where it came back")
    assert world.signs_in_again(anna, browser="another") is None


@at_every_provider
def test_a_stranger_who_signs_in_where_the_customer_came_back_gets_nothing(
    world: World, anna: Customer, bo: Customer, choice: Choice
) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    world.comes_back(None, back)
    assert world.signs_in_again(bo) == NEUTRAL
    world.news_comes(choice)
    world.looks(anna, attempt_id)
    assert world.devices(anna) == world.devices(bo) == ()


@pytest.mark.parametrize("choice", [NIBE, DAIKIN], ids=["podero", "nox"])
def test_a_return_in_a_strangers_browser_holds_the_attempt(
    world: World, anna: Customer, bo: Customer, choice: Choice
) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    assert world.comes_back(bo, back).link_session_id is None
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.reason, view.devices) == (State.HELD, Reason.ANOTHER_PERSON, ())
    assert world.comes_back(bo, back) == NEUTRAL
    world.comes_back(anna, back)
    assert world.looks(anna, attempt_id).attempt.state is State.HELD


def test_a_return_that_waits_for_one_browser_waits_for_no_other(world: World, anna: Customer) -> None:
    attempt_id, back = world.goes_there(anna, NIBE)
    world.comes_back(None, back, browser="first")
    world.comes_back(None, back, browser="second")
    assert world.signs_in_again(anna, browser="second") is None
    assert world.signs_in_again(anna, browser="first") == Arrived(attempt_id)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED


def test_two_browsers_that_came_back_with_different_devices_hold_the_attempt_for_good(
    world: World, anna: Customer
) -> None:
    attempt_id, back = world.goes_there(anna, NIBE)
    world.comes_back(None, back, browser="first")
    other_device = {"deviceId": ["00000000-0000-4000-8000-000000000000"]}
    world.comes_back(None, replace(back, query=other_device), browser="second")
    assert world.attempt(anna, attempt_id).reason is Reason.ANOTHER_PERSON
    world.signs_in_again(anna, browser="first")
    assert (world.attempt(anna, attempt_id).state, world.devices(anna)) == (State.HELD, ())


def test_a_return_seen_again_after_signing_out_changes_nothing(world: World, anna: Customer) -> None:
    attempt_id, back = world.goes_there(anna, NIBE)
    world.comes_back(anna, back)
    assert world.comes_back(None, back) == Arrived(attempt_id)
    assert world.attempt(anna, attempt_id).state is State.ARRIVED
    assert world.signs_in_again(anna) == Arrived(attempt_id)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED


def test_a_return_in_a_strangers_browser_after_the_end_changes_nothing(
    world: World, anna: Customer, bo: Customer
) -> None:
    attempt_id, back = world.goes_there(anna, NIBE)
    world.comes_back(anna, back)
    world.looks(anna, attempt_id)
    assert world.comes_back(bo, back) == NEUTRAL
    assert world.attempt(anna, attempt_id).state is State.LINKED


def test_a_cancel_in_a_strangers_browser_changes_nothing(world: World, anna: Customer, bo: Customer) -> None:
    attempt_id, back = world.goes_there(anna, NIBE)
    assert back.secret is not None
    assert world.comes_back(bo, Return("podero", cancel_secret(back.secret), "cancel")) == NEUTRAL
    assert world.attempt(anna, attempt_id).state is State.DEPARTED


def test_what_a_stranger_was_tricked_into_linking_is_ended_at_the_provider(
    world: World, anna: Customer, bo: Customer, make_ports: MakePorts
) -> None:
    removing = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PODERO__DELETE_DEVICES="true"))
    _, back = removing.goes_there(anna, NIBE)
    removing.comes_back(bo, back)
    removing.settles()
    assert [device.removed_at is None for device in world.sandbox.state.devices] == [False]


def test_a_device_the_customer_had_before_survives_a_return_in_a_strangers_browser(
    world: World, anna: Customer, bo: Customer, make_ports: MakePorts
) -> None:
    removing = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PODERO__DELETE_DEVICES="true"))
    device = removing.breaks(anna, removing.links(anna, NIBE))
    attempt_id = removing.reconnects(anna, device)
    back = removing.signs_in_there(removing.leaves(anna, attempt_id), NIBE.account)
    removing.comes_back(bo, back)
    removing.settles()
    assert [device.removed_at for device in world.sandbox.state.devices] == [None]


def test_a_customer_who_came_back_in_another_browser_can_reconnect_in_the_next_attempt(
    world: World, anna: Customer
) -> None:
    device = world.breaks(anna, world.links(anna, NIBE))
    attempt_id = world.reconnects(anna, device)
    back = world.signs_in_there(world.leaves(anna, attempt_id), NIBE.account)
    world.comes_back(None, back, browser="where nobody ever signs in")
    world.happens_there(device, "break")
    world.clock.forward(minutes=1)
    renewed = world.renews(anna, device, NIBE.account)
    assert world.looks(anna, renewed).attempt.state is State.LINKED


@on_both_databases
def test_a_return_kept_for_a_sign_in_is_forgotten_after_half_an_hour(world: World, anna: Customer) -> None:
    _, back = world.goes_there(anna, EASEE)
    world.comes_back(None, back)
    world.clock.forward(minutes=30, seconds=1)
    assert world.signs_in_again(anna) is None


def test_a_return_kept_for_a_provider_that_was_switched_off_completes_nothing(
    world: World, anna: Customer, make_ports: MakePorts
) -> None:
    _, back = world.goes_there(anna, EASEE)
    world.comes_back(None, back)
    without = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PROVIDERS="podero"))
    assert without.signs_in_again(anna) == NEUTRAL
    assert without.comes_back(anna, back) == NEUTRAL
