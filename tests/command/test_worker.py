"""The worker as a program: beside the portal, alone, killed, and standing by."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
import requests

from portal.sandbox.configuration import portal_environment
from portal.sandbox.program import RunningSandbox
from tests.command.test_portal import bare_environment, free_port

PATIENT = 60.0
T = TypeVar("T")


def comes(look: Callable[[], T | None], what: str) -> T:
    """What `look` sees as soon as it sees something."""
    deadline = time.monotonic() + PATIENT
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException, FileNotFoundError, ProcessLookupError):
            if (seen := look()) is not None:
                return seen
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {PATIENT} s")


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    with RunningSandbox() as sandbox:
        yield {
            **bare_environment(),
            **portal_environment(sandbox.config),
            "PORTAL_PUBLIC_URL": "http://localhost:8000",
            "PORTAL_DATABASE_URL": f"sqlite:///{tmp_path}/portal.sqlite",
            "PORTAL_LOG_FORMAT": "text",
        }


@contextmanager
def program(*arguments: str, environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.cli", *arguments],
            env=environment,
            cwd=log.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def says(log: Path, words: str) -> Callable[[], bool | None]:
    return lambda: True if words in log.read_text() else None


def workers_of(parent: int, command: str = "worker") -> list[int]:
    """The worker processes below this one, or those of another command."""
    listed = subprocess.run(["ps", "-eo", "pid,pgid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    return [int(pid) for pid, group, args in rows if int(group) == parent and f"portal.cli {command} " in args]


def test_serve_runs_a_worker_beside_it_and_another_when_that_one_dies(
    environment: dict[str, str], tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "log"
    with program("serve", "--port", str(port), environment=environment, log=log) as portal:
        comes(says(log, "worker_started"), "a worker")
        comes(lambda: requests.get(f"http://localhost:{port}/health/ready", timeout=5).ok or None, "the portal")
        (first,) = comes(lambda: workers_of(portal.pid) or None, "its process")
        os.kill(first, signal.SIGKILL)
        second = comes(lambda: next((pid for pid in workers_of(portal.pid) if pid != first), None), "another worker")
        assert second != first
        os.kill(portal.pid, signal.SIGTERM)
        portal.wait(PATIENT)
        comes(lambda: None if workers_of(portal.pid) else True, "the end of the worker")


@pytest.mark.torture
def test_a_worker_whose_keeper_is_killed_goes_on_and_is_kept_by_another(
    environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with program("serve", "--port", str(free_port()), environment=environment, log=log) as portal:
        comes(says(log, "worker_started"), "a worker")
        (worker,) = comes(lambda: workers_of(portal.pid) or None, "its process")
        (keeper,) = workers_of(portal.pid, "keep-worker")
        os.kill(keeper, signal.SIGKILL)
        comes(lambda: set(workers_of(portal.pid, "keep-worker")) - {keeper} or None, "another keeper")
        assert workers_of(portal.pid) == [worker]
        os.kill(worker, signal.SIGKILL)
        comes(lambda: set(workers_of(portal.pid)) - {worker} or None, "another worker")
        portal.terminate()
        portal.wait(PATIENT)
        comes(lambda: None if workers_of(portal.pid) else True, "the end of the worker")


@pytest.mark.torture
def test_a_portal_that_is_killed_takes_its_worker_along(environment: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    with program("serve", "--port", str(free_port()), environment=environment, log=log) as portal:
        comes(says(log, "worker_started"), "a worker")
        portal.kill()
        portal.wait()
        comes(lambda: None if workers_of(portal.pid) else True, "the end of the worker")


@pytest.mark.torture
def test_without_a_worker_serve_runs_none(environment: dict[str, str], tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with program("serve", "--port", str(port), "--no-worker", environment=environment, log=log) as portal:
        comes(lambda: requests.get(f"http://localhost:{port}/health/ready", timeout=5).ok or None, "the portal")
        assert workers_of(portal.pid) == []


@pytest.mark.torture
def test_of_two_workers_on_one_queue_file_the_second_stands_by_until_the_first_ends(
    environment: dict[str, str], tmp_path: Path
) -> None:
    logs = [tmp_path / "first", tmp_path / "second"]
    with ExitStack() as stack:
        first = stack.enter_context(program("worker", environment=environment, log=logs[0]))
        comes(says(logs[0], "worker_started"), "the first worker")
        second = stack.enter_context(program("worker", environment=environment, log=logs[1]))
        comes(says(logs[1], "worker_stands_by"), "the second worker")
        first.kill()
        comes(says(logs[1], "worker_started"), "the second worker at work")
        second.terminate()
        assert second.wait(PATIENT) == 0
        assert "worker_stopped" in logs[1].read_text()
