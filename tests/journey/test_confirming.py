"""Between the return and the device: a provider that shows it late, never, or cannot be asked."""

from __future__ import annotations

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.link_session import Reason, State
from portal.domain.people import Customer
from portal.storage import link_sessions, provider_accounts
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, Choice, on_both_databases
from tests.journey.telling import work_off
from tests.journey.world import World
from tests.storage.made import an_attempt

LISTS = {"podero": "/heat-pumps", "nox": "/v1/devices"}
asked = pytest.mark.parametrize("choice", [NIBE, DAIKIN], ids=["podero", "nox"])


@asked
def test_a_device_that_the_provider_shows_late_is_waited_for(world: World, anna: Customer, choice: Choice) -> None:
    world.shows_devices_late(choice.provider, 300)
    attempt_id = world.goes_and_returns(anna, choice)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.polls, view.devices) == (State.WAITING, True, ())
    world.clock.forward(seconds=299)
    assert world.looks(anna, attempt_id).attempt.state is State.WAITING
    world.clock.forward(seconds=1)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    assert world.story(anna).count("link_session.waiting") == 1


@asked
def test_a_device_that_has_not_shown_up_yet_is_told_after_a_quarter_of_an_hour(
    world: World, anna: Customer, choice: Choice
) -> None:
    world.shows_devices_late(choice.provider, 3600)
    attempt_id = world.goes_and_returns(anna, choice)
    world.looks(anna, attempt_id)
    world.clock.forward(minutes=15)
    assert not world.looks(anna, attempt_id).is_late
    world.clock.forward(seconds=1)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.is_late) == (State.WAITING, True)


def test_where_only_an_event_can_tell_it_is_waited_for_a_day(world: World, anna: Customer) -> None:
    attempt_id = world.goes_and_returns(anna, EASEE)
    assert world.looks(anna, attempt_id).attempt.state is State.WAITING
    world.clock.forward(hours=24)
    assert world.looks(anna, attempt_id).attempt.state is State.WAITING
    world.clock.forward(seconds=1)
    told = world.looks(anna, attempt_id).attempt
    assert (told.state, told.reason, world.devices(anna)) == (State.FAILED, Reason.NOT_CONFIRMED, ())


@asked
@pytest.mark.parametrize("status", [503, 403, 302])
def test_a_provider_that_cannot_be_asked_now_is_asked_again(
    world: World, anna: Customer, choice: Choice, status: int
) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    world.answers(choice.provider, status, LISTS[choice.provider])
    world.comes_back(anna, back)
    assert world.looks(anna, attempt_id).attempt.state is State.WAITING
    world.recovers(choice.provider)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED


def test_a_provider_that_stays_away_is_told_as_not_confirmed(world: World, anna: Customer) -> None:
    attempt_id, back = world.goes_there(anna, NIBE)
    world.answers("podero", 503)
    world.comes_back(anna, back)
    world.settles()
    world.clock.forward(hours=24, minutes=1)
    told = world.looks(anna, attempt_id).attempt
    assert (told.state, told.reason) == (State.FAILED, Reason.NOT_CONFIRMED)


def test_a_return_that_names_no_device_links_what_its_own_session_brought(world: World, anna: Customer) -> None:
    world.plays("podero", return_device_id="no")
    attempt_id = world.goes_and_returns(anna, NIBE)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    assert [device.vendor_name for device in world.devices(anna)] == ["NIBE"]


def test_a_sparse_list_is_enough(world: World, anna: Customer) -> None:
    world.plays("nox", device_row_fields="sparse")
    device = world.links(anna, DAIKIN)
    assert (device.vendor_name, device.model) == ("Daikin", None)


def test_the_list_of_all_customers_gives_nobody_anothers_device(world: World, anna: Customer, bo: Customer) -> None:
    panels = Choice("nox", DeviceType.INVERTER, "sma", "nl", "anna@example.com")
    of_anna, of_bo = world.links(anna, panels), world.links(bo, panels)
    assert of_anna.provider_device_id != of_bo.provider_device_id
    assert (world.devices(anna), world.devices(bo)) == ((of_anna,), (of_bo,))


@on_both_databases
def test_a_provider_user_that_another_customer_got_meanwhile_ends_the_attempt(
    world: World, by_hand: World, anna: Customer, bo: Customer
) -> None:
    attempt_id, back = world.goes_there(anna, DAIKIN)
    by_hand.comes_back(anna, back)
    named = by_hand.attempt(anna, attempt_id).hints.provider_user_id
    assert named is not None
    with by_hand.ports.database.write() as tx:
        provider_accounts.bind(tx, provider_accounts.ensure(tx, bo.id, "nox"), named)
    work_off(by_hand)
    told = by_hand.glances(anna, attempt_id).attempt
    assert (told.state, told.reason, by_hand.devices(anna)) == (State.FAILED, Reason.NOT_CONFIRMED, ())


def test_a_device_of_another_manufacturer_is_shown_as_what_it_is(world: World, anna: Customer) -> None:
    device = world.links(anna, Choice("podero", NIBE.device_type, "other", "sv", "anna@example.com", "thermia"))
    assert (device.vendor_key, device.vendor_name) == ("thermia", "Thermia")


def test_an_attempt_whose_account_is_lost_is_left_alone(world: World, anna: Customer) -> None:
    lost = an_attempt(anna, state=State.ARRIVED, created_at=world.clock.now)
    with world.ports.database.write() as tx:
        link_sessions.insert(tx, lost, click=None)
    assert world.looks(anna, lost.id).attempt.state is State.ARRIVED
