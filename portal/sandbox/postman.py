"""The delivery of events to the portal: from the background, sent again until accepted, as the variants say."""

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from portal.sandbox.state import SandboxState, iso

ANSWER_WITHIN = 15
SHUFFLED_WITHIN = 0.5
BROWSER_WAITS = 5


@dataclass(frozen=True, slots=True)
class Letter:
    """One event, and how its provider delivers it. `headers` signs the body for the time it is sent at."""

    provider: str
    id: str
    payload: dict[str, Any]
    headers: Callable[[str, bytes], Mapping[str, str]]
    pauses: tuple[float, ...]
    refusals_are_final: bool = False
    keeps_time: bool = False


class Postman:
    """Posts to `<portal>/webhooks/<provider>`; the log of events tells how it went."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state
        self.stopping = threading.Event()

    def send(self, letters: Sequence[Letter], *, late: float = 0, at_return: bool = False) -> None:
        """Starts the deliveries. `at_return`: a browser is about to leave and may be kept until they are made.

        Never called with `at_return` while the state's lock is held, for the portal may call back.
        """
        sent = [letter for letter in letters if self._says(letter, "events") == "sent"]
        threads = [self._start(letter, late) for letter in sent]
        deadline = time.monotonic() + BROWSER_WAITS
        for letter, thread in zip(sent, threads, strict=True):
            if at_return and self._says(letter, "event_timing") == "before_return":
                thread.join(timeout=max(0, deadline - time.monotonic()))

    def _says(self, letter: Letter, variant: str) -> str:
        return self.state.variant(letter.provider, variant)

    def _start(self, letter: Letter, late: float) -> threading.Thread:
        record = {
            "id": letter.id,
            "provider": letter.provider,
            "type": letter.payload["type"],
            "at": iso(self.state.now()),
            "payload": letter.payload,
            "attempts": [],
            "delivered": False,
            "over": False,
        }
        with self.state.lock:
            self.state.events.append(record)
            generation = self.state.generation
        thread = threading.Thread(target=self._deliver, args=(letter, record, late, generation), daemon=True)
        thread.start()
        return thread

    def _deliver(self, letter: Letter, record: dict[str, Any], late: float, generation: int) -> None:
        self._try(letter, record, late, generation)
        with self.state.lock:
            record["over"] = True

    def _try(self, letter: Letter, record: dict[str, Any], late: float, generation: int) -> None:
        body = json.dumps(letter.payload).encode()
        delivery = self._says(letter, "delivery")
        copies = 2 if delivery == "twice" else 1
        if delivery == "shuffled":
            late += secrets.SystemRandom().uniform(0, SHUFFLED_WITHIN)
        stamp, accepted = "", 0
        for pause in (late, *([0] * (copies - 1)), *letter.pauses):
            if self.stopping.wait(pause) or generation != self.state.generation:
                return
            stamp = stamp if stamp and letter.keeps_time else str(int(self.state.now()))
            outcome = self._post(letter, stamp, body)
            accepted += _is_accepted(outcome)
            with self.state.lock:
                record["attempts"].append(outcome)
                record["delivered"] = accepted > 0
            if accepted == copies or (letter.refusals_are_final and _is_refused(outcome)):
                return

    def _post(self, letter: Letter, stamp: str, body: bytes) -> int | str:
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    f"{self.state.portal_url}/webhooks/{letter.provider}",
                    data=body,
                    headers={"Content-Type": "application/json", **letter.headers(stamp, body)},
                    timeout=ANSWER_WITHIN,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            return type(error).__name__
        return answer.status_code


def _is_accepted(outcome: int | str) -> bool:
    return isinstance(outcome, int) and 200 <= outcome < 300


def _is_refused(outcome: int | str) -> bool:
    return isinstance(outcome, int) and 400 <= outcome < 500
