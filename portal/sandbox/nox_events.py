"""NOX's events: one for each property of a device that changed, signed with the supplier's API key.

The documents name the pattern of the types and one example of it. The types below follow the pattern.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from portal.sandbox.postman import Letter, Postman
from portal.sandbox.state import LinkedDevice, SandboxState, iso

LINKED = "device.linked.updated"
NEEDS_REAUTHENTICATION = "device.needs_reauthentication.updated"
STEERABLE = "device.steerable_status.steerable.updated"
PAUSES = {"several": (1, 3, 10), "single": (1,), "never": ()}


class NoxEvents:
    """One change gives one event id; each property it touches is a delivery of its own with that id."""

    def __init__(self, state: SandboxState, postman: Postman) -> None:
        self.state = state
        self.postman = postman

    def linked(self, devices: Sequence[LinkedDevice]) -> None:
        """Called without the state's lock, before the browser returns."""
        letters = [letter for device in devices for letter in self._letters(device, {LINKED: True})]
        self.postman.send(letters, at_return=True)

    def changed(self, device: LinkedDevice) -> None:
        """A device that broke, was repaired or was removed at the vendor."""
        works = device.working
        changes = {NEEDS_REAUTHENTICATION: not works, STEERABLE: works}
        self.postman.send(self._letters(device, {LINKED: False} if device.removed_at is not None else changes))

    def _letters(self, device: LinkedDevice, changes: dict[str, bool]) -> list[Letter]:
        event_id = f"evt_{secrets.token_hex(12)}"
        return [self._letter(event_id, kind, value, device) for kind, value in changes.items()]

    def _letter(self, event_id: str, kind: str, value: bool, device: LinkedDevice) -> Letter:
        known_as = [user.external_id for user in self.state.users if user.id == device.owner]
        named = {"given": device.id, "vendor": device.physical.serial, "null": None}
        payload = {
            "id": event_id,
            "type": kind,
            "timestamp": iso(self.state.now()),
            "data": {"value": value, "previous_value": not value},
            "metadata": {
                "device_id": named[self.state.variant("nox", "event_device_id")],
                "user_id": device.owner,
                "external_user_id": known_as[0] if known_as else None,
                "brand": device.physical.vendor,
                "energy_supplier": self.state.config.nox_supplier,
            },
        }
        delivery_id = f"{event_id}:{kind}"

        def headers(stamp: str, body: bytes) -> dict[str, str]:
            template = self.state.variant("nox", "signed_text")
            return {
                "X-Webhook-Id": delivery_id,
                "X-Webhook-Timestamp": stamp,
                "X-Webhook-Signature": signature(self.state.config.nox_api_key, template, delivery_id, stamp, body),
            }

        return Letter(
            provider="nox",
            id=delivery_id,
            payload=payload,
            headers=headers,
            pauses=PAUSES[self.state.variant("nox", "redelivery")],
            refusals_are_final=True,
            keeps_time=self.state.variant("nox", "redelivery_time") == "first",
        )


def signature(key: str, template: str, event_id: str, timestamp: str, body: bytes) -> str:
    """The value of the signature header: HMAC-SHA256 over what the template names, joined by dots."""
    parts = {"id": event_id.encode(), "timestamp": timestamp.encode(), "body": body}
    signed = b".".join(parts[name] for name in template.split("."))
    return f"sha256={hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()}"
