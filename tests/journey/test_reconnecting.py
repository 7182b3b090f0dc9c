"""Reconnecting: the same journey with a device pinned, which may turn out to work, or to be another one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.domain.device import Connection
from portal.domain.link_session import Reason, State
from portal.domain.people import Customer
from portal.journey import reauthenticate, which_device
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, TESLA, Choice, at_every_provider, on_both_databases
from tests.journey.telling import work_off
from tests.journey.world import World

OTHER_NIBE = replace(NIBE, account="second@nibe.se")


@on_both_databases
@at_every_provider
def test_a_customer_reconnects_a_device(world: World, anna: Customer, choice: Choice) -> None:
    device = world.breaks(anna, world.links(anna, choice))
    assert device.connection is Connection.NEEDS_REAUTHENTICATION
    attempt_id = world.renews(anna, device, choice.account)
    world.news_comes(choice)
    view = world.looks(anna, attempt_id)
    if choice is DAIKIN:
        # NOX names it under a new id, without a word by which it could be known.
        assert view.attempt.reason is Reason.WHICH_DEVICE
        assert world.says_same(anna, attempt_id)
        view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.reason) == (State.LINKED, None)
    assert view.device is not None
    assert (view.device.id, view.device.connection) == (device.id, Connection.WORKING)
    assert len(view.devices) == 1


@at_every_provider
def test_a_device_that_works_again_opens_nothing(world: World, anna: Customer, choice: Choice) -> None:
    device = world.breaks(anna, world.links(anna, choice))
    world.happens_there(device, "repair")
    world.clock.forward(seconds=1)
    world.news_comes(choice)
    opened = len(world.sandbox.state.links)
    attempt_id = world.reconnects(anna, device)
    ended = world.waits(anna, attempt_id)
    assert (ended.state, ended.reason) == (State.LINKED, Reason.ALREADY_WORKING)
    assert len(world.sandbox.state.links) == opened
    assert world.device(anna, device.id).connection is Connection.WORKING


@pytest.mark.parametrize("choice", [NIBE, DAIKIN], ids=["podero", "nox"])
def test_a_device_that_its_provider_no_longer_holds_does_not_count_as_working(
    world: World, anna: Customer, choice: Choice
) -> None:
    device = world.links(anna, choice)
    world.happens_there(device, "remove")
    attempt_id = world.renews(anna, device, choice.account, choice.asked_there)
    if world.looks(anna, attempt_id).question is not None:
        assert world.says_same(anna, attempt_id)
    renewed = world.looks(anna, attempt_id)
    assert renewed.attempt.state is State.LINKED
    assert renewed.devices == (renewed.device,)
    assert renewed.device is not None
    assert renewed.device.id == device.id


def test_a_device_that_came_back_under_a_new_id_keeps_its_place_and_its_name(world: World, anna: Customer) -> None:
    world.plays("telematica", id_on_relink="new")
    device = world.breaks(anna, world.links(anna, EASEE))
    attempt_id = world.renews(anna, device, EASEE.account)
    world.news_comes(EASEE)
    healed = world.looks(anna, attempt_id).device
    assert healed is not None
    assert healed.provider_device_id != device.provider_device_id
    assert (healed.id, healed.nickname, healed.connection) == (device.id, device.nickname, Connection.WORKING)


def wrong_account(world: World, anna: Customer) -> str:
    """The attempt of a customer who signed in with another account of the same maker."""
    device = world.breaks(anna, world.links(anna, NIBE))
    attempt_id = world.renews(anna, device, OTHER_NIBE.account)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.reason) == (State.FAILED, Reason.OTHER_ACCOUNT)
    assert [known.id for known in view.devices] == [device.id]
    assert view.devices[0].needs_customer
    return attempt_id


def keeps_both(world: World, customer: Customer, attempt_id: str) -> bool:
    return which_device.keep(ports=world.ports, customer=customer, link_session_id=attempt_id, now=world.clock.now)


@on_both_databases
def test_a_customer_who_signed_in_with_another_account_may_keep_both_devices(world: World, anna: Customer) -> None:
    attempt_id = wrong_account(world, anna)
    assert world.looks(anna, attempt_id).may_keep_both
    assert keeps_both(world, anna, attempt_id)
    view = world.looks(anna, attempt_id)
    assert not view.may_keep_both
    assert view.attempt.reason is Reason.KEPT_BOTH
    assert {device.model: device.connection for device in view.devices} == {
        "S1255": Connection.NEEDS_REAUTHENTICATION,
        "F1155": Connection.WORKING,
    }
    assert view.device is not None
    assert view.device.model == "F1155"
    assert not keeps_both(world, anna, attempt_id)
    assert len(world.devices(anna)) == 2


def test_a_customer_who_signed_in_with_another_account_may_try_again(world: World, anna: Customer) -> None:
    wrong_account(world, anna)
    (device,) = world.devices(anna)
    attempt_id = world.renews(anna, device, NIBE.account)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    assert [known.model for known in world.devices(anna)] == ["S1255"]


def test_another_account_is_noticed_where_the_vendor_was_chosen_anew(world: World, anna: Customer) -> None:
    world.plays("podero", heat_pump_auth_session="404", reauth_signal="is_authenticated")
    device = world.breaks(anna, world.links(anna, NIBE))
    attempt_id = world.renews(anna, device, OTHER_NIBE.account, "nibe")
    assert world.looks(anna, attempt_id).attempt.reason is Reason.OTHER_ACCOUNT


def test_another_account_is_noticed_by_an_event_and_the_device_can_be_reconnected_again(
    world: World, anna: Customer, make_ports: MakePorts
) -> None:
    only = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PROVIDERS="telematica"))
    car = replace(TESLA, provider="telematica", asked_there=None)
    device = only.breaks(anna, only.links(anna, car))
    attempt_id = only.renews(anna, device, "second@getfreeheat.com")
    assert only.looks(anna, attempt_id).attempt.state is State.WAITING
    only.news_comes(car)
    assert only.attempt(anna, attempt_id).reason is Reason.OTHER_ACCOUNT
    assert only.device(anna, device.id).needs_customer
    assert keeps_both(only, anna, attempt_id)
    assert {known.model for known in only.devices(anna)} == {"Model 3", "Model Y"}


def test_nobody_else_can_keep_what_another_account_brought(world: World, anna: Customer, bo: Customer) -> None:
    attempt_id = wrong_account(world, anna)
    assert not keeps_both(world, bo, attempt_id)
    assert not keeps_both(world, anna, "unknown")
    assert world.devices(bo) == ()


def test_a_device_still_lapsed_after_a_quarter_of_an_hour_is_told_so(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, NIBE))
    attempt_id = world.renews(anna, device, NIBE.account, meanwhile="break")
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.device and view.device.connection) == (State.WAITING, Connection.WAITING)
    world.clock.forward(minutes=16)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.reason) == (State.FAILED, Reason.STILL_BROKEN)
    assert view.device is not None
    assert view.device.needs_customer


def test_a_provider_that_lags_is_not_believed_while_a_renewal_settles(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, NIBE))
    attempt_id = world.renews(anna, device, NIBE.account, meanwhile="break")
    world.looks(anna, attempt_id)
    world.clock.forward(minutes=1)
    world.reads(anna)
    assert world.device(anna, device.id).connection is Connection.WAITING
    world.happens_there(device, "repair")
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    assert world.device(anna, device.id).connection is Connection.WORKING


def test_a_customer_who_left_the_connect_ui_half_way_can_reconnect_again(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, NIBE))
    world.leaves(anna, world.reconnects(anna, device))
    world.clock.forward(minutes=1)
    world.reads(anna)
    assert world.device(anna, device.id).needs_customer


def test_a_renewal_of_which_no_event_ever_tells_can_be_tried_again(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, EASEE))
    attempt_id = world.renews(anna, device, EASEE.account)
    assert world.looks(anna, attempt_id).attempt.state is State.WAITING
    assert world.device(anna, device.id).connection is Connection.WAITING
    world.clock.forward(hours=25)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.reason) == (State.FAILED, Reason.STILL_BROKEN)
    assert world.device(anna, device.id).needs_customer


def test_an_event_that_is_a_second_older_than_the_waiting_still_heals_the_device(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, EASEE))
    attempt_id = world.renews(anna, device, EASEE.account)
    world.clock.forward(seconds=1)
    assert world.looks(anna, attempt_id).attempt.state is State.WAITING
    world.news_comes(EASEE)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    assert world.device(anna, device.id).connection is Connection.WORKING


@pytest.mark.parametrize("signal", ["actions", "action_needed", "is_authenticated", "lifecycle", "connection_status"])
@pytest.mark.parametrize("lists_have_actions", ["no", "yes"])
def test_every_way_in_which_podero_shows_a_lapsed_device_leads_to_a_reconnection(
    world: World, anna: Customer, signal: str, lists_have_actions: str
) -> None:
    world.plays("podero", reauth_signal=signal, lists_have_actions=lists_have_actions)
    device = world.breaks(anna, world.links(anna, TESLA))
    assert device.needs_customer
    attempt_id = world.renews(anna, device, TESLA.account)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED


@pytest.mark.parametrize("variant", [{"auth_session_url": "null"}, {"heat_pump_auth_session": "404"}], ids=str)
@pytest.mark.parametrize(("signal", "asked_there"), [("actions", None), ("is_authenticated", "nibe")])
def test_where_podero_has_no_session_for_the_device_there_is_another_way(
    world: World, anna: Customer, variant: dict[str, str], signal: str, asked_there: str | None
) -> None:
    world.plays("podero", reauth_signal=signal, **variant)
    device = world.breaks(anna, world.links(anna, NIBE))
    attempt_id = world.renews(anna, device, NIBE.account, asked_there)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.devices) == (State.LINKED, (view.device,))


def test_a_device_removed_before_its_renewal_left_opens_nothing(world: World, by_hand: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, NIBE))
    attempt_id = by_hand.reconnects(anna, device)
    world.removes(anna, device)
    work_off(by_hand)
    ended = world.attempt(anna, attempt_id)
    assert (ended.state, ended.reason) == (State.FAILED, Reason.PROVIDER_REFUSED)


def test_a_device_removed_while_its_provider_is_asked_about_it_stays_removed(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, NIBE))
    world.is_slow("podero", 0.5, "/heat-pumps")
    attempt_id = world.reconnects(anna, device)
    world.waits(anna, attempt_id, patience=0.1)
    world.removes(anna, device)
    world.settles()
    assert world.devices(anna) == ()


def test_a_device_removed_while_its_renewal_waited_stays_removed(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, NIBE))
    attempt_id = world.renews(anna, device, NIBE.account, meanwhile="break")
    world.removes(anna, device)
    ended = world.looks(anna, attempt_id)
    assert (ended.attempt.state, ended.attempt.reason) == (State.FAILED, Reason.NOT_CONFIRMED)
    assert ended.devices == ()


def test_nobody_reconnects_anothers_device(world: World, anna: Customer, bo: Customer) -> None:
    device = world.links(anna, NIBE)
    for customer, device_id in ((bo, device.id), (anna, "unknown")):
        started = reauthenticate.start(
            ports=world.ports, customer=customer, device_id=device_id, language="sv", now=world.clock.now
        )
        assert started is None


def test_clicking_reconnect_twice_is_one_attempt(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, NIBE))
    assert world.reconnects(anna, device) == world.reconnects(anna, device)
