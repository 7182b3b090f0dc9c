"""The portal as one process that can be killed: its pages, its worker, and the moment at which its fate meets it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from multiprocessing.connection import Connection

import structlog
from structlog.typing import EventDict, WrappedLogger

from portal.app import ports
from portal.domain.device import Device
from portal.domain.link_session import LinkSession
from portal.domain.people import Customer, Identity
from portal.journey import arrive, deletion, devices, link, outcome, provider_events, reauthenticate, remove
from portal.journey.outcome import AttemptView
from portal.journey.reconcile import reconcile
from portal.journey.remove import RemovalOutcome
from portal.providers.exchange import trust
from portal.settings import Settings, load
from portal.storage import customers
from portal.storage.database import Database, Transaction
from tests.journey.surroundings import Choice, Message, Return
from tests.journey.telling import ByHand

trust(None)  # read once, for all that are forked


class Moment(StrEnum):
    """Where a process can end. Between two of them nothing changes that outlives it."""

    BEFORE_COMMIT = "before commit"
    AFTER_COMMIT = "after commit"
    AFTER_CALL = "after call"


@dataclass(frozen=True, slots=True)
class Fate:
    """The process ends when it comes to such a moment for the `count`-th time."""

    moment: Moment
    count: int


class Reaper:
    """Counts the moments and ends the process, as `kill -9` does. As an observer it learns of every call made."""

    def __init__(self) -> None:
        self._fate: Fate | None = None
        self._met = 0

    def waits_for(self, fate: Fate) -> None:
        self._fate, self._met = fate, 0

    def meets(self, moment: Moment) -> None:
        if self._fate is None or self._fate.moment is not moment:
            return
        self._met += 1
        if self._met == self._fate.count:
            os.kill(os.getpid(), signal.SIGKILL)

    def seen(self, *_: object, **__: object) -> None:
        self.meets(Moment.AFTER_CALL)

    def paused(self, *_: object, **__: object) -> None:
        """No call, no moment."""


class MortalDatabase(Database):
    """The database of a process that may end before or after each of its commits."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.database_url, seal_key=settings.secret_key.get_secret_value().encode())
        self.reaper = Reaper()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with super().write() as tx:
            yield tx
            self.reaper.meets(Moment.BEFORE_COMMIT)
        self.reaper.meets(Moment.AFTER_COMMIT)


class House:
    """What can be asked of the portal. Each answer is given before the worker does what it set going."""

    def __init__(self, settings: Settings, database: MortalDatabase) -> None:
        self.now: datetime
        self.queue, self.reaper = ByHand(), database.reaper
        self.ports = ports(settings, database, self.queue, lambda: self.now, observer=self.reaper)

    def meets_its_end(self, fate: Fate) -> None:
        self.reaper.waits_for(fate)

    def signs_in(self, name: str) -> Customer:
        identity = Identity("https://id.example", name, email=f"{name}@example.com")
        with self.ports.database.write() as tx:
            return customers.signed_in(tx, identity, now=self.now)

    def opens(self, anna: Customer, choice: Choice) -> str:
        return link.open_link(
            ports=self.ports,
            customer=anna,
            device_type=choice.device_type,
            vendor_key=choice.vendor,
            language=choice.language,
            consented=True,
            agreed=choice.provider,
            now=self.now,
        ).id

    def reconnects(self, anna: Customer, device_id: str) -> str:
        attempt = reauthenticate.start(
            ports=self.ports, customer=anna, device_id=device_id, language="en", now=self.now
        )
        assert attempt is not None
        return attempt.id

    def looks(self, anna: Customer, attempt_id: str) -> tuple[LinkSession, bool]:
        """The attempt as its page shows it, and whether it offers to go on."""
        view = outcome.look(ports=self.ports, customer=anna, link_session_id=attempt_id, now=self.now)
        assert isinstance(view, AttemptView)
        return view.attempt, view.may_go_on

    def goes_on(self, anna: Customer, attempt_id: str) -> str | None:
        return link.go_on(ports=self.ports, customer=anna, link_session_id=attempt_id, now=self.now)

    def comes_back(self, anna: Customer | None, back: Return) -> str | None:
        return arrive.arrive(
            ports=self.ports,
            viewer=anna,
            provider_key=back.provider,
            secret=back.secret,
            path=back.path,
            query=back.query,
            browser="Anna's",
            now=self.now,
        ).link_session_id

    def finishes(self, anna: Customer) -> None:
        """What a sign-in does with what this browser had come back with."""
        arrive.complete_pending(ports=self.ports, customer=anna, browser="Anna's", now=self.now)

    def lists(self, anna: Customer) -> tuple[Device, ...]:
        return devices.overview(ports=self.ports, customer=anna, now=self.now).devices

    def removes(self, anna: Customer, device_id: str) -> RemovalOutcome | None:
        removed = remove.remove(ports=self.ports, customer=anna, device_id=device_id, patience=0, now=self.now)
        return removed.outcome if removed else None

    def deletes(self, anna: Customer) -> str:
        """Has her account deleted; answers the secret that opens the list of what is done."""
        return deletion.ask(ports=self.ports, customer=anna, now=self.now)

    def tells(self, receipt: str) -> dict[str, str]:
        """How far that has come in each system."""
        found = deletion.look(ports=self.ports, receipt=receipt)
        return {step.system: step.progress.value for step, _ in found.steps} if found else {}

    def hears(self, provider: str, message: Message) -> None:
        provider_events.receive(
            ports=self.ports, provider_key=provider, headers=message.headers, body=message.body, now=self.now
        )

    def reconciles(self) -> None:
        reconcile(ports=self.ports, now=self.now)


def live(environment: Mapping[str, str], pipe: Connection) -> None:
    """The life of the process: for each question an answer, then what went wrong in what was done behind it."""
    wrong: list[str] = []

    def noted(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        if event["event"] in {"step_failed", "unknown_task", "queue_away"}:
            wrong.append(str(event))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.processors.format_exc_info, noted])
    settings = load(environment)
    with closing(MortalDatabase(settings)) as database:
        house = House(settings, database)
        while (asked := pipe.recv()) is not None:
            house.now, what, given = asked
            pipe.send(getattr(house, what)(*given))
            house.queue.work_off(house.ports)
            pipe.send(wrong)
