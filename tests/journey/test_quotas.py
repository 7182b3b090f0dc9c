"""The quota of one customer is nobody else's affair, whichever provider it is."""

from __future__ import annotations

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.link_session import Reason, State
from portal.domain.people import Customer
from portal.domain.provider_health import HealthState
from portal.journey.choose import before_leaving
from portal.journey.provider_health import HealthBook, health
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, Choice
from tests.journey.world import World

OPENING = {"podero": "/device-onboarding", "nox": "/link-sessions", "telematica": "/auth-sessions"}


def says_too_many(world: World, provider: str, path: str, times: int, retry_after: str = "900") -> None:
    faults = {"fail_count": times, "fail_status": 429, "path_contains": path, "retry_after": retry_after}
    world.sandbox.state.set_faults(provider, faults)


def lapsed(world: World, customer: Customer, choice: Choice) -> str:
    return world.breaks(customer, world.links(customer, choice)).id


@pytest.mark.parametrize("choice", [NIBE, DAIKIN, EASEE], ids=lambda choice: choice.provider)
def test_one_customers_quota_keeps_nobody_else_from_connecting(
    world: World, anna: Customer, bo: Customer, choice: Choice
) -> None:
    says_too_many(world, choice.provider, OPENING[choice.provider], times=1)
    assert world.waits(anna, world.opens(anna, choice)).state is State.FAILED
    assert health(ports=world.ports, now=world.clock.now)[choice.provider].state is HealthState.OK
    assert world.waits(bo, world.opens(bo, choice)).state is State.DEPARTED


def test_a_customer_whose_reconnecting_is_over_its_quota_still_sees_their_devices_read(
    world: World, anna: Customer, bo: Customer
) -> None:
    device_id = lapsed(world, anna, NIBE)
    says_too_many(world, "podero", "/auth_session", times=1)
    attempt = world.waits(anna, world.reconnects(anna, world.device(anna, device_id)))
    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.PROVIDER_UNAVAILABLE)
    world.clock.forward(seconds=60)
    world.reads(anna)
    assert world.device(anna, device_id).read_at == world.clock.now
    assert world.links(bo, NIBE).connection


def test_what_was_not_even_tried_is_never_called_out_of_reach(world: World, anna: Customer) -> None:
    device_id = lapsed(world, anna, NIBE)
    says_too_many(world, "podero", "/auth_session", times=1)
    world.waits(anna, world.reconnects(anna, world.device(anna, device_id)))
    calls = world.calls("podero", "/auth_session")
    world.clock.forward(seconds=30)
    again = world.waits(anna, world.reconnects(anna, world.device(anna, device_id)))
    assert (again.state, again.reason) == (State.FAILED, Reason.PROVIDER_BUSY)
    assert world.calls("podero", "/auth_session") == calls


def test_a_customer_of_a_provider_that_asks_everybody_to_wait_is_not_told_that_it_is_away(
    world: World, anna: Customer, bo: Customer
) -> None:
    says_too_many(world, "podero", "/device-onboarding", times=2, retry_after="60")
    for customer in (anna, bo):
        world.waits(customer, world.opens(customer, NIBE), patience=0.1)
        world.settles()
    cecilia = world.customer("cecilia")
    attempt_id = world.opens(cecilia, NIBE)
    book = HealthBook(world.ports.database, world.clock)
    book.paused("podero", seconds=60)
    held = world.waits(cecilia, attempt_id)
    assert (held.state, held.reason) == (State.CREATED, Reason.PROVIDER_BUSY)
    preview = before_leaving(
        ports=world.ports,
        customer=cecilia,
        device_type=DeviceType.HEAT_PUMP,
        vendor_key="other",
        language="sv",
        now=world.clock.now,
    )
    assert preview.provider_state is not HealthState.FAILING
