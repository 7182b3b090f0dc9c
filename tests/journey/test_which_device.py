"""Which device is it? One card a device, no other account taken for success, and a question where nothing tells."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import requests

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, Device
from portal.domain.health import Cause
from portal.domain.link_session import Reason, State
from portal.domain.people import Customer
from portal.journey import permissions, which_device
from portal.journey.which_device import Question, key_of
from portal.storage import devices as device_rows
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, PATIENT, Choice, on_both_databases
from tests.journey.telling import connected, disconnected
from tests.journey.world import World

AUDI = Choice("telematica", DeviceType.VEHICLE, "audi", "en", "anna@example.com")
OTHER = "second@example.com"


def questions(world: World, customer: Customer) -> tuple[Question, ...]:
    """What the devices page asks."""
    return which_device.open_questions(ports=world.ports, customer=customer, owned=world.devices(customer))


def forgets(world: World, device: Device, **known: Any) -> None:
    """The portal knows only so much of the device."""
    with world.ports.database.write() as tx:
        device_rows.save(tx, replace(device, **known))


@on_both_databases
def test_reconnecting_with_the_account_of_another_charger_is_another_account(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, EASEE))
    attempt_id = world.renews(anna, device, OTHER)
    world.news_comes(EASEE)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.reason) == (State.FAILED, Reason.OTHER_ACCOUNT)
    (still,) = world.devices(anna)
    assert (still.id, still.nickname, still.needs_customer) == (device.id, device.nickname, True)
    (came,) = view.came
    assert came.nickname != device.nickname
    assert view.may_keep_both


def test_reconnecting_with_the_account_of_a_charger_on_the_list_keeps_nothing_twice(
    world: World, anna: Customer
) -> None:
    device = world.breaks(anna, world.links(anna, EASEE))
    other = world.links(anna, replace(EASEE, account=OTHER))
    attempt_id = world.renews(anna, device, OTHER)
    world.news_comes(EASEE)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.reason) == (State.FAILED, Reason.OTHER_ACCOUNT)
    assert not view.may_keep_both
    assert {d.id: d.needs_customer for d in world.devices(anna)} == {device.id: True, other.id: False}


def asked_at_nox(world: World, anna: Customer, account: str = DAIKIN.account) -> tuple[Device, str]:
    device = world.breaks(anna, world.links(anna, DAIKIN))
    return device, world.renews(anna, device, account)


@on_both_databases
@pytest.mark.parametrize("account", [DAIKIN.account, OTHER])
def test_at_nox_nothing_is_said_to_be_connected_again_before_the_customer_has_answered(
    world: World, anna: Customer, account: str
) -> None:
    device, attempt_id = asked_at_nox(world, anna, account)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.reason) == (State.FAILED, Reason.WHICH_DEVICE)
    assert view.question is not None
    assert view.question.before[0].id == device.id
    assert [q.link_session_id for q in questions(world, anna)] == [attempt_id]
    assert world.says_same(anna, attempt_id)
    renewed = world.looks(anna, attempt_id)
    assert (renewed.attempt.state, renewed.question) == (State.LINKED, None)
    (only,) = world.devices(anna)
    assert (only.id, only.connection, only.consent_id) == (device.id, Connection.WORKING, device.consent_id)
    assert only.provider_device_id != device.provider_device_id
    assert questions(world, anna) == ()
    assert not world.says_same(anna, attempt_id)


def test_a_customer_who_says_that_it_is_another_one_may_try_again(world: World, anna: Customer) -> None:
    device, attempt_id = asked_at_nox(world, anna, OTHER)
    world.looks(anna, attempt_id)
    assert world.says_another(anna, attempt_id)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.reason, view.question) == (Reason.OTHER_ACCOUNT, None)
    assert not view.may_keep_both
    assert [d.id for d in world.devices(anna)] == [device.id]
    assert world.device(anna, device.id).connection is not Connection.WORKING
    again = world.renews(anna, device, DAIKIN.account)
    world.looks(anna, again)
    assert world.says_same(anna, again)
    assert [d.id for d in world.devices(anna)] == [device.id]


def test_at_nox_the_other_device_can_be_kept_in_place_of_the_first(world: World, anna: Customer) -> None:
    device, attempt_id = asked_at_nox(world, anna, OTHER)
    world.looks(anna, attempt_id)
    assert world.says_another(anna, attempt_id)
    assert world.looks(anna, attempt_id).may_keep_other
    assert which_device.keep(ports=world.ports, customer=anna, link_session_id=attempt_id, now=world.clock.now)
    view = world.looks(anna, attempt_id)
    (only,) = world.devices(anna)
    assert view.device == only
    assert (only.id != device.id, only.connection, only.consent_id) == (True, Connection.WORKING, device.consent_id)
    assert [d.id for d in view.replaced] == [device.id]


def test_nobody_else_answers_for_a_customer(world: World, anna: Customer, bo: Customer) -> None:
    device, attempt_id = asked_at_nox(world, anna)
    world.looks(anna, attempt_id)
    assert not world.says_same(bo, attempt_id)
    assert not world.says_another(bo, attempt_id)
    assert not world.says_same(anna, "unknown")
    assert world.attempt(anna, attempt_id).reason is Reason.WHICH_DEVICE
    assert world.device(anna, device.id).provider_device_id == device.provider_device_id


def test_of_several_heat_pumps_that_came_back_the_customer_says_which_one_it_is(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, DAIKIN))
    attempt_id = world.reconnects(anna, device)
    url = world.leaves(anna, attempt_id)
    world.submits_there(url, action="sign-in", username="several@example.com", password="Demo1234")
    page = requests.get(url, timeout=PATIENT).text
    serials: list[str] = re.findall(r'name="device" value="([^"]+)"', page)
    assert len(serials) == 2, page
    world.comes_back(anna, world.does_there(url, action="connect", device=serials))
    question = world.looks(anna, attempt_id).question
    assert question is not None
    assert len(question.found) == 2
    assert not world.says_same(anna, attempt_id)
    chosen = question.found[1]
    assert which_device.say_same(
        ports=world.ports,
        customer=anna,
        link_session_id=attempt_id,
        found=key_of(chosen),
        before=device.id,
        now=world.clock.now,
    )
    ids = {d.id: d.provider_device_id for d in world.devices(anna)}
    assert ids[device.id] == chosen.provider_device_id
    assert set(ids.values()) == {d.provider_device_id for d in question.found}


@on_both_databases
def test_a_car_that_is_connected_once_more_is_the_car_from_before(world: World, anna: Customer) -> None:
    world.plays("telematica", id_on_relink="new")
    device = world.breaks(anna, world.links(anna, AUDI))
    again = world.links(anna, AUDI)
    (only,) = world.devices(anna)
    assert (only.id, again.id, only.connection) == (device.id, device.id, Connection.WORKING)
    assert only.provider_device_id != device.provider_device_id
    assert only.consent_id != device.consent_id


@on_both_databases
@pytest.mark.parametrize("is_same", [True, False])
def test_a_car_of_which_nothing_tells_that_it_is_the_old_one_is_asked_about(
    world: World, anna: Customer, *, is_same: bool
) -> None:
    world.plays("telematica", id_on_relink="new")
    before = world.breaks(anna, world.links(anna, AUDI))
    forgets(world, before, mark=None, nickname=None)
    attempt_id = world.goes_and_returns(anna, AUDI)
    world.news_comes(AUDI)
    view = world.looks(anna, attempt_id)
    assert view.attempt.state is State.LINKED
    assert view.question is not None
    assert [d.id for d in view.question.before] == [before.id]
    assert len(world.devices(anna)) == 2
    assert [q.link_session_id for q in questions(world, anna)] == [attempt_id]
    answer = world.says_same if is_same else world.says_another
    assert answer(anna, attempt_id)
    assert world.looks(anna, attempt_id).question is None
    assert questions(world, anna) == ()
    if is_same:
        (only,) = world.devices(anna)
        assert (only.id, only.connection, only.consent_id) == (before.id, Connection.WORKING, attempt_id)
        assert world.looks(anna, attempt_id).device == only
        given = permissions.given(ports=world.ports, customer=anna)
        assert [len(one.connected) for one in given] == [1, 0]
        assert "device.replaced" in world.story(anna)
    else:
        assert {d.id: d.needs_customer for d in world.devices(anna)}[before.id]
        assert len(world.devices(anna)) == 2


def test_a_car_that_was_merged_lapses_and_is_removed_like_any_other(world: World, anna: Customer) -> None:
    world.plays("telematica", id_on_relink="new")
    before = world.breaks(anna, world.links(anna, AUDI))
    forgets(world, before, mark=None, nickname=None)
    attempt_id = world.goes_and_returns(anna, AUDI)
    world.news_comes(AUDI)
    world.looks(anna, attempt_id)
    assert world.says_same(anna, attempt_id)
    (car,) = world.devices(anna)
    world.clock.forward(seconds=60)
    # Word of the id that is no longer used changes nothing.
    world.receives(disconnected(world, anna, before.provider_device_id, world.clock.now))
    assert world.device(anna, car.id).connection is Connection.WORKING
    lapsed = world.breaks(anna, car)
    assert lapsed.needs_customer
    world.removes(anna, lapsed)
    assert world.devices(anna) == ()


def test_a_second_car_of_another_name_is_simply_a_second_car(world: World, anna: Customer) -> None:
    world.breaks(anna, world.links(anna, AUDI))
    attempt_id = world.goes_and_returns(anna, replace(AUDI, account=OTHER))
    world.news_comes(AUDI)
    assert world.looks(anna, attempt_id).question is None
    assert len(world.devices(anna)) == 2


def test_a_working_car_that_comes_once_more_under_a_new_id_makes_no_twin(world: World, anna: Customer) -> None:
    world.plays("telematica", id_on_relink="new")
    first = world.links(anna, AUDI)
    world.clock.forward(minutes=1)
    world.links(anna, AUDI)
    assert [d.id for d in world.devices(anna)] == [first.id]


@on_both_databases
def test_a_heat_pump_that_nox_replaced_leaves_the_list_as_the_new_one_comes(world: World, anna: Customer) -> None:
    old = world.links(anna, DAIKIN)
    world.clock.forward(minutes=5)
    attempt_id = world.goes_and_returns(anna, DAIKIN)
    view = world.looks(anna, attempt_id)
    assert view.question is None
    (new,) = world.devices(anna)
    assert new.id != old.id
    assert [d.id for d in view.replaced] == [old.id]
    assert "device.replaced" in world.story(anna)


def test_a_ghost_from_earlier_leaves_the_list_when_nox_is_next_asked(world: World, anna: Customer) -> None:
    old = world.links(anna, DAIKIN)
    world.clock.forward(minutes=5)
    world.goes_and_returns(anna, DAIKIN)
    world.settles()
    new = next(iter(world.devices(anna)))
    ghost = replace(old, connection=Connection.UNKNOWN, cause=Cause.NOT_NAMED)
    with world.ports.database.write() as tx:
        device_rows.save(tx, ghost)
    world.clock.forward(minutes=5)
    world.reads(anna)
    assert [d.id for d in world.devices(anna)] == [new.id]


def test_two_heat_pumps_of_one_account_do_not_replace_each_other(world: World, anna: Customer) -> None:
    device = world.links(anna, NIBE)
    world.clock.forward(minutes=5)
    world.links(anna, DAIKIN)
    world.reads(anna)
    assert {d.provider_key for d in world.devices(anna)} == {"podero", "nox"}
    assert device.id in {d.id for d in world.devices(anna)}


def test_a_car_is_reconnected_with_the_brand_that_it_was_linked_with(
    world: World, anna: Customer, make_ports: MakePorts
) -> None:
    america = world.with_ports(
        make_ports(world.ports.database, world.clock, PORTAL_TELEMATICA__REGION="US", PORTAL_MARKET="US")
    )
    choice = replace(AUDI, vendor="volkswagen-id")
    attempt_id, back = america.goes_there(anna, choice)
    america.comes_back(anna, back)
    america.mailbox.take()
    device_id = back.query["devices"][0]
    named = {"deviceId": device_id, "deviceType": "vehicle", "make": "VOLKSWAGEN", "model": "ID.4"}
    america.receives(connected(america, anna, america.clock.now, **named))
    device = america.looks(anna, attempt_id).device
    assert device is not None
    assert device.vendor_name == "Volkswagen"
    america.clock.forward(seconds=60)
    america.receives(disconnected(america, anna, device_id, america.clock.now))
    again = america.reconnects(anna, america.device(anna, device.id))
    america.leaves(anna, again)
    assert america.attempt(anna, again).vendor_code == "VWID"
    assert [link.vendor for link in america.sandbox.state.links.values()][-1] == "VWID"
