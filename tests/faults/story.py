"""A customer's journey up to one call, what happens there, and how it goes on."""

from __future__ import annotations

import gettext
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from sqlalchemy import select

from portal.domain.device import Device
from portal.domain.link_session import Reason, State
from portal.storage import tables
from portal.translations import TRANSLATIONS
from tests.faults.calls import Role
from tests.faults.door import Way
from tests.faults.expectations import Cell
from tests.faults.faults import CANARY
from tests.faults.house import House
from tests.faults.layer import Script
from tests.support.person import Page, Person

ASKED_AT_EACH_LOOK = {Role.CONFIRMS, Role.READS, Role.DETAILS}
PAUSES = (2.0, 4.0, 8.0, 16.0, 30.0)


@dataclass(frozen=True)
class Choice:
    """What the customer links, where nobody else than this provider serves it."""

    name: str
    device_type: str
    vendor: str
    account: str
    asked_there: str | None = None


CHOICES = {
    "podero": Choice("Podero", "heat-pump", "other", "demomyuplink@nibe.se", "nibe"),
    "nox": Choice("NOX", "heat-pump", "daikin", "anna@example.com"),
    "telematica": Choice("Telematica", "charger", "easee", "anna@example.com"),
}


@dataclass(frozen=True)
class Attempt:
    """What is stored of an attempt."""

    id: str
    state: State
    reason: Reason | None


class Story:
    """One cell of the matrix, lived by Anna."""

    def __init__(self, house: House, cell: Cell, stack: ExitStack) -> None:
        self.house, self.cell = house, cell
        self.choice = CHOICES[cell.call.provider]
        self.before: tuple[Device, ...] = ()
        self.person: tuple[str, ...] = ()
        house.begin(cell.fault)
        stack.callback(house.layer.disarm)
        self.anna = stack.enter_context(Person(house.live.url, cell.language))
        self.anna.sign_in("anna")
        self.anna.submit(self.anna.look("/devices").form("/language"), language=cell.language)
        house.clock.stop()

    # ---- what she does ----

    def up_to_the_call(self) -> Page:
        """Walks to where the call is made, with the fault in the way; the page that she gets."""
        walk: dict[Role, Callable[[], Page]] = {
            Role.PREPARES: self._opens,
            Role.CREATES: self._opens,
            Role.OPENS: self._renews if self.cell.call.renews else self._opens,
            Role.CONFIRMS: self._comes_back,
            Role.READS: self._looks,
            Role.DETAILS: self._looks_at_one_with_an_open_action,
            Role.REMOVES: self._removes,
            Role.FORGETS: self._is_forgotten,
        }
        return walk[self.cell.call.role]()

    def begin(self) -> Page:
        """Chooses, agrees and goes."""
        path = f"/connect/{self.choice.device_type}/{self.choice.vendor}"
        form = self.anna.look(path).form(path)
        # Several providers serve some choices, and the customer's language decides: this story is about one of them.
        return self.anna.submit(form, consent="on", provider=self.cell.call.provider)

    def _leave(self) -> Page:
        """The same without any fault, as far as the Connect UI, though the machine may be slower than a call may be."""
        page = self.begin()
        if self.is_at_provider(page):
            return page
        return self.anna.submit(self.waits_until(page.path, lambda seen: seen.offers("/continue")).form("/continue"))

    def link(self) -> Device:
        """Without any fault, to the end."""
        back = self.sign_in_there(self._leave())
        self.sees(back.path, State.LINKED)
        return self.device()

    def sign_in_there(self, there: Page) -> Page:
        """At the vendor, which is chosen there where it is not known yet, and back."""
        assert self.is_at_provider(there), there.text
        return self.anna.sign_in_at_vendor(there, self.choice.account, vendor=self.choice.asked_there)

    def sees(self, path: str, state: State) -> Page:
        """Looks again and again until the attempt stands so."""
        return self.anna.sees(path, lambda _: self.attempt().state is state)

    def look_again(self, path: str) -> Page:
        """Looks once more when all that the first look woke is done."""
        self.anna.look(path)
        self.house.worker.settle()
        return self.anna.look(path)

    def waits_until(self, path: str, is_so: Callable[[Page], bool]) -> Page:
        """Stays on a page that looks by itself, as time goes by."""
        page = self.look_again(path)
        for pause in PAUSES:
            if is_so(page):
                return page
            if self.cell.fault.wait:
                # What a provider asks for is obeyed by a clock that nobody can put forward.
                time.sleep(0.5)
            self.house.clock.forward(pause + 1)
            page = self.look_again(path)
        assert is_so(page), page.text
        return page

    def break_device(self) -> None:
        """At the provider: the access to it lapses."""
        key, device = self.cell.call.provider, self.house.live.sandbox.state.devices[0]
        self.anna.post(f"{self.house.live.sandbox.url}/control/devices/{key}/{device.id}/break", json={}, timeout=10)

    # ---- what there is to see ----

    def is_at_provider(self, page: Page) -> bool:
        return self.house.live.sandbox.has(page.url) and page.status == 200

    def is_ours(self, page: Page) -> bool:
        return page.url.startswith(self.house.live.url)

    def attempt(self) -> Attempt:
        """The newest attempt."""
        kept = tables.link_sessions
        with self.house.live.database.read() as tx:
            newest = select(kept.c.id, kept.c.state, kept.c.reason).order_by(kept.c.created_at.desc(), kept.c.id)
            row = tx.connection.execute(newest).first()
        assert row is not None
        return Attempt(row.id, State(row.state), Reason(row.reason) if row.reason else None)

    def device(self) -> Device:
        (device,) = self.house.live.devices()
        return device

    def who_it_is(self) -> tuple[str, ...]:
        """All that says who she is, as it is stored."""
        told = tables.customers.c
        with self.house.live.database.read() as tx:
            row = tx.connection.execute(select(told.subject, told.name, told.email, told.number)).one()
        assert all(row), row
        return tuple(row)

    def called(self, device: Device) -> str:
        """What she calls it."""
        return device.nickname or device.made

    def words(self, message: str, **names: str) -> str:
        """A text as it is in her language."""
        spoken = gettext.translation("messages", str(TRANSLATIONS), [self.cell.language], fallback=True)
        return " ".join((spoken.gettext(message) % names).split())

    def assert_reached(self) -> None:
        """As often as it may have been by now: a look wakes a step, and each step may ask once."""
        reached, knocks = len(self.house.layer.reached(self.cell.call)), self.house.layer.door.knocks
        promised = self.cell.expected
        steps = self.house.worker.steps if self.cell.call.role in ASKED_AT_EACH_LOOK else 1
        assert promised.reached.start <= reached <= promised.reached[-1] * steps, self.house.layer.calls
        assert promised.knocks.start <= knocks <= promised.knocks[-1] * steps

    def assert_fit_to_be_seen(self, page: Page) -> None:
        """A page of ours, in her language, without a word of the provider or a secret."""
        assert self.is_ours(page), page.url
        assert page.status == 200, page.text
        assert page.language == self.cell.language
        assert CANARY not in page.html
        assert not [secret for secret in self.house.secrets() if secret in page.html]

    # ---- the ways to the call ----

    def _opens(self) -> Page:
        self._arm()
        return self.begin()

    def _renews(self) -> Page:
        self.link()
        self.break_device()
        self.house.clock.forward(1)
        self.anna.sees("/devices", lambda page: page.offers("/reauthenticate"))
        self.house.worker.settle()
        self._arm()
        return self.anna.press_reconnect()

    def _comes_back(self) -> Page:
        there = self._leave()
        self._arm()
        return self.sign_in_there(there)

    def _looks(self) -> Page:
        self.link()
        self.house.clock.forward(1)
        self._arm()
        return self.look_again("/devices")

    def _looks_at_one_with_an_open_action(self) -> Page:
        """Of which only the detail says that it is no lapse."""
        self.link()
        self.house.live.sandbox.state.choose_variants("podero", {"other_action": "new_terms"})
        self.house.clock.forward(1)
        self._arm()
        return self.look_again("/devices")

    def _removes(self) -> Page:
        device = self.link()
        self._arm()
        return self.removes(device)

    def removes(self, device: Device) -> Page:
        asked = self.anna.look(f"/devices/{device.id}/remove")
        return self.anna.submit(asked.form("/remove"))

    def _is_forgotten(self) -> Page:
        self.link()
        login = self.anna.submit(self.anna.look("/privacy/delete").form("/sign-in/again"))
        asked = self.anna.submit(login.forms()[0], username="anna", password="demo")
        self.person = self.who_it_is()
        # A link that was asked for just now is waited for.
        self.house.clock.forward(61)
        self._arm()
        return self.anna.submit(asked.form("/privacy/delete"))

    def _arm(self) -> None:
        self.house.worker.settle()
        self.before = self.house.live.devices()
        self.house.layer.calls.clear()
        self.house.worker.steps = 0
        call, fault = self.cell.call, self.cell.fault
        after = call.follows if fault.way is not Way.OPEN else None
        self.house.layer.arm(Script(call, fault.play, fault.times, fault.way, after))
