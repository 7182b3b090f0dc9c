"""What surrounds a portal in these tests: the time, a mailbox for webhooks, and what there is to choose."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.background import Crew, HueyQueue
from portal.domain.catalogue import DeviceType
from portal.journey.ports import Ports
from portal.journey.tasks import Task
from portal.journey.work import do
from tests.support.clock import StillClock
from tests.support.databases import BOTH

START = datetime(2026, 11, 21, 12, 0, 0, 500_000, UTC)
PATIENT = 20.0
"""Seconds that a test waits for what must come."""

on_both_databases = pytest.mark.parametrize("backend", BOTH)


class Clock(StillClock):
    """What time it is, for the portal and the sandbox alike."""

    def __init__(self) -> None:
        super().__init__(START)

    def seconds(self) -> float:
        return self.now.timestamp()


@dataclass(frozen=True)
class Message:
    """A webhook as it came in."""

    headers: dict[str, str]
    body: bytes


class Mailbox:
    """Takes the providers' webhooks in over HTTP and keeps them until a test hands them to the portal."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.came = threading.Condition()
        mailbox = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with mailbox.came:
                    mailbox.messages.append(Message(dict(self.headers.items()), body))
                    mailbox.came.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """No access log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def take(self, count: int = 1) -> list[Message]:
        """The messages that came, once there are so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.messages) >= count, timeout=PATIENT), self.messages
            taken, self.messages = self.messages, []
        return taken

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Behind:
    """A worker of one process: what is put in its queue is done by real threads, and a test can wait for that."""

    def __init__(self, place: Path) -> None:
        self._queue = HueyQueue(("podero", "nox", "telematica"), place, takes=True)
        self._crew: Crew | None = None
        self._put = self._done = 0
        self._changed = threading.Condition()

    def put(self, task: Task) -> bool:
        with self._changed:
            self._put += 1
        return self._queue.put(task)

    def start(self, ports: Ports) -> None:
        self._crew = Crew(self._queue, lambda task: self._do(ports, task), concurrency=3, glance=0.02, reconciles=False)
        self._crew.start()

    @property
    def is_running(self) -> bool:
        return self._crew is not None

    def forget(self) -> None:
        """As a queue that was lost."""
        for lane in self._queue.lanes.values():
            lane.storage.flush_queue()
        with self._changed:
            self._done = self._put

    def settle(self) -> None:
        """Waits until all that was put in the queue is done, where somebody does it."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._crew is None or self._done >= self._put, timeout=PATIENT)

    def stop(self) -> None:
        """As a worker that is told to end."""
        if self._crew is not None:
            self._crew.stop()
            self._crew = None

    def _do(self, ports: Ports, task: Task) -> None:
        try:
            do(ports=ports, task=task)
        finally:
            with self._changed:
                self._done += 1
                self._changed.notify_all()


@dataclass(frozen=True)
class Choice:
    """A device that somebody can link: what to choose here and there, and the vendor account that holds it."""

    provider: str
    device_type: DeviceType
    vendor: str
    language: str
    account: str
    asked_there: str | None = None


NIBE = Choice("podero", DeviceType.HEAT_PUMP, "nibe", "sv", "demomyuplink@nibe.se", "nibe")
TESLA = Choice("podero", DeviceType.VEHICLE, "tesla", "sv", "demo-tesla@getfreeheat.com", "tesla")
DAIKIN = Choice("nox", DeviceType.HEAT_PUMP, "daikin", "nl", "anna@example.com")
EASEE = Choice("telematica", DeviceType.CHARGER, "easee", "en", "anna@example.com")
EVERYWHERE = (NIBE, DAIKIN, EASEE)

at_every_provider = pytest.mark.parametrize("choice", EVERYWHERE, ids=lambda choice: choice.provider)


@dataclass(frozen=True)
class Return:
    """The address at which a Connect UI sent the browser back."""

    provider: str
    secret: str | None
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, url: str) -> Self:
        parts = urlsplit(url)
        _, _, provider, *own = parts.path.split("/")
        secret, path = own if own else (None, "")
        return cls(provider, secret, path, parse_qs(parts.query, keep_blank_values=True))
