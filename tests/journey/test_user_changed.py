"""NOX has deleted its user of a customer and made another: nothing is bound to that unproven, and there is a way on."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import replace

import pytest
from structlog.testing import CapturingLogger

from portal.domain.link_session import Reason, State
from portal.domain.people import Customer, ProviderAccount
from portal.journey import take_return
from portal.storage import provider_accounts, references
from tests.journey.surroundings import DAIKIN, Return, on_both_databases
from tests.journey.world import World


def forgets_its_user(world: World) -> None:
    """NOX deletes the only user it has, with all devices."""
    state = world.sandbox.state
    (user,) = (user for user in state.users if user.provider == "nox")
    state.users.remove(user)
    state.devices = [device for device in state.devices if device.owner != user.id]


def at_nox(world: World, customer: Customer) -> ProviderAccount:
    with world.ports.database.read() as tx:
        account = provider_accounts.of(tx, customer.id, "nox")
    assert account is not None
    return account


def with_user(back: Return, user: str | None) -> Return:
    """The same return, with another user of NOX named in it."""
    (data,) = back.query["data"]
    claimed = json.loads(base64.urlsafe_b64decode(data + "=" * (-len(data) % 4)))
    changed = json.dumps({**claimed, "nox_user_id": user}).encode()
    return replace(back, query={"data": [base64.urlsafe_b64encode(changed).rstrip(b"=").decode()]})


def rebinds(world: World, reference: str) -> None:
    with world.ports.database.write() as tx:
        account = references.account_of_attempt(tx, reference)
        assert account is not None
        provider_accounts.unbind(tx, *account)


@on_both_databases
def test_the_page_says_so_and_support_can_help(world: World, anna: Customer) -> None:
    world.links(anna, DAIKIN)
    forgets_its_user(world)
    view = world.looks(anna, world.goes_and_returns(anna, DAIKIN))
    assert (view.attempt.state, view.attempt.reason) == (State.DEPARTED, Reason.USER_CHANGED)
    assert view.needs_help
    rebinds(world, view.attempt.reference)
    world.clock.forward(minutes=1)
    again = world.looks(anna, world.goes_and_returns(anna, DAIKIN))
    assert again.attempt.state is State.LINKED
    assert any(not device.needs_customer for device in world.devices(anna))


def test_operators_hear_of_it_with_the_cure(world: World, anna: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    world.links(anna, DAIKIN)
    forgets_its_user(world)
    log = CapturingLogger()
    monkeypatch.setattr(take_return, "log", log)
    attempt_id = world.goes_and_returns(anna, DAIKIN)
    ((method, words, told),) = log.calls
    assert (method, words) == ("error", ("provider_user_changed",))
    assert f"portal customers rebind {world.attempt(anna, attempt_id).reference}" in told["hint"]


def test_a_user_of_somebody_else_is_no_such_case(world: World, anna: Customer, bo: Customer) -> None:
    world.links(anna, DAIKIN)
    world.links(bo, DAIKIN)
    bo_at_nox = at_nox(world, bo).provider_user_id
    attempt_id, back = world.goes_there(anna, DAIKIN)
    world.comes_back(anna, with_user(back, bo_at_nox))
    assert world.attempt(anna, attempt_id).reason is Reason.ANSWER_UNREADABLE


def test_nobody_is_bound_by_a_made_up_user(world: World, anna: Customer) -> None:
    world.links(anna, DAIKIN)
    before = at_nox(world, anna)
    _, back = world.goes_there(anna, DAIKIN)
    world.comes_back(anna, with_user(back, f"nox_user_{secrets.token_hex(8)}"))
    assert at_nox(world, anna) == before
