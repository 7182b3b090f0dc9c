"""A lean browser: no more than it takes to ask for a page, because it shares the processors with what it measures."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass

PATIENCE = 60.0
"""Seconds until a page that does not come counts as no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `headers` by their names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Connection:
    """One connection to one port of this machine, kept open as long as the server keeps it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """One request. Raises OSError or TimeoutError where there is no answer."""
        is_new = self._streams is None
        async with asyncio.timeout(PATIENCE):
            try:
                return await self._ask(method, path, headers, body)
            except (OSError, asyncio.IncompleteReadError):
                self.close()
                if is_new:
                    raise OSError("no answer") from None
                # A kept connection may be closed by the server at any time between two requests.
                return await self._ask(method, path, headers, body)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, family=socket.AF_INET)
        reader, writer = self._streams
        lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{self._port}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join((*lines, "\r\n")).encode() + body)
        status, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in rest if line)
        got = {name.lower(): value for name, _, value in pairs}
        content = await reader.readexactly(int(got.get("content-length", 0)))
        if got.get("connection") == "close":
            self.close()
        return Answer(int(status.split(" ")[1]), got, content)


async def ask_once(port: int, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
    """One request on a connection of its own, as from a browser that has come from elsewhere."""
    connection = Connection(port)
    try:
        return await connection.ask(method, path, {**headers, "Connection": "close"}, body)
    finally:
        connection.close()
