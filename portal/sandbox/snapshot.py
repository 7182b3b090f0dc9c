"""The sandbox's memory as JSON, for the control page and whoever asks."""

from dataclasses import asdict
from typing import Any

from portal.sandbox.customers import SAMPLE_AGENTS
from portal.sandbox.state import PROVIDERS, LinkedDevice, LinkSession, SandboxState, iso


def snapshot(state: SandboxState) -> dict[str, Any]:
    """All of it; link sessions by a shortened reference, for their token opens them."""
    with state.lock:
        return {
            "url": state.config.url,
            "portal_url": state.portal_url,
            "events": [{**event, "attempts": list(event["attempts"])} for event in state.events],
            "providers": {key: _provider_view(state, key) for key in PROVIDERS},
            "oidc": {"variants": dict(state.variants["oidc"]), **_door_view(state, "oidc")},
            "staff": {name: _account_view(state, name) for name in SAMPLE_AGENTS},
        }


def _provider_view(state: SandboxState, provider: str) -> dict[str, Any]:
    return {
        "variants": dict(state.variants[provider]),
        "users": [asdict(user) for user in state.users if user.provider == provider],
        "devices": [_device_view(device) for device in state.devices if device.provider == provider],
        "link_sessions": [_link_view(state, link) for link in state.links.values() if link.provider == provider],
        **_door_view(state, provider),
    }


def _account_view(state: SandboxState, username: str) -> dict[str, Any]:
    agent = SAMPLE_AGENTS[username]
    return {
        "name": agent.name,
        "roles": list(agent.roles),
        "switched_off": username in state.switched_off,
        "told": state.told_of_staff.get(username),
    }


def _door_view(state: SandboxState, key: str) -> dict[str, Any]:
    return {"faults": asdict(state.faults[key]), **asdict(state.traffic[key]), "calls": list(state.calls[key])}


def _link_view(state: SandboxState, link: LinkSession) -> dict[str, Any]:
    return {
        "reference": link.token[:8],
        "owner": link.owner,
        "language": link.language,
        "device_type": link.device_type,
        "vendor": link.vendor,
        "device_id": link.device_id,
        "status": state.link_status(link),
        "created_at": iso(link.created_at),
        "expires_at": iso(link.expires_at),
    }


def _device_view(device: LinkedDevice) -> dict[str, Any]:
    return {
        "id": device.id,
        "owner": device.owner,
        "device_type": device.device_type,
        "vendor": device.physical.vendor,
        "model": device.physical.model,
        "nickname": device.physical.nickname,
        "account": device.physical.account,
        "serial": device.physical.serial,
        "working": device.working,
        "silent": device.silent,
        "removed": device.removed_at is not None,
        "created_at": iso(device.created_at),
    }
