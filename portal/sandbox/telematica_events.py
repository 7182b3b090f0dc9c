"""Telematica's events, signed the Svix way."""

import base64
import hashlib
import hmac
import secrets
import string
from typing import Any

from portal.sandbox.postman import Letter, Postman
from portal.sandbox.state import SandboxState

PAUSES = (1, 3, 10)
KSUID_EPOCH = 1_400_000_000
KSUID_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase


class TelematicaEvents:
    """Each event has one id for ever; a redelivery has a time of its own, and is signed for that."""

    def __init__(self, state: SandboxState, postman: Postman) -> None:
        self.state = state
        self.postman = postman

    def send(self, payload: dict[str, Any], *, at_return: bool = False) -> None:
        event_id = new_id(int(self.state.now()))

        def headers(stamp: str, body: bytes) -> dict[str, str]:
            names = self.state.variant("telematica", "header_names")
            signatures = [signature(secret, event_id, stamp, body) for secret in self._secrets()]
            return {
                f"{names}-id": event_id,
                f"{names}-timestamp": stamp,
                f"{names}-signature": " ".join(signatures),
            }

        letter = Letter("telematica", event_id, payload, headers, PAUSES)
        self.postman.send([letter], late=self.state.faults["telematica"].lag, at_return=at_return)

    def _secrets(self) -> list[str]:
        """The live ones, the newer first, while one takes the place of the other."""
        config = self.state.config
        current, following = config.telematica_webhook_secret, config.telematica_next_webhook_secret
        return {"current": [current], "both": [following, current], "next": [following]}[
            self.state.variant("telematica", "signed_with")
        ]


def new_id(seconds: int) -> str:
    """A new id that begins with the time, as Svix makes them."""
    number = (seconds - KSUID_EPOCH) * 2**128 + secrets.randbits(128)
    letters = ""
    for _ in range(27):
        number, place = divmod(number, len(KSUID_LETTERS))
        letters = KSUID_LETTERS[place] + letters
    return f"msg_{letters}"


def signature(secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    """One value of the signature header: `v1,` and the base64 of HMAC-SHA256 over id, time and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{event_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"
