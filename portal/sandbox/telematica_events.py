"""Telematica's events: signed the Svix way and posted to the portal from the background, with retries."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from typing import Any

import requests

from portal.sandbox.state import SandboxState, iso

RETRY_AFTER = (0, 1, 3, 10)
ANSWER_WITHIN = 15


class TelematicaEvents:
    """The delivery of events to `<portal>/webhooks/telematica`."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state
        self.stopping = threading.Event()

    def send(self, payload: dict[str, Any], *, late: float = 0) -> threading.Thread:
        """Starts the delivery and returns its thread; the log of events tells how it went."""
        record = {
            "id": f"msg_{secrets.token_hex(12)}",
            "type": payload["type"],
            "at": iso(self.state.now()),
            "payload": payload,
            "attempts": [],
            "delivered": False,
        }
        with self.state.lock:
            self.state.events.append(record)
            generation = self.state.generation
        thread = threading.Thread(target=self._deliver, args=(record, late, generation), daemon=True)
        thread.start()
        return thread

    def _deliver(self, record: dict[str, Any], late: float, generation: int) -> None:
        body = json.dumps(record["payload"]).encode()
        for pause in (late, *RETRY_AFTER[1:]):
            if self.stopping.wait(pause) or generation != self.state.generation:
                return
            outcome = self._post(record["id"], body)
            with self.state.lock:
                record["attempts"].append(outcome)
                record["delivered"] = isinstance(outcome, int) and 200 <= outcome < 300
            if record["delivered"]:
                return

    def _post(self, event_id: str, body: bytes) -> int | str:
        stamp = str(int(self.state.now()))
        names = self.state.variant("telematica", "header_names")
        headers = {
            "Content-Type": "application/json",
            f"{names}-id": event_id,
            f"{names}-timestamp": stamp,
            f"{names}-signature": signature(self.state.config.telematica_webhook_secret, event_id, stamp, body),
        }
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    f"{self.state.portal_url}/webhooks/telematica",
                    data=body,
                    headers=headers,
                    timeout=ANSWER_WITHIN,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            return type(error).__name__
        return answer.status_code


def signature(secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    """The value of the signature header: `v1,` and the base64 of HMAC-SHA256 over id, time and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{event_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"
