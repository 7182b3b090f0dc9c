"""Connections whose every read ends at one wall-clock deadline, however slowly the bytes drip in."""

import http.client
import io
import socket
import time
from contextvars import ContextVar
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

ends_at: ContextVar[float] = ContextVar("ends_at")
"""When the call of this thread must be over, by the monotonic clock; set around each call."""


class TimedReader(io.RawIOBase):
    """A socket read until the deadline: its own time-out starts anew with every byte."""

    def __init__(self, sock: socket.socket, raw: io.FileIO) -> None:
        self._sock = sock
        self._raw = raw
        self._until = ends_at.get()

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
    response_class = TimedResponse


class TlsConnection(HTTPSConnection):
    response_class = TimedResponse


class PlainPool(HTTPConnectionPool):
    ConnectionCls = PlainConnection


class TlsPool(HTTPSConnectionPool):
    ConnectionCls = TlsConnection
