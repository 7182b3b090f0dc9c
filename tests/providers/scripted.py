"""A server that answers exactly what a test scripts, down to the byte and the pause."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answering = Callable[[Received], bytes | Iterable[bytes]]


def reply(status: int, body: object = b"", **headers: str) -> bytes:
    """A whole answer; anything but bytes goes out as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"content_type": "application/json", "content_length": str(len(raw)), **headers}
    head = "".join(f"{name.replace('_', '-').title()}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status} Scripted\r\n{head}\r\n".encode() + raw


@dataclass
class Scripted:
    """A running server, on a free port unless told; `answering` may be replaced at any time."""

    answering: Answering
    received: list[Received] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        script = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                script.answer(self)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.host}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def answer(self, handler: socketserver.StreamRequestHandler) -> None:
        try:
            method, target, _ = handler.rfile.readline().decode("latin-1").split(" ", 2)
            headers = {}
            while line := handler.rfile.readline().decode("latin-1").strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = handler.rfile.read(int(headers.get("content-length", "0")))
            request = Received(method, target, headers, body)
            self.received.append(request)
            answer = self.answering(request)
            for piece in [answer] if isinstance(answer, bytes) else answer:
                handler.wfile.write(piece)
                handler.wfile.flush()
        except (OSError, ValueError):
            return
