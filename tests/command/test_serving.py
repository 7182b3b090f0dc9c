"""Many who start at once, and everybody else: who only looks at a page never stands behind those on their way out."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from portal.serving import is_on_the_way_out
from tests.command.test_portal import free_port
from tests.command.test_worker import comes

THREADS = 2
CROWD = 12
"""More than all threads of all processes together."""


@dataclass(frozen=True)
class Server:
    """gunicorn as `portal serve` runs it, before an application that answers clicks when it is told to."""

    url: str
    gate: Path

    def looks(self) -> int:
        """The process that answers a page."""
        return int(requests.get(f"{self.url}/devices", timeout=20).text.split()[0])

    def clicks(self, sent: bytes = b"consent=yes") -> tuple[int, int]:
        """The process that answers a click, and how much of the form has reached it."""
        pid, length = requests.post(f"{self.url}/connect/heat-pump/nibe", sent, timeout=40).text.split()
        return int(pid), int(length)

    def opens_the_gate(self) -> None:
        self.gate.touch()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[int], Server]]:
    """Starts a server with so many processes."""
    with contextmanager(_servers)(tmp_path) as start:
        yield start


def _servers(tmp_path: Path) -> Iterator[Callable[[int], Server]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(workers: int) -> Server:
        port, gate = free_port(), tmp_path / "gate"
        command = [sys.executable, "-m", "gunicorn", "tests.support.gated:app", "--bind", f"127.0.0.1:{port}"]
        command += ["--worker-class", "portal.serving.Worker", "--workers", str(workers), "--threads", str(THREADS)]
        command += ["--no-control-socket", "--log-level", "error"]
        started.append(subprocess.Popen(command, env={**os.environ, "GATE": str(gate)}, start_new_session=True))
        server = Server(f"http://127.0.0.1:{port}", gate)
        comes(server.looks, "the server")
        return server

    try:
        yield start
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_page_is_answered_while_more_click_than_there_are_threads_for(serve: Callable[[int], Server]) -> None:
    server = serve(2)
    with ThreadPoolExecutor(CROWD) as crowd:
        clicks = [crowd.submit(server.clicks) for _ in range(CROWD)]
        pages = {server.looks() for _ in range(5)}
        assert not any(click.done() for click in clicks)
        server.opens_the_gate()
        answers = {click.result() for click in clicks}
    assert len({pid for pid, _ in answers}) == 1, "those on their way out have a process of their own"
    assert pages.isdisjoint(pid for pid, _ in answers)


def test_what_a_click_carries_arrives_whole_wherever_it_is_handed(serve: Callable[[int], Server]) -> None:
    server = serve(2)
    server.opens_the_gate()
    form = b"consent=yes&" * 10_000
    assert {length for _, length in (server.clicks(form) for _ in range(10))} == {len(form)}


def test_when_the_process_for_clicks_is_killed_another_takes_its_place(serve: Callable[[int], Server]) -> None:
    server = serve(2)
    server.opens_the_gate()
    first, _ = server.clicks()
    os.kill(first, signal.SIGKILL)
    second = comes(lambda: server.clicks()[0], "a click after it was killed")
    assert second != first
    assert comes(server.looks, "a page after it was killed") != first


def test_a_single_process_answers_everybody(serve: Callable[[int], Server]) -> None:
    server = serve(1)
    server.opens_the_gate()
    assert server.clicks()[0] == server.looks()


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [
        (b"POST /connect/heat-pump/nibe HTTP/1.1\r\n", True),
        (b"POST /devices/4f2a/reauthenticate HTTP/1.1\r\n", True),
        (b"GET /link-sessions/4f2a?n=2&was=created HTTP/1.1\r\n", True),
        (b"POST /link-sessions/4f2a/continue HTTP/1.1\r\n", True),
        (b"GET /devices HTTP/1.1\r\n", False),
        (b"GET /connect/heat-pump/nibe HTTP/1.1\r\n", False),
        (b"POST /webhooks/nox HTTP/1.1\r\n", False),
        (b"GET /sign-in?to=/link-sessions/4f2a HTTP/1.1\r\n", False),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", False),
        (b"", False),
    ],
)
def test_who_is_on_the_way_out_is_told_from_the_first_line_and_it_stays_unread(
    beginning: bytes, expected: bool
) -> None:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        theirs.sendall(beginning)
        assert is_on_the_way_out(ours) is expected
        ours.setblocking(False)
        assert not beginning or ours.recv(100) == beginning


def test_a_connection_that_is_gone_is_nobody_on_the_way_out() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    assert is_on_the_way_out(ours) is False
    ours.close()
    assert is_on_the_way_out(ours) is False
