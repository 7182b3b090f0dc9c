"""A customer whose user Podero has deleted is given a new one, and nobody else is taken for such a customer."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.providers.podero_api import LARGEST_USER_LIST
from portal.providers.protocol import ProviderRefused, ProviderUnavailable, Removal, UnexpectedAnswer, UserGone
from portal.sandbox.state import ProviderUser
from tests.providers.contract import PSEUDONYM, an_account
from tests.providers.podero_world import DEVICE, USER, PoderoWorld, fresh, scripted
from tests.providers.scripted import Received, Scripted, reply

FOUND = f"GET /by-ext-id/{PSEUDONYM}"


@pytest.fixture
def world(running_sandbox: Any) -> PoderoWorld:
    return fresh(running_sandbox)


def deleted(world: PoderoWorld) -> None:
    """The customer has linked a device, and Podero has deleted its user of them since."""
    world.walk(world.leave())
    state = world.sandbox.state
    with state.lock:
        state.remove_user(state.users[0])


class TestUserGone:
    @pytest.mark.parametrize("status", ["404", "400", "422"])
    def test_a_deleted_customer_is_told_apart_and_served_under_a_new_user(
        self, world: PoderoWorld, status: str
    ) -> None:
        deleted(world)
        world.choose(unknown_user_status=status)
        with pytest.raises(UserGone):
            world.leave()
        gone = world.account.provider_user_id
        world.account = replace(world.account, provider_user_id=None)
        hints = world.walk(world.leave())
        assert world.account.provider_user_id != gone
        assert [reading.provider_device_id for reading in world.readings()] == list(hints.device_ids)
        assert len(world.sandbox.state.users) == 1

    def test_their_devices_are_not_said_to_be_none(self, world: PoderoWorld) -> None:
        deleted(world)
        with pytest.raises(UserGone):
            world.readings()

    def test_reconnecting_finds_out_as_well(self, world: PoderoWorld) -> None:
        deleted(world)
        with pytest.raises(UserGone):
            world.renew(DEVICE)

    def test_what_was_theirs_is_removed_with_them(self, world: PoderoWorld) -> None:
        deleted(world)
        world.provider = world.made(delete_devices=True)
        assert world.provider.remove_device(world.account, DEVICE, DeviceType.HEAT_PUMP) is Removal.GONE

    def test_a_user_made_anew_by_somebody_else_is_another_user(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        scripted(serve, world, {FOUND: {"id": DEVICE, "external_user_id": PSEUDONYM}})
        with pytest.raises(UserGone):
            world.readings()


class TestUserStillThere:
    def test_a_refusal_of_something_else_stays_a_refusal(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        known = {FOUND: {"id": USER, "external_user_id": PSEUDONYM}}
        for status in (400, 404, 422):
            scripted(serve, world, {**known, "POST /device-onboarding": reply(status, {})})
            with pytest.raises(ProviderRefused):
                world.provider.begin_link(world.departing(), now=world.now)

    def test_a_list_that_is_not_there_does_not_say_that_there_are_no_devices(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        scripted(serve, world, {FOUND: {"id": USER, "external_user_id": PSEUDONYM}})
        with pytest.raises(ProviderRefused):
            world.readings()

    def test_a_customer_without_devices_has_none_and_costs_no_further_call(self, world: PoderoWorld) -> None:
        world.leave()
        before = len(world.calls("GET", "by-ext-id"))
        assert world.readings() == ()
        assert len(world.calls("GET", "by-ext-id")) == before

    @pytest.mark.parametrize("external", [None, ""])
    def test_one_who_was_adopted_without_our_id_is_still_there(
        self, world: PoderoWorld, serve: Callable[..., Scripted], external: str | None
    ) -> None:
        scripted(serve, world, {f"GET /users/{USER}": {"id": USER, "external_user_id": external}})
        with pytest.raises(ProviderRefused):
            world.readings()

    def test_one_who_cannot_be_looked_up_now_is_not_given_up(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        scripted(serve, world, {FOUND: reply(503, {})})
        with pytest.raises(ProviderUnavailable):
            world.readings()


class TestMakingUsers:
    def test_a_creation_that_was_cut_off_leaves_one_user(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        made: list[Received] = []

        def answering(request: Received) -> bytes:
            if request.path.endswith("/auth/token"):
                return reply(200, {"access_token": "t", "expires_in": 3600})
            if request.method == "POST":
                made.append(request)
                return b""
            return reply(200, {"id": USER, "external_user_id": PSEUDONYM}) if made else reply(404, {})

        world.provider = world.made(base=serve(answering).url)
        assert world.provider.ensure_user(an_account(), email=None) == USER
        assert len(made) == 1

    def test_the_user_is_found_among_very_many(self, world: PoderoWorld) -> None:
        world.provider = world.made(send_customer_email=True)
        users = world.sandbox.state.users
        users += [ProviderUser(f"{n}", "podero", f"external-{n}", f"{n}@example.com") for n in range(4000)]
        users.append(ProviderUser(USER, "podero", None, "anna@example.com"))
        assert world.provider.ensure_user(an_account(), email="anna@example.com") == USER

    def test_a_list_beyond_all_measure_is_not_held(self, world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
        too_long = reply(200, b" " * (LARGEST_USER_LIST + 1))
        scripted(serve, world, {"POST /users": reply(409, {}), "GET /users": too_long})
        with pytest.raises(UnexpectedAnswer, match="too large"):
            world.provider.ensure_user(an_account(), email=None)
