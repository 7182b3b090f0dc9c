"""`portal serve` as an operator starts it: what it writes is its own, and no header is believed."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path

import pytest
import requests

from tests.command.test_portal import free_port
from tests.command.test_worker import comes, environment, program

__all__ = ["environment"]

MALFORMED = (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", b"nonsense\r\n\r\n")


def sends(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(request)
        return client.recv(4096)


def test_it_keeps_to_itself_says_things_once_and_believes_no_header(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, log = free_port(), tmp_path / "log"
    settings = {**environment, "PORTAL_LOG_FORMAT": "json"}
    before = os.umask(0o022)
    try:
        with program("serve", "--port", str(port), "--no-worker", environment=settings, log=log):
            url = f"http://localhost:{port}"
            comes(lambda: requests.get(f"{url}/health/ready", timeout=5).ok or None, "the portal")
            for name in ("SCRIPT_NAME", "SCRIPT-NAME", "PATH_INFO", "REMOTE-USER", "X-Forwarded-Prefix"):
                answer = requests.get(
                    f"{url}/devices", headers={name: "//evil.example"}, allow_redirects=False, timeout=9
                )
                assert answer.headers["Location"] == "/sign-in?to=devices"
            wide = requests.get(f"{url}/", headers={"Cookie": f"tracker={'x' * 16_000}"}, timeout=9)
            assert wide.status_code == 200
            for request in MALFORMED:
                assert sends(port, request).startswith(b"HTTP/1.1 4")
    finally:
        os.umask(before)
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path != log]
    assert written
    assert [path.name for path in written if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    lines = log.read_text().splitlines()
    assert all(json.loads(line)["event"] for line in lines)
    assert not any("Traceback" in line for line in lines)
