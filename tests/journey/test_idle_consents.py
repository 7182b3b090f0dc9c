"""A permission on which nothing was connected ends by itself, once nothing can be connected on it any more."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from portal.domain.link_session import State
from portal.domain.people import Consent, Customer
from portal.journey import permissions
from portal.journey.reconcile import reconcile
from portal.storage import consents
from tests.journey.surroundings import EVERYWHERE, NIBE, Choice, at_every_provider, on_both_databases
from tests.journey.world import World
from tests.support.sampling import sampled


def given(world: World, customer: Customer) -> list[Consent]:
    return [one.consent for one in permissions.given(ports=world.ports, customer=customer)]


def time_passes(world: World, until: datetime) -> None:
    """Hour by hour, with the reconciler coming by."""
    while world.clock.now < until:
        world.clock.forward(seconds=min(3600.0, (until - world.clock.now).total_seconds()))
        reconcile(ports=world.ports, now=world.clock.now)
        world.settles()


@on_both_databases
@pytest.mark.parametrize("choice", sampled(EVERYWHERE, 1), ids=lambda choice: choice.provider)
def test_it_ends_a_day_after_the_link_is_over_and_stays_on_record(world: World, anna: Customer, choice: Choice) -> None:
    attempt_id = world.opens(anna, choice)
    world.leaves(anna, attempt_id)
    link_ends = world.attempt(anna, attempt_id).expires_at
    time_passes(world, link_ends + timedelta(hours=23))
    assert [consent.ended_at for consent in given(world, anna)] == [None]
    time_passes(world, link_ends + timedelta(hours=26))
    (consent,) = given(world, anna)
    assert consent.ended_at is not None
    assert link_ends + timedelta(days=1) <= consent.ended_at <= link_ends + timedelta(hours=26)
    assert (consent.withdrawn_at, consent.is_in_force) == (None, False)
    assert world.story(anna).count("consent.ended") == 1
    time_passes(world, link_ends + timedelta(hours=30))
    assert given(world, anna) == [consent]


@pytest.mark.parametrize("choice", sampled(EVERYWHERE, 2), ids=lambda choice: choice.provider)
def test_a_permission_on_which_something_is_or_was_connected_does_not_end(
    world: World, anna: Customer, choice: Choice
) -> None:
    device = world.links(anna, choice)
    time_passes(world, world.clock.now + timedelta(days=3))
    assert [consent.is_in_force for consent in given(world, anna)] == [True]
    world.removes(anna, device)
    time_passes(world, world.clock.now + timedelta(days=2))
    assert [consent.ended_at for consent in given(world, anna)] == [None]


def test_one_that_was_taken_back_stays_as_it_was(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    world.leaves(anna, attempt_id)
    permissions.withdraw(ports=world.ports, customer=anna, consent_id=attempt_id, now=world.clock.now)
    before = given(world, anna)
    time_passes(world, world.clock.now + timedelta(days=4))
    assert given(world, anna) == before
    assert before[0].withdrawn_at is not None


@on_both_databases
@at_every_provider
def test_a_device_that_comes_after_all_is_never_connected_without_a_permission(
    world: World, anna: Customer, choice: Choice
) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    with world.ports.database.write() as tx:
        assert consents.end(tx, anna.id, attempt_id, now=world.clock.now)
    assert [consent.is_in_force for consent in given(world, anna)] == [False]
    world.comes_back(anna, back)
    world.news_comes(choice)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    assert [device.consent_id for device in world.devices(anna)] == [attempt_id]
    assert [consent.is_in_force for consent in given(world, anna)] == [True]
    assert world.story(anna).count("consent.resumed") == 1
    with world.ports.database.write() as tx:
        assert not consents.end(tx, anna.id, attempt_id, now=world.clock.now)
