"""Taking back a permission: what is connected on it goes, whatever the provider says, and nothing comes by it again."""

from __future__ import annotations

import pytest

from portal.domain.link_session import Reason, State
from portal.domain.people import Customer
from portal.journey import permissions, reauthenticate
from portal.journey.permissions import Access, Permission, access
from portal.journey.reconcile import reconcile
from tests.journey.surroundings import (
    EASEE,
    NIBE,
    PATIENT,
    TESLA,
    Choice,
    at_every_provider,
    on_both_databases,
)
from tests.journey.telling import connected
from tests.journey.world import World


def given(world: World, customer: Customer) -> tuple[Permission, ...]:
    return permissions.given(ports=world.ports, customer=customer)


def takes_back(world: World, customer: Customer, consent_id: str, patience: float = PATIENT) -> bool:
    done = permissions.withdraw(
        ports=world.ports, customer=customer, consent_id=consent_id, patience=patience, now=world.clock.now
    )
    world.settles()
    return done


def a_minute_passes(world: World, **later: float) -> None:
    """Until the reconciler comes by."""
    world.clock.forward(**(later or {"seconds": 61}))
    reconcile(ports=world.ports, now=world.clock.now)
    world.settles()


def there(world: World) -> list[str]:
    """The devices to which some provider still has access."""
    return [device.id for device in world.sandbox.state.devices if device.removed_at is None]


@at_every_provider
def test_a_customer_reads_what_they_allowed_and_what_is_connected_on_it(
    world: World, anna: Customer, bo: Customer, choice: Choice
) -> None:
    device = world.links(anna, choice)
    (permission,) = given(world, anna)
    assert permission.consent.version == world.ports.policy.consent_version
    assert permission.is_worded
    assert (permission.device_type, permission.vendor.key) == (choice.device_type, choice.vendor)
    assert permission.provider.key == choice.provider
    assert permission.connected == (device,)
    assert access(device) is Access.THERE
    assert given(world, bo) == ()


@on_both_databases
@at_every_provider
def test_taking_it_back_ends_the_access_where_it_can_be_ended(world: World, anna: Customer, choice: Choice) -> None:
    device = world.links(anna, choice)
    assert takes_back(world, anna, device.consent_id or "")
    (permission,) = given(world, anna)
    assert permission.consent.withdrawn_at == world.clock.now
    assert world.devices(anna) == ()
    ends_there = world.ports.traits(choice.provider).removes_devices
    assert [access(one) for one in permission.devices] == [Access.ENDED if ends_there else Access.MAY_REMAIN]
    assert there(world) == ([] if ends_there else [device.provider_device_id])
    assert [action for action in world.story(anna) if action.startswith("consent")] == ["consent.withdrawn"]


def test_only_what_is_connected_on_it_goes(world: World, anna: Customer, bo: Customer) -> None:
    pump, car, charger = (world.links(anna, choice) for choice in (NIBE, TESLA, EASEE))
    others = world.links(bo, EASEE)
    takes_back(world, anna, charger.consent_id or "")
    assert world.devices(anna) == (pump, car)
    assert world.devices(bo) == (others,)
    assert len(given(world, anna)) == 3


def test_twice_is_once_and_nobody_takes_back_anothers(world: World, anna: Customer, bo: Customer) -> None:
    device = world.links(anna, EASEE)
    assert not takes_back(world, bo, device.consent_id or "")
    assert not takes_back(world, anna, "unknown")
    assert world.devices(anna) == (device,)
    assert takes_back(world, anna, device.consent_id or "")
    first = given(world, anna)
    world.clock.forward(hours=1)
    assert takes_back(world, anna, device.consent_id or "")
    assert given(world, anna) == first
    assert world.calls("telematica", "/revoke") == 1


@pytest.mark.parametrize("status", [503, 403, 504])
def test_while_the_provider_cannot_end_it_that_is_said_and_tried_again_and_nothing_is_read(
    world: World, anna: Customer, status: int
) -> None:
    device = world.links(anna, EASEE)
    world.answers("telematica", status)
    takes_back(world, anna, device.consent_id or "")
    for _ in range(2):
        assert [access(one) for one in given(world, anna)[0].devices] == [Access.TRYING]
        a_minute_passes(world)
    (kept,) = world.devices(anna)
    assert not kept.needs_customer
    assert (
        reauthenticate.start(ports=world.ports, customer=anna, device_id=kept.id, language="en", now=world.clock.now)
        is None
    )
    world.receives(connected(world, anna, world.clock.now, deviceId=device.provider_device_id, model="Heard"))
    assert world.devices(anna)[0].model == device.model
    world.recovers("telematica")
    a_minute_passes(world)
    assert world.devices(anna) == ()
    assert there(world) == []


def test_after_some_days_it_leaves_the_list_and_the_customer_reads_that_the_access_may_be_there(
    world: World, anna: Customer
) -> None:
    device = world.links(anna, EASEE)
    world.answers("telematica", 503)
    takes_back(world, anna, device.consent_id or "")
    a_minute_passes(world, days=2)
    assert len(world.devices(anna)) == 1
    a_minute_passes(world, days=2)
    assert world.devices(anna) == ()
    assert [access(one) for one in given(world, anna)[0].devices] == [Access.MAY_REMAIN]


def test_what_is_lost_with_the_queue_is_done_all_the_same(world: World, anna: Customer) -> None:
    device = world.links(anna, EASEE)
    world.worker.stop()
    takes_back(world, anna, device.consent_id or "", patience=0)
    world.worker.forget()
    world.worker_starts()
    assert [access(one) for one in given(world, anna)[0].devices] == [Access.ENDING]
    a_minute_passes(world)
    assert world.devices(anna) == ()


@at_every_provider
def test_an_attempt_that_is_under_way_ends_and_its_return_connects_nothing(
    world: World, anna: Customer, choice: Choice
) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    takes_back(world, anna, attempt_id)
    ended = world.attempt(anna, attempt_id)
    assert (ended.state, ended.reason, ended.connect_url) == (State.EXPIRED, Reason.PERMISSION_WITHDRAWN, None)
    world.comes_back(anna, back)
    world.news_comes(choice)
    world.looks(anna, attempt_id)
    assert world.attempt(anna, attempt_id).state is State.EXPIRED
    assert world.devices(anna) == ()


def test_what_was_linked_there_by_an_attempt_that_ends_is_removed_there(world: World, anna: Customer) -> None:
    attempt_id = world.goes_and_returns(anna, EASEE)
    world.looks(anna, attempt_id)
    assert world.attempt(anna, attempt_id).state is State.WAITING
    assert len(there(world)) == 1
    takes_back(world, anna, attempt_id)
    a_minute_passes(world)
    assert there(world) == []
    world.news_comes(EASEE)
    assert world.devices(anna) == ()


def test_a_renewal_ends_with_the_permission_of_its_device(world: World, anna: Customer) -> None:
    device = world.breaks(anna, world.links(anna, EASEE))
    attempt_id = world.reconnects(anna, device)
    world.leaves(anna, attempt_id)
    takes_back(world, anna, device.consent_id or "")
    assert world.attempt(anna, attempt_id).reason is Reason.PERMISSION_WITHDRAWN


def test_a_cancelled_attempt_comes_to_nothing_either(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    url = world.leaves(anna, attempt_id)
    world.submits_there(url, vendor="nibe")
    cancelled = world.does_there(url, action="cancel")
    world.comes_back(anna, cancelled)
    assert world.attempt(anna, attempt_id).state is State.CANCELLED
    takes_back(world, anna, attempt_id)
    assert world.attempt(anna, attempt_id).reason is Reason.PERMISSION_WITHDRAWN


@at_every_provider
def test_the_device_can_be_connected_again_with_a_new_permission(world: World, anna: Customer, choice: Choice) -> None:
    device = world.links(anna, choice)
    takes_back(world, anna, device.consent_id or "")
    if choice is EASEE:
        world.news_comes(choice)
    world.clock.forward(minutes=1)
    again = world.links(anna, choice)
    assert not again.must_go
    assert again.consent_id != device.consent_id
    newest, oldest = given(world, anna)
    assert (newest.connected, oldest.connected) == ((again,), ())
    takes_back(world, anna, device.consent_id or "")
    assert world.devices(anna) == (again,)


def test_all_devices_that_came_by_one_permission_go_with_it(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, EASEE)
    url = world.leaves(anna, attempt_id)
    world.submits_there(url, action="sign-in", username="several@example.com", password="Demo1234")
    serials = [device.serial for link in world.sandbox.state.links.values() for device in link.found]
    world.comes_back(anna, world.does_there(url, action="connect", device=serials))
    world.news_comes(EASEE)
    world.looks(anna, attempt_id)
    assert len(given(world, anna)[0].connected) == 2
    takes_back(world, anna, attempt_id)
    assert (world.devices(anna), there(world)) == ((), [])
