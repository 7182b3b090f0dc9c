"""A customer whose portal is killed, and all around her that outlives it: the providers, the post, the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from portal.domain.device import Connection, Device
from portal.domain.link_session import LinkSession, State
from portal.domain.people import Customer
from portal.sandbox.program import RunningSandbox
from tests.journey.surroundings import PATIENT, Choice, Clock, Mailbox, Return
from tests.kills.house import Fate
from tests.kills.portal import Killed, Portal

GLANCE = 5.0
"""Seconds between two looks of a page that looks by itself."""

GLANCES_A_MINUTE = 12
LONGEST = 15
"""Minutes within which every journey comes to its end."""

LETTERS = {"podero": 0, "nox": 1, "telematica": 1}
"""How many events tell of a device that was linked."""

LETTERS_OF_A_CHANGE = {"podero": 0, "nox": 2, "telematica": 1}
"""How many tell of one whose access lapsed or came back."""

LETTERS_OF_A_REMOVAL = {"podero": 0, "nox": 0, "telematica": 1}
"""How many tell of one whose access the portal ended. None is left lying: it would be found in the next story."""


@dataclass
class Street:
    """The portal and what is around it. `away` are the seconds until a portal that was killed answers again."""

    portal: Portal
    sandbox: RunningSandbox
    mailbox: Mailbox
    clock: Clock
    away: float = 0.0

    def asks(self, what: str, *given: Any) -> Any:
        """The answer. Where none comes the same is asked again: a page is reloaded, an event delivered anew."""
        try:
            return self.portal.asks(what, *given)
        except Killed:
            self.clock.forward(seconds=self.away)
            return self.portal.asks(what, *given)

    def meets(self, fate: Fate | None) -> None:
        """From now on the portal has this fate."""
        if fate is not None:
            self.portal.asks("meets_its_end", fate)

    def a_minute_passes(self) -> None:
        """Until the reconciler comes by."""
        self.clock.forward(seconds=61)
        self.asks("reconciles")


class Anna:
    """What she does, and what she and the providers were told: `linked` and `removed` by a page, `heard` by a yes."""

    def __init__(self, street: Street, choice: Choice) -> None:
        self.street, self.choice = street, choice
        self.linked: list[str] = []
        self.removed: list[str] = []
        self.heard = 0
        self.me: Customer = street.asks("signs_in", "anna")

    # ---- what she does ----

    def opens(self) -> str:
        attempt_id: str = self.street.asks("opens", self.me, self.choice)
        return attempt_id

    def reconnects(self, device: Device) -> str:
        attempt_id: str = self.street.asks("reconnects", self.me, device.id)
        return attempt_id

    def goes_there(self, begins: Callable[[], str]) -> tuple[str, Return]:
        """Leaves, and signs in at the vendor; where her link was lost on the way she begins again."""
        attempt_id = begins()
        attempt, may_go_on = self._stays(attempt_id, lambda seen: seen.state is not State.CREATED)
        url = self.street.asks("goes_on", self.me, attempt_id) if may_go_on else None
        if url is None:
            assert (attempt.state, self.street.portal.deaths) == (State.DEPARTED, 1), (attempt.state, attempt.reason)
            return self.goes_there(begins)
        return attempt_id, self._signs_in_there(url)

    def comes_back(self, back: Return, *, signed_in: bool = True) -> None:
        self.street.asks("comes_back", self.me if signed_in else None, back)

    def signs_in_again(self) -> None:
        self.street.asks("signs_in", "anna")
        self.street.asks("finishes", self.me)

    def sees_linked(self, attempt_id: str) -> Device:
        attempt, _ = self._stays(attempt_id, lambda seen: seen.state not in {State.ARRIVED, State.WAITING})
        assert attempt.state is State.LINKED, (attempt.state, attempt.reason)
        self.linked.append(attempt_id)
        return next(device for device in self.devices() if device.id == attempt.device_id)

    def sees(self, connection: Connection) -> Device:
        """Looks at her only device until it is so."""
        for _ in range(LONGEST):
            for _ in range(GLANCES_A_MINUTE):
                (device,) = self.devices()
                if device.connection is connection:
                    return device
                self.street.clock.forward(seconds=GLANCE)
            self.street.asks("reconciles")
        raise AssertionError(device)

    def devices(self) -> tuple[Device, ...]:
        devices: tuple[Device, ...] = self.street.asks("lists", self.me)
        return devices

    def removes(self, device: Device) -> None:
        self.street.asks("removes", self.me, device.id)
        for _ in range(LONGEST):
            if not self.devices():
                self.removed.append(device.id)
                self.news_comes(LETTERS_OF_A_REMOVAL)
                return
            self.street.a_minute_passes()
        raise AssertionError(device)

    # ---- what others do ----

    def happens_there(self, device: Device, what: str) -> None:
        """`break` or `repair` at the vendor, of which its provider tells."""
        self.street.clock.forward(seconds=61)
        place = f"{self.choice.provider}/{device.provider_device_id}/{what}"
        answer = requests.post(f"{self.street.sandbox.url}/control/devices/{place}", json={}, timeout=PATIENT)
        assert answer.status_code == 200, answer.text
        self.news_comes(LETTERS_OF_A_CHANGE)

    def news_comes(self, letters: dict[str, int] = LETTERS) -> None:
        """The provider delivers what it has to tell."""
        count = letters[self.choice.provider]
        for message in self.street.mailbox.take(count) if count else ():
            self.street.asks("hears", self.choice.provider, message)
            self.heard += 1

    def _stays(self, attempt_id: str, is_so: Callable[[LinkSession], bool]) -> tuple[LinkSession, bool]:
        """Stays on the attempt's page until it is so; the attempt, and whether its page offers to go on."""
        for _ in range(LONGEST):
            for _ in range(GLANCES_A_MINUTE):
                seen: tuple[LinkSession, bool] = self.street.asks("looks", self.me, attempt_id)
                if is_so(seen[0]):
                    return seen
                self.street.clock.forward(seconds=GLANCE)
            self.street.asks("reconciles")
        raise AssertionError((seen[0].state, seen[0].reason))

    def _signs_in_there(self, url: str) -> Return:
        if self.choice.asked_there is not None:
            requests.post(url, data={"vendor": self.choice.asked_there}, allow_redirects=False, timeout=PATIENT)
        form = {"action": "sign-in", "username": self.choice.account, "password": "Demo1234"}
        answer = requests.post(url, data=form, allow_redirects=False, timeout=PATIENT)
        return Return.of(answer.headers["Location"])
