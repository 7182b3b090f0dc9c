"""A portal, its worker and the sandbox, with the fault layer on every way to a provider, and a clock of their own."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from portal.app import open_database, open_queue, ports
from portal.background import Crew
from portal.journey.ports import Ports
from portal.journey.provider_health import HealthBook
from portal.journey.reconcile import reconcile
from portal.journey.tasks import Task
from portal.journey.work import do
from portal.sandbox.program import RunningSandbox
from portal.settings import Settings, load
from portal.storage import tables
from tests.faults.door import Way, certificates
from tests.faults.faults import Fault, bomb
from tests.faults.layer import Layer, Sink
from tests.support.live import Installation, environment, serving

CONNECT_TIMEOUT = 0.3
DEADLINE = 0.8
PATIENT = 20.0
SETTINGS = {
    "PORTAL_OUTBOUND__CONNECT_TIMEOUT": str(CONNECT_TIMEOUT),
    "PORTAL_OUTBOUND__DEADLINE": str(DEADLINE),
    "PORTAL_PODERO__DELETE_DEVICES": "true",
    "PORTAL_LOG_LEVEL": "info",
}


@dataclass
class Clock:
    """What time it is for everybody. Once stopped, only `forward` moves it."""

    stopped_at: datetime | None = None
    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return (self.stopped_at or datetime.now(UTC)) + self.ahead

    def seconds(self) -> float:
        return self().timestamp()

    def stop(self) -> None:
        self.stopped_at = self.stopped_at or datetime.now(UTC)

    def start(self) -> None:
        self.stopped_at, self.ahead = None, timedelta()

    def forward(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


class Worker:
    """Does what is in the queue in real threads, with providers that know nothing of the story before.

    `steps` counts what was done.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._database = open_database(settings)
        self._queue = open_queue(settings, takes=True)
        self.steps = self._begun = self._done = 0
        self._ports: Ports | None = None
        self._crew = Crew(self._queue, self._do, concurrency=2, glance=0.01, reconciles=False)
        self._crew.start()

    def begin(self, settings: Settings) -> None:
        """A new working day: no token, no open breaker, nobody to be left in peace."""
        health = HealthBook(self._database, self._clock)
        self._ports = ports(settings, self._database, self._queue, self._clock, observer=health)

    def settle(self) -> None:
        """Waits until all that was put in the queue is done."""
        until = time.monotonic() + PATIENT
        quiet = 0
        while quiet < 2:
            assert time.monotonic() < until
            waiting = sum(lane.storage.queue_size() for lane in self._queue.lanes.values())
            quiet = 0 if waiting or self._begun != self._done else quiet + 1
            time.sleep(0.01)

    def reconciles(self) -> None:
        """Finds what should have moved, as each minute, and has it done."""
        assert self._ports is not None
        reconcile(ports=self._ports, now=self._clock())
        self.settle()

    def close(self) -> None:
        self._crew.stop()
        self._database.close()

    def _do(self, task: Task) -> None:
        assert self._ports is not None
        self._begun += 1
        try:
            do(ports=self._ports, task=task)
        finally:
            self.steps += 1
            self._done += 1


@dataclass
class House:
    """All of it. `layer` is the way that this story's calls take."""

    live: Installation
    worker: Worker
    clock: Clock
    plain: Layer
    tls: Layer
    ways: Mapping[str, Settings]
    layer: Layer

    def begin(self, fault: Fault) -> None:
        """As if nobody had been here before."""
        self.worker.settle()
        self.live.forget()
        self.clock.start()
        for layer in (self.plain, self.tls):
            layer.reset()
        self.layer = self.tls if fault.needs_tls else self.plain
        self.layer.sink.visits = 0
        self.worker.begin(self.ways[self.layer.url])

    def kept(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that each table holds but the chain of what support saw, which nobody can empty between two stories."""
        with self.live.database.read() as tx:
            return {
                name: [tuple(row) for row in tx.connection.execute(select(table))]
                for name, table in tables.metadata.tables.items()
                if name not in {"access_events", "access_head"}
            }

    def secrets(self) -> set[str]:
        """What neither a page nor a log may hold."""
        config, state = self.live.sandbox.config, self.live.sandbox.state
        keys = {config.podero_client_secret, config.nox_api_key, config.telematica_api_token}
        arrivals = {
            part
            for asked in self.layer.calls
            for part in asked.body.decode("latin-1").replace('"', "/").split("/")
            if "success_url" in asked.body.decode("latin-1") and len(part) == 43
        }
        # Podero's session id alone may be written down for its support; the address may not.
        links = {f"={token}" for token in state.links}
        return keys | set(state.tokens) | links | arrivals


def settings_through(layer: Layer, live: Installation, more: Mapping[str, str]) -> Settings:
    """The worker's settings: every provider is reached through the layer, the rest is as the pages have it."""
    ways = {
        "PORTAL_PODERO__BASE_URL": f"{layer.url}/podero/api/partners/v2.0",
        "PORTAL_PODERO__TOKEN_URL": f"{layer.url}/podero/api/partners/v2.0/auth/token",
        "PORTAL_NOX__AUTH_URL": f"{layer.url}/nox/v2",
        "PORTAL_NOX__API_URL": layer.url,
        "PORTAL_TELEMATICA__API_URL": f"{layer.url}/telematica",
    }
    given = environment(live.sandbox, live.url, live.settings.database_url)
    return load({**given, **SETTINGS, **more, **ways, "PORTAL_QUEUE_FILE": str(live.settings.queue_file)})


@contextmanager
def house(sandbox: RunningSandbox, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[House]:
    """Opens the house, for many stories one after the other."""
    bomb()  # takes longer to make than a call may
    clock = Clock()
    patch.setattr(sandbox.state, "now", clock.seconds)
    with ExitStack() as stack:
        sink = Sink()
        stack.callback(sink.close)
        plain, tls = Layer(sandbox.url, sink), Layer(sandbox.url, sink, certificates(folder))
        for layer in (plain, tls):
            stack.callback(layer.close)
            lose_names(layer, patch)
        live = stack.enter_context(serving(sandbox, f"sqlite:///{folder}/portal.sqlite", SETTINGS, clock=clock))
        more = {"PORTAL_CA_BUNDLE": str(folder / "ca.pem")}
        ways = {layer.url: settings_through(layer, live, more) for layer in (plain, tls)}
        worker = stack.enter_context(closing(Worker(live.settings, clock)))
        yield House(live, worker, clock, plain, tls, ways, plain)


def lose_names(layer: Layer, patch: pytest.MonkeyPatch) -> None:
    """The resolver knows no name for the layer's port while its way is nameless."""
    known = socket.getaddrinfo

    def looked_up(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if str(port) == str(layer.door.port) and layer.door.way is Way.NAMELESS:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, port, *more, **named)

    patch.setattr(socket, "getaddrinfo", looked_up)
