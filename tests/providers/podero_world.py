"""A customer of Podero, in the sandbox or against scripted answers."""

from collections.abc import Callable
from typing import Any

from portal.domain.catalogue import DeviceType
from portal.providers.http import Gateway
from portal.providers.podero import Podero, PoderoConfig
from tests.providers.contract import World, an_account, gateway
from tests.providers.scripted import Received, Scripted, reply

USER = "11111111-2222-4333-8444-555555555555"


DEVICE = "99999999-2222-4333-8444-555555555555"


class PoderoWorld(World):
    key = "podero"
    device_type = DeviceType.HEAT_PUMP
    vendor = "nibe"
    vendor_code = None
    login = "demomyuplink@nibe.se"
    other_login = "second@nibe.se"

    def made(self, *, base: str | None = None, door: Gateway | None = None, **changes: Any) -> Podero:
        sandbox = self.sandbox.config
        url = base or sandbox.podero_base_url
        config = {
            "base_url": url,
            "token_url": f"{url}/auth/token",
            "org_id": sandbox.podero_org_id,
            "client_id": sandbox.podero_client_id,
            "client_secret": sandbox.podero_client_secret,
            "connect_hosts": (sandbox.host,),
            "email_domain": "devices.example",
            "market": "SE",
            "smart_control": True,
        }
        return Podero(PoderoConfig(**{**config, **changes}), door or gateway())

    def opened(self, url: object) -> dict[str, object]:
        return {"id": DEVICE, "user": USER, "authentication_url": url}

    def calls(self, method: str, part: str = "") -> list[dict[str, Any]]:
        return [c for c in self.sandbox.state.calls["podero"] if c["method"] == method and part in c["path"]]


def fresh(running_sandbox: Any) -> PoderoWorld:
    """The world of a sandbox as just started."""
    sandbox, portal = running_sandbox
    sandbox.state.reset()
    return PoderoWorld(sandbox, portal)


def scripted(serve: Callable[..., Scripted], world: PoderoWorld, answers: dict[str, Any], **changes: Any) -> Scripted:
    """A Podero whose answers are scripted by `METHOD end-of-path`; the token is always given."""

    def answering(request: Received) -> bytes:
        if request.path.endswith("/auth/token"):
            return reply(200, {"access_token": "t", "expires_in": 3600})
        for place, answer in answers.items():
            method, _, end = place.partition(" ")
            if request.method == method and request.path.endswith(end):
                return answer if isinstance(answer, bytes) else reply(200, answer)
        return reply(404, {"detail": "Not Found"})

    server = serve(answering)
    world.provider = world.made(base=server.url, **changes)
    world.account = an_account(provider_user_id=USER)
    return server


def world_url(world: PoderoWorld) -> str:
    return f"{world.sandbox.url}/podero/connect?onboarding_session_id=x"
