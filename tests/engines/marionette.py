"""Marionette, the protocol in which a Firefox is told what to do: Debian's comes without geckodriver.

A message is its length in bytes, a colon, and JSON; a command is `[0, id, name, parameters]`, an answer
`[1, id, error, result]`. Names and parameters are WebDriver's.
"""

import json
import socket
import time
from pathlib import Path
from typing import Any


class MarionetteError(Exception):
    """What Firefox refused; the error is WebDriver's word for it."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(f"{error}: {message}")
        self.error = error


class Marionette:
    """One connection, which is one session."""

    def __init__(self, port: int, timeout: float) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._stream = self._socket.makefile("rb")
        self._count = 0
        self._receive()  # the greeting
        self.ask("WebDriver:NewSession")

    def ask(self, name: str, **parameters: object) -> Any:
        """Raises MarionetteError."""
        self._count += 1
        sent = json.dumps([0, self._count, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(sent), sent))
        _, _, error, result = self._receive()
        if error is not None:
            raise MarionetteError(error["error"], error["message"])
        return result["value"] if isinstance(result, dict) and set(result) == {"value"} else result

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _receive(self) -> Any:
        length = b""
        while (byte := self._stream.read(1)) not in {b":", b""}:
            length += byte
        return json.loads(self._stream.read(int(length)))


def port_of(profile: Path, within: float) -> int:
    """The port at which the Firefox of this profile listens, as soon as it says so."""
    told, deadline = profile / "MarionetteActivePort", time.monotonic() + within
    while not (told.exists() and told.read_text().strip()):
        assert time.monotonic() < deadline, "Firefox does not listen"
        time.sleep(0.05)
    return int(told.read_text())
