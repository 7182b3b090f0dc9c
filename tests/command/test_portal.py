"""The operator's command, as a process of its own."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from portal.sandbox.configuration import SandboxConfig, portal_environment

WORKING = {**portal_environment(SandboxConfig()), "PORTAL_PUBLIC_URL": "http://localhost:8000"}


def portal(*arguments: str, cwd: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "portal.cli", *arguments],
        cwd=cwd,
        env={**bare_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def bare_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo(port: int, sandbox_port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "portal.cli", "demo", "--port", str(port), "--sandbox-port", str(sandbox_port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=bare_environment(), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process
        finally:
            process.terminate()  # killed, it would leave behind what it started
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def play_the_app(told: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Runs the command for the app simulator that the demo told, from wherever the other terminal is."""
    (command,) = (line.strip() for line in told.splitlines() if " app-simulator " in line)
    played = [*shlex.split(command), *more]
    return subprocess.run(
        played, cwd="/", env=bare_environment(), capture_output=True, text=True, timeout=90, check=False
    )


def test_the_demo_starts_tells_where_it_is_and_leaves_nothing_running(tmp_path: Path) -> None:
    port, sandbox_port, log = free_port(), free_port(), tmp_path / "log"
    with demo(port, sandbox_port, log) as process:
        deadline = time.monotonic() + 120
        while "Ctrl-C stops everything" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        assert f"http://localhost:{port}" in log.read_text()
        assert "anna / demo" in log.read_text()
        assert requests.get(f"http://localhost:{port}/health/ready", timeout=5).status_code == 200
        assert requests.get(f"http://127.0.0.1:{sandbox_port}/", timeout=5).status_code == 200
        app_page = requests.get(f"http://127.0.0.1:{sandbox_port}/app/open?ref=r&code=c", timeout=5)
        assert "Here the retailer's app opens" in app_page.text
        with ThreadPoolExecutor() as telephones:
            walking = telephones.submit(play_the_app, log.read_text(), "--walk", "heat-pump/nibe")
            staying = telephones.submit(play_the_app, log.read_text(), "--no-delegate", "--subject", "customer-bela")
            linked, old_app = walking.result(), staying.result()
        assert "the device is linked" in linked.stdout, linked.stderr
        assert f"go on in your browser, at http://localhost:{port}/link-sessions/" in old_app.stdout, old_app.stderr
        assert (linked.returncode, old_app.returncode) == (0, 0)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    for taken in (port, sandbox_port):
        with closing(socket.socket()) as probe:
            assert probe.connect_ex(("127.0.0.1", taken)) != 0


def test_the_demo_says_which_port_is_in_use(tmp_path: Path) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        told = portal("demo", "--port", str(port), cwd=tmp_path, environment={})
    assert told.returncode == 1
    assert f"port {port} is in use" in told.stderr


def test_check_tells_what_is_to_be_done_and_then_that_all_is_well(tmp_path: Path) -> None:
    before = portal("check", cwd=tmp_path, environment=WORKING)
    assert before.returncode == 1
    assert "portal db upgrade" in before.stderr
    assert portal("db", "upgrade", cwd=tmp_path, environment=WORKING).returncode == 0
    after = portal("check", cwd=tmp_path, environment={**WORKING, "PORTAL_RETAILER__ACCENT": "#ffee00"})
    assert after.returncode == 0
    assert "All is well." in after.stdout
    assert "warning:" in after.stdout


@pytest.mark.parametrize("command", [("serve",), ("check",), ("db", "upgrade")])
def test_a_faulty_environment_is_told_at_once_without_a_trace(tmp_path: Path, command: tuple[str, ...]) -> None:
    faulty = {**WORKING, "PORTAL_PUBLIC_URL": "http://portal.example", "PORTAL_MARKET": "Sweden"}
    told = portal(*command, cwd=tmp_path, environment=faulty)
    assert told.returncode == 1
    assert "PORTAL_PUBLIC_URL" in told.stderr
    assert "PORTAL_MARKET" in told.stderr
    assert "Traceback" not in told.stderr
