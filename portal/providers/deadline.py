"""Connections that are made and read within one wall-clock deadline, however slowly names and bytes come."""

import http.client
import io
import socket
import threading
import time
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

Address = tuple[Any, Any, int, str, Any]


@dataclass(slots=True)
class Watch:
    """One call: when it must be over, by the monotonic clock. What is not connected has sent nothing."""

    until: float
    connect_timeout: float
    is_connected: bool = False

    def connect_within(self) -> float:
        """Seconds that connecting may take from now on."""
        return max(min(self.connect_timeout, self.until - time.monotonic()), 0.001)


watch: ContextVar[Watch] = ContextVar("watch")
"""The call of this thread; set around each."""


def connected(host: str, port: int, seconds: float) -> socket.socket:
    """A connection to the first address that answers, each having its share of the time. Raises OSError."""
    until = time.monotonic() + seconds
    addresses = addresses_of(host, port, seconds)
    failure: OSError = TimeoutError()
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(max(until - time.monotonic(), 0.001) / (len(addresses) - tried))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def addresses_of(host: str, port: int, seconds: float) -> list[Address]:
    """The name's addresses. The system's resolver knows no time-out, so a thread waits for it in our place."""
    found: Future[list[Address]] = Future()

    def ask() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as error:
            found.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return found.result(timeout=seconds)


class TimedReader(io.RawIOBase):
    """A socket read until the deadline: its own time-out starts anew with every byte."""

    def __init__(self, sock: socket.socket, raw: io.FileIO) -> None:
        self._sock = sock
        self._raw = raw
        self._until = watch.get().until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class TimedResponse(http.client.HTTPResponse):
    """Status line, headers and body, all read within the deadline."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        buffered: Any = self.fp
        self.fp = io.BufferedReader(TimedReader(sock, buffered.detach()))


class PlainConnection(HTTPConnection):
    """Tells the watch that it stands, TLS included."""

    response_class = TimedResponse

    def _new_conn(self) -> socket.socket:
        call = watch.get()
        sock = connected(self._dns_host, self.port, call.connect_within())
        sock.settimeout(call.connect_within())  # for the handshake of TLS
        return sock

    def connect(self) -> None:
        super().connect()
        watch.get().is_connected = True


class TlsConnection(PlainConnection, HTTPSConnection):
    """The same, with TLS in between."""


class PlainPool(HTTPConnectionPool):
    ConnectionCls = PlainConnection


class TlsPool(HTTPSConnectionPool):
    ConnectionCls = TlsConnection
