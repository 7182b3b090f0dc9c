"""What stands between the portal and the sandbox: passes calls on, and plays one fault where a test wants one."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.faults.door import Door, Way

HELD_FOR = 5.0
HOP = frozenset({"connection", "transfer-encoding", "content-length", "host"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as it reached the provider, and when, by the monotonic clock."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


@dataclass(frozen=True, slots=True)
class Answered:
    """What the sandbox said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def wire(self, **changes: str) -> bytes:
        """As it goes out; header names in `changes` are written with underscores, an empty value leaves one out."""
        own = {name.replace("-", "_"): value for name, value in self.headers.items()}
        return answer(self.status, self.body, **own | changes)


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A whole answer."""
    lines = {"content_type": "application/json", "content_length": str(len(body)), "connection": "close"} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status} Played\r\n{head}\r\n".encode("latin-1") + body


class Wire:
    """One call in the hands of a fault."""

    def __init__(self, layer: Layer, asked: Asked, sock: socket.socket) -> None:
        self.asked = asked
        self.sink = layer.sink.url
        self._layer = layer
        self._sock = sock

    def carry_out(self) -> Answered:
        """Has the provider do it, whatever it is that comes back."""
        return self._layer.passed_on(self.asked)

    def send(self, raw: bytes) -> None:
        self._sock.sendall(raw)

    def send_slowly(self, pieces: Iterator[bytes], pause: float) -> None:
        """One piece after the other until the caller has had enough."""
        until = time.monotonic() + HELD_FOR
        for piece in pieces:
            self._sock.sendall(piece)
            time.sleep(pause)
            if time.monotonic() > until:
                return

    def hold(self) -> None:
        """Says nothing until the caller has gone."""
        self._sock.settimeout(HELD_FOR)
        self._sock.recv(1)

    def reset(self) -> None:
        """Ends the connection as a provider that fell over does."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


Play = Callable[[Wire], None]
Matches = Callable[[Asked], bool]


@dataclass(slots=True)
class Script:
    """Which calls are struck, how and how often; or which way is shut, from now on or `after` another call."""

    strikes: Matches
    play: Play | None = None
    times: int | None = None
    way: Way = Way.OPEN
    after: Matches | None = None


class Sink:
    """Where redirects lead: nobody must ever come here."""

    def __init__(self) -> None:
        self.visits = 0
        sink = self

        class Counting(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                sink.visits += 1
                self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
        self.url = f"http://127.0.0.1:{self._server.server_port}/elsewhere"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Layer:
    """Listens on a port of its own. `calls` are those that reached it, in their order; `struck` met a fault."""

    sandbox: str
    sink: Sink
    certificates: dict[Way, ssl.SSLContext] = field(default_factory=dict)
    calls: list[Asked] = field(default_factory=list)
    struck: list[Asked] = field(default_factory=list)
    script: Script | None = None

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self.door = Door(self._serve, self.certificates)
        self.url = f"https://localhost:{self.door.port}" if self.certificates else f"http://127.0.0.1:{self.door.port}"

    def arm(self, script: Script) -> None:
        """From now on, until `disarm`."""
        self.script = script
        if script.after is None:
            self.door.turn(script.way)

    def disarm(self) -> None:
        self.script = None
        self.door.turn(Way.OPEN)

    def reset(self) -> None:
        """As if nobody had called yet."""
        self.disarm()
        self.calls.clear()
        self.struck.clear()
        self.door.knocks = 0

    def reached(self, matches: Matches) -> list[Asked]:
        """The calls of this kind that came in."""
        with self._lock:
            return [asked for asked in self.calls if matches(asked)]

    def close(self) -> None:
        self.door.close()

    def passed_on(self, asked: Asked) -> Answered:
        """The sandbox's answer."""
        upstream = http.client.HTTPConnection(urlsplit(self.sandbox).netloc, timeout=10)
        with contextlib.closing(upstream):
            headers = {name: value for name, value in asked.headers.items() if name not in HOP}
            upstream.request(asked.method, asked.target, asked.body or None, headers)
            response = upstream.getresponse()
            kept = {name.lower(): value for name, value in response.getheaders() if name.lower() not in HOP}
            return Answered(response.status, kept, response.read())

    def _serve(self, sock: socket.socket) -> None:
        asked = _read(sock)
        if asked is None:
            return
        with self._lock:
            self.calls.append(asked)
        play = self._stroke(asked)
        if play is not None:
            play(Wire(self, asked, sock))
            return
        answered = self.passed_on(asked)
        script = self.script
        if script is not None and script.after is not None and script.after(asked):
            self.door.turn(script.way)
        sock.sendall(answered.wire())

    def _stroke(self, asked: Asked) -> Play | None:
        """The fault that strikes this call, counted."""
        with self._lock:
            script = self.script
            if script is None or script.play is None or not script.strikes(asked):
                return None
            if script.times is not None and len(self.struck) >= script.times:
                return None
            self.struck.append(asked)
            return script.play


def _read(sock: socket.socket) -> Asked | None:
    """One request; None where whoever came said nothing."""
    with sock.makefile("rb") as reader:
        first = reader.readline(65536).decode("latin-1").split(" ")
        if len(first) != 3:
            return None
        headers = {}
        while line := reader.readline(65536).decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = reader.read(int(headers.get("content-length", "0")))
    return Asked(first[0], first[1], headers, body, time.monotonic())
