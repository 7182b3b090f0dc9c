"""Podero is asked to forget a customer: the user of this customer, once, and never another."""

from collections.abc import Callable
from typing import Any

import pytest

from portal.providers.protocol import OutcomeUnknown, ProviderUnavailable, Removal
from tests.providers.contract import an_account
from tests.providers.podero_world import USER, PoderoWorld, fresh, scripted
from tests.providers.scripted import Scripted, reply


@pytest.fixture
def world(running_sandbox: Any) -> PoderoWorld:
    return fresh(running_sandbox)


def asked(server: Scripted) -> list[str]:
    received = [request for request in server.received if "/users" in request.path]
    return [f"{request.method} {request.path.rsplit('/users', 1)[-1]}" for request in received]


def test_the_users_devices_and_open_links_go_with_them_and_nobody_elses(world: PoderoWorld) -> None:
    other = an_account("0" * 32)
    world.provider.ensure_user(other, email=None)
    world.walk(world.leave())
    assert world.provider.delete_user(world.account) is Removal.GONE
    assert [user.external_id for user in world.sandbox.state.users] == ["0" * 32]
    assert world.sandbox.state.devices == []


def test_a_user_of_whom_the_portal_was_never_told_is_looked_up(world: PoderoWorld) -> None:
    user = world.provider.ensure_user(an_account(), email=None)
    assert world.provider.delete_user(an_account()) is Removal.GONE
    assert user not in [there.id for there in world.sandbox.state.users]
    assert world.provider.delete_user(an_account()) is Removal.GONE


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_success_counts(world: PoderoWorld, serve: Callable[..., Scripted], status: int) -> None:
    server = scripted(serve, world, {f"DELETE /users/{USER}": reply(status, {})})
    assert world.provider.delete_user(world.account) is Removal.GONE
    assert asked(server) == [f"DELETE /{USER}"]


def test_a_user_who_is_not_there_is_gone_and_one_who_is_still_there_is_not(
    world: PoderoWorld, serve: Callable[..., Scripted]
) -> None:
    answers: dict[str, Any] = {}
    scripted(serve, world, answers)
    assert world.provider.delete_user(world.account) is Removal.GONE
    answers[f"GET /by-ext-id/{world.account.pseudonym}"] = {"id": USER, "external_user_id": world.account.pseudonym}
    assert world.provider.delete_user(world.account) is Removal.NOT_OFFERED


@pytest.mark.parametrize("status", [400, 403, 405, 409, 422])
def test_a_refusal_means_that_there_is_no_such_call(
    world: PoderoWorld, serve: Callable[..., Scripted], status: int
) -> None:
    scripted(serve, world, {f"DELETE /users/{USER}": reply(status, {})})
    assert world.provider.delete_user(world.account) is Removal.NOT_OFFERED


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_podero_in_trouble_is_asked_again_later(
    world: PoderoWorld, serve: Callable[..., Scripted], status: int
) -> None:
    scripted(serve, world, {f"DELETE /users/{USER}": reply(status, {})})
    with pytest.raises(ProviderUnavailable):
        world.provider.delete_user(world.account)


def test_an_answer_that_is_lost_leaves_it_unknown(world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
    scripted(serve, world, {f"DELETE /users/{USER}": reply(504, {})})
    with pytest.raises(OutcomeUnknown):
        world.provider.delete_user(world.account)
