"""Coming back: once, twice, too early, with a cancel, with an answer that is forged or belongs to nobody."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from portal.domain.link_session import Reason, State, cancel_secret
from portal.domain.people import Customer
from portal.journey.take_return import NEUTRAL, Arrived
from portal.storage import provider_accounts
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, TESLA, Choice, Return, at_every_provider
from tests.journey.world import World


@at_every_provider
def test_a_return_once_more_changes_nothing(world: World, anna: Customer, choice: Choice) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    world.comes_back(anna, back)
    world.news_comes(choice)
    before = world.looks(anna, attempt_id).attempt
    story = world.story(anna)
    for _ in range(3):
        assert world.comes_back(anna, back) == Arrived(attempt_id)
    assert world.attempt(anna, attempt_id) == before
    assert world.story(anna) == story


@pytest.mark.parametrize(
    "back",
    [
        Return("unknown", None, ""),
        Return("podero", None, ""),
        Return("podero", "a-secret-nobody-was-given", "success"),
        Return("nox", "nox-knows-one-address-only", "success"),
        Return("nox", None, "", {"data": ["bm9uc2Vuc2U"]}),
        Return("telematica", None, "", {"devices": ["a" * 24]}),
    ],
    ids=str,
)
def test_a_return_that_belongs_to_nothing_ends_on_the_neutral_page(world: World, anna: Customer, back: Return) -> None:
    assert world.comes_back(anna, back) == NEUTRAL
    assert world.story(anna) == []


@pytest.mark.parametrize(
    ("choice", "reason"),
    [(NIBE, Reason.CUSTOMER_CANCELLED), (DAIKIN, Reason.NOTHING_CONNECTED), (EASEE, Reason.NOTHING_CONNECTED)],
    ids=["podero", "nox", "telematica"],
)
def test_a_customer_who_cancels_there_comes_back_to_the_choice(
    world: World, anna: Customer, choice: Choice, reason: Reason
) -> None:
    attempt_id = world.opens(anna, choice)
    back = world.does_there(world.leaves(anna, attempt_id), action="cancel")
    assert world.comes_back(anna, back) == Arrived(attempt_id)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.reason, view.polls) == (State.CANCELLED, reason, False)
    assert world.comes_back(anna, back) == Arrived(attempt_id)
    assert world.story(anna).count("link_session.cancelled") == 1


@at_every_provider
def test_a_forged_cancel_does_not_stop_the_genuine_return(world: World, anna: Customer, choice: Choice) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    forged = Return(back.provider, back.secret and cancel_secret(back.secret), "cancel" if back.secret else "")
    world.comes_back(anna, forged)
    assert world.attempt(anna, attempt_id).state is State.CANCELLED
    world.comes_back(anna, back)
    world.news_comes(choice)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED


def test_a_cancelled_attempt_stays_cancelled_and_keeps_no_link(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, EASEE)
    url = world.leaves(anna, attempt_id)
    world.comes_back(anna, world.does_there(url, action="cancel"))
    world.clock.forward(minutes=13)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.connect_url) == (State.CANCELLED, None)


@pytest.mark.parametrize(
    ("choice", "query"),
    [
        (NIBE, {"deviceId": ["not-a-device"]}),
        (DAIKIN, {"data": ["%%%"]}),
        (EASEE, {"devices": ["not-a-device"]}),
    ],
    ids=["podero", "nox", "telematica"],
)
def test_a_return_that_cannot_be_read_leaves_the_attempt_open_for_the_genuine_one(
    world: World, anna: Customer, choice: Choice, query: dict[str, list[str]]
) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    assert world.comes_back(anna, replace(back, query=query)) == Arrived(attempt_id)
    assert world.attempt(anna, attempt_id).state is State.DEPARTED
    assert world.story(anna)[-1] == "link_session.arrival_refused"
    world.comes_back(anna, back)
    world.news_comes(choice)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED


@pytest.mark.parametrize("device_type", ["charger", "hvac"])
def test_a_return_with_invented_devices_does_not_stop_the_genuine_one(
    world: World, anna: Customer, device_type: str
) -> None:
    attempt_id, back = world.goes_there(anna, EASEE)
    world.comes_back(anna, replace(back, query={"devices": ["a" * 24], "deviceType": [device_type]}))
    assert world.looks(anna, attempt_id).attempt.state is State.WAITING
    world.comes_back(anna, back)
    world.news_comes(EASEE)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED


def test_a_return_to_an_attempt_that_was_begun_again_brings_its_device_all_the_same(
    world: World, anna: Customer
) -> None:
    _, old = world.goes_there(anna, DAIKIN)
    world.clock.forward(minutes=5)
    attempt_id = world.opens(anna, DAIKIN)
    world.leaves(anna, attempt_id)
    world.comes_back(anna, old)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    assert len(world.devices(anna)) == 1


def test_a_return_in_the_name_of_somebody_else_is_refused(world: World, anna: Customer, bo: Customer) -> None:
    attempt_id, back = world.goes_there(anna, DAIKIN)
    of_bo = world.links(bo, DAIKIN)
    with world.ports.database.write() as tx:
        named = provider_accounts.ensure(tx, bo.id, "nox")
    claims = {"nox_user_id": named.provider_user_id, "device_ids": [of_bo.provider_device_id]}
    for pseudonym in (named.pseudonym, "nobody we know"):
        told = json.dumps({**claims, "supplier_user_id": pseudonym.replace(" ", "-")}).encode()
        data = base64.urlsafe_b64encode(told).rstrip(b"=").decode()
        assert world.comes_back(anna, replace(back, query={"data": [data]})) == Arrived(attempt_id)
    assert world.attempt(anna, attempt_id).state is State.DEPARTED
    world.comes_back(anna, back)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED


def test_a_return_of_another_customer_of_the_provider_is_refused(world: World, anna: Customer, bo: Customer) -> None:
    """Both hold a link of NOX; neither return is of use to the other."""
    of_bo, back_of_bo = world.goes_there(bo, DAIKIN)
    of_anna = world.opens(anna, DAIKIN)
    world.leaves(anna, of_anna)
    assert world.comes_back(anna, back_of_bo).link_session_id is None
    assert world.attempt(anna, of_anna).state is State.DEPARTED
    assert world.attempt(bo, of_bo).state is State.HELD


def test_a_link_replaced_by_a_newer_one_still_works_where_it_has_an_address_of_its_own(
    world: World, anna: Customer
) -> None:
    first, back = world.goes_there(anna, NIBE)
    second = world.opens(anna, TESLA)
    world.comes_back(anna, back)
    assert world.looks(anna, first).attempt.state is State.LINKED
    assert world.attempt(anna, second).state is State.DEPARTED


def test_at_a_common_address_an_answer_belongs_to_the_newest_attempt(world: World, anna: Customer) -> None:
    first = world.opens(anna, EASEE)
    world.leaves(anna, first)
    world.clock.forward(seconds=11)
    second, back = world.goes_there(anna, EASEE)
    assert world.comes_back(anna, back) == Arrived(second)
    assert world.attempt(anna, first).reason is Reason.SUPERSEDED
