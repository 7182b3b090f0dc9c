"""Which calls of which provider are made again when their answer is lost, and which never."""

from collections.abc import Callable
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.providers.protocol import OutcomeUnknown, ProviderUnavailable
from tests.providers import podero_world, telematica_world
from tests.providers.contract import World, an_account
from tests.providers.podero_world import DEVICE, USER, PoderoWorld
from tests.providers.scripted import Received, Scripted, reply
from tests.providers.telematica_world import TelematicaWorld
from tests.providers.test_nox import NoxWorld

Serve = Callable[..., Scripted]
Do = Callable[[World], object]
BROKEN = {"lost": b"", "500": reply(500, {}), "502": reply(502, b"<html>", content_type="text/html"), "504": reply(504)}
TELEMATICA_DEVICE = "641f19e460d102219c235fa3"


def link(world: World) -> object:
    return world.provider.begin_link(world.departing(), now=world.now)


def renew(device_id: str) -> Do:
    return lambda world: world.renew(device_id)


def devices(world: World) -> object:
    return world.readings()


def remove(device_id: str) -> Do:
    return lambda world: world.provider.remove_device(world.account, device_id, world.device_type)


def make_user(world: World) -> object:
    return world.provider.ensure_user(an_account(), email=None)


@pytest.fixture
def worlds(running_sandbox: Any) -> dict[str, World]:
    sandbox, portal = running_sandbox
    return {
        "podero": podero_world.fresh(running_sandbox),
        "nox": NoxWorld(sandbox, portal),
        "telematica": telematica_world.fresh(running_sandbox),
    }


def broken(world: World, serve: Serve, end: str, answer: bytes) -> list[Received]:
    """The provider, but for the paths with this end; the calls to those."""
    struck: list[Received] = []
    method, tail = end.split()

    def answering(request: Received) -> bytes:
        if request.method == method and request.path.endswith(tail):
            struck.append(request)
            return answer
        if request.path.endswith("/auth/token"):
            return reply(200, {"access_token": "t", "expires_in": 3600})
        return reply(404, {})

    url = serve(answering).url
    world.provider = (
        world.made(base=url, delete_devices=True) if isinstance(world, PoderoWorld) else world.made(base=url)
    )
    world.account = an_account(provider_user_id=USER)
    return struck


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize(
    "journey",
    [
        ("podero", "POST /device-onboarding", link),
        ("podero", f"POST /{DEVICE}/auth_session", renew(DEVICE)),
        ("nox", "POST /supplier/link-sessions", link),
        ("telematica", "POST /v1/auth-sessions", link),
        ("telematica", "POST /v1/auth-sessions", renew(TELEMATICA_DEVICE)),
    ],
)
def test_a_session_that_may_have_been_opened_is_not_opened_again(
    worlds: dict[str, World], serve: Serve, journey: tuple[str, str, Do], how: str
) -> None:
    provider, call, do = journey
    world = worlds[provider]
    struck = broken(world, serve, call, BROKEN[how])
    with pytest.raises(OutcomeUnknown):
        do(world)
    assert len(struck) == 1


@pytest.mark.parametrize(
    ("provider", "call", "do"),
    [
        ("podero", "POST /auth/token", devices),
        ("podero", "GET /heat-pumps", devices),
        ("podero", "GET /by-ext-id/c7f0a1d2e3b4", make_user),
        ("nox", "GET /v1/devices", devices),
    ],
)
def test_what_does_no_harm_twice_is_tried_three_times_and_later_again(
    worlds: dict[str, World], serve: Serve, provider: str, call: str, do: Do
) -> None:
    world = worlds[provider]
    struck = broken(world, serve, call, b"")
    with pytest.raises(ProviderUnavailable) as failure:
        do(world)
    assert not isinstance(failure.value, OutcomeUnknown)
    assert len(struck) == 3


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize(
    "removal",
    [
        ("podero", f"DELETE /{DEVICE}", remove(DEVICE)),
        ("telematica", f"POST /{TELEMATICA_DEVICE}/revoke", remove(TELEMATICA_DEVICE)),
    ],
)
def test_a_removal_that_may_have_been_done_is_tried_again_and_never_told_as_if_nothing_had_been_done(
    worlds: dict[str, World], serve: Serve, removal: tuple[str, str, Do], how: str
) -> None:
    provider, call, do = removal
    struck = broken(worlds[provider], serve, call, BROKEN[how])
    with pytest.raises(OutcomeUnknown):
        do(worlds[provider])
    assert len(struck) == (3 if how == "lost" else 1)


@pytest.mark.parametrize("how", BROKEN)
def test_a_user_that_may_have_been_made_is_looked_up_and_not_made_again(
    worlds: dict[str, World], serve: Serve, how: str
) -> None:
    world = worlds["podero"]
    struck = broken(world, serve, "POST /users", BROKEN[how])
    with pytest.raises(ProviderUnavailable) as failure:
        make_user(world)
    assert not isinstance(failure.value, OutcomeUnknown)
    assert len(struck) == 1


def test_a_cable_that_is_not_plugged_in_is_not_an_unknown_outcome(worlds: dict[str, World], serve: Serve) -> None:
    world = worlds["telematica"]
    assert isinstance(world, TelematicaWorld)
    assert world.device_type is DeviceType.CHARGER
    broken(world, serve, "POST /v1/auth-sessions", reply(500, {"action": {"user": "PLUG_IN_CABLE"}}))
    with pytest.raises(Exception, match="status 500") as told:
        link(world)
    assert not isinstance(told.value, ProviderUnavailable)
