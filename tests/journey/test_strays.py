"""A device that a wrong account brought in is named, and kept or let go: never nobody's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.domain.device import Device
from portal.domain.link_session import Reason
from portal.domain.people import Customer
from portal.journey import permissions, strays, which_device
from portal.journey.reconcile import reconcile
from portal.storage import provider_accounts
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import NIBE, TESLA, on_both_databases
from tests.journey.test_reconnecting import OTHER_NIBE
from tests.journey.world import World

REMOVING = {"PORTAL_PODERO__DELETE_DEVICES": "true"}


@pytest.fixture
def removing(world: World, make_ports: MakePorts) -> World:
    """Where Podero may delete devices."""
    return world.with_ports(make_ports(world.ports.database, world.clock, **REMOVING))


def brings_another(world: World, customer: Customer) -> tuple[str, Device]:
    """Reconnects with the wrong account; the attempt, and the device that was to be reconnected."""
    device = world.breaks(customer, world.links(customer, NIBE))
    return renews(world, customer, device), device


def renews(world: World, customer: Customer, device: Device) -> str:
    """Signs in with the wrong account, and sees what came of it."""
    attempt_id = world.renews(customer, device, OTHER_NIBE.account)
    assert world.looks(customer, attempt_id).attempt.reason is Reason.OTHER_ACCOUNT
    return attempt_id


def undecided(world: World, customer: Customer) -> list[tuple[str, str | None]]:
    found = strays.strays(ports=world.ports, customer=customer, now=world.clock.now)
    return [(stray.link_session_id, stray.device.model) for stray in found]


def lets_go(world: World, customer: Customer, attempt_id: str) -> bool:
    return strays.let_go(ports=world.ports, customer=customer, link_session_id=attempt_id, now=world.clock.now)


def held_there(world: World, customer: Customer) -> set[str | None]:
    """The models that Podero holds for this customer."""
    with world.ports.database.read() as tx:
        account = provider_accounts.of(tx, customer.id, "podero")
    assert account is not None
    readings = world.ports.providers.get("podero").list_devices(account, frozenset({NIBE.device_type}))
    return {reading.model for reading in readings if not reading.deleted}


@on_both_databases
def test_it_stays_a_question_until_it_is_answered(world: World, anna: Customer, bo: Customer) -> None:
    attempt_id, device = brings_another(world, anna)
    assert undecided(world, anna) == [(attempt_id, "F1155")]
    world.clock.forward(days=40)
    assert undecided(world, anna) == [(attempt_id, "F1155")]
    assert undecided(world, bo) == []
    which_device.keep(ports=world.ports, customer=anna, link_session_id=attempt_id, now=world.clock.now)
    assert undecided(world, anna) == []
    assert {known.model for known in world.devices(anna)} == {"S1255", "F1155"}
    assert world.device(anna, device.id).needs_customer


def test_it_is_asked_once_however_often_it_came(world: World, anna: Customer) -> None:
    _, device = brings_another(world, anna)
    world.clock.forward(minutes=1)
    again = renews(world, anna, device)
    assert undecided(world, anna) == [(again, "F1155")]


def test_its_access_ends_where_its_customer_says_so(removing: World, anna: Customer) -> None:
    attempt_id, device = brings_another(removing, anna)
    assert removing.looks(anna, attempt_id).may_let_go
    assert held_there(removing, anna) == {"S1255", "F1155"}
    assert lets_go(removing, anna, attempt_id)
    removing.settles()
    assert held_there(removing, anna) == {"S1255"}
    assert [known.id for known in removing.devices(anna)] == [device.id]
    assert undecided(removing, anna) == []
    view = removing.looks(anna, attempt_id)
    assert (view.attempt.reason, view.may_keep_both, view.may_let_go) == (Reason.OTHER_ACCOUNT, False, False)
    assert not lets_go(removing, anna, attempt_id)


def test_while_the_provider_is_away_it_is_on_the_list_as_being_removed(removing: World, anna: Customer) -> None:
    attempt_id, device = brings_another(removing, anna)
    removing.answers("podero", 500)
    assert lets_go(removing, anna, attempt_id)
    removing.settles()
    going = [known for known in removing.devices(anna) if known.id != device.id]
    assert [(known.model, known.removal_asked_at is not None) for known in going] == [("F1155", True)]
    removing.recovers("podero")
    removing.clock.forward(minutes=5)
    reconcile(ports=removing.ports, now=removing.clock.now)
    removing.settles()
    assert [known.id for known in removing.devices(anna)] == [device.id]
    assert held_there(removing, anna) == {"S1255"}


def test_nothing_is_offered_that_the_provider_cannot_do(world: World, anna: Customer) -> None:
    attempt_id, _ = brings_another(world, anna)
    view = world.looks(anna, attempt_id)
    assert (view.may_keep_both, view.may_let_go) == (True, False)
    assert not lets_go(world, anna, attempt_id)
    assert undecided(world, anna) == [(attempt_id, "F1155")]


def test_nobody_else_lets_it_go(removing: World, anna: Customer, bo: Customer) -> None:
    attempt_id, _ = brings_another(removing, anna)
    assert not lets_go(removing, bo, attempt_id)
    assert not lets_go(removing, anna, "unknown")
    assert held_there(removing, anna) == {"S1255", "F1155"}


def test_a_withdrawn_permission_ends_its_access_too(removing: World, anna: Customer) -> None:
    _, device = brings_another(removing, anna)
    consent = removing.device(anna, device.id).consent_id
    assert consent is not None
    permissions.withdraw(ports=removing.ports, customer=anna, consent_id=consent, now=removing.clock.now)
    removing.settles()
    assert held_there(removing, anna) == set()
    assert undecided(removing, anna) == []


def test_telematica_lets_go_of_what_its_event_named(world: World, anna: Customer, make_ports: MakePorts) -> None:
    only = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PROVIDERS="telematica"))
    car = replace(TESLA, provider="telematica", asked_there=None)
    device = only.breaks(anna, only.links(anna, car))
    attempt_id = only.renews(anna, device, "second@getfreeheat.com")
    only.news_comes(car)
    assert undecided(only, anna) == [(attempt_id, "Model Y")]
    assert lets_go(only, anna, attempt_id)
    only.settles()
    assert [known.id for known in only.devices(anna)] == [device.id]
    assert undecided(only, anna) == []
    assert only.calls("telematica", "revoke") == 1
