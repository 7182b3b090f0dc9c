"""Whoever sends slowly holds up nobody: a thread is given to whole requests only."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests

from portal.whole_requests import LARGEST_BODY, LARGEST_HEAD, Came, judge
from tests.command.test_serving import THREADS, Server, serve

__all__ = ["serve"]

HEAD = b"GET /devices HTTP/1.1\r\nHost: localhost\r\n"
FORM = b"POST /devices/put-away HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n"
CHUNKS = b"POST /devices/put-away HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nconse\r\n"

SLOW = {
    "nothing": b"",
    "a first byte": b"G",
    "half a head": HEAD,
    "half a form": FORM + b"consent=yes",
    "some of the chunks": CHUNKS,
    "a form that waits to be asked for": FORM[:-2] + b"Expect: 100-continue\r\n\r\n",
    "the promise of a large form": FORM.replace(b": 20", b": 200000"),
    "an end that is none": CHUNKS + b"ff\r\nx\r\n0\r\n\r\n",
    "a second request ahead of the first answer": HEAD + b"\r\n" + HEAD,
}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def connection(server: Server, stack: ExitStack) -> socket.socket:
    parts = urlsplit(server.url)
    return stack.enter_context(socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30))


def answer(client: socket.socket) -> bytes:
    """All that comes until the server has nothing more to say."""
    client.settimeout(5)
    came = b""
    with contextlib.suppress(OSError):  # a server that closes with something unread resets the connection
        while piece := client.recv(4096):
            came += piece
            if b"\r\n\r\n" in came and came.startswith(b"HTTP/1.1 200"):
                break
    return came


@pytest.mark.parametrize("slow", SLOW)
def test_forty_of_them_take_no_thread(serve: Callable[[int], Server], stack: ExitStack, slow: str) -> None:
    server = serve(1)
    for _ in range(20 * THREADS):
        connection(server, stack).sendall(SLOW[slow])
    for _ in range(10):
        assert requests.get(f"{server.url}/devices", timeout=4).ok


def test_a_request_that_comes_letter_by_letter_is_answered(serve: Callable[[int], Server], stack: ExitStack) -> None:
    client = connection(serve(1), stack)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for place in range(len(FORM)):
        client.sendall(FORM[place : place + 1])
    for letter in b"consent=yes&more=yes":
        client.sendall(bytes([letter]))
    assert answer(client).endswith(b" 20")


def test_a_body_in_chunks_is_waited_for(serve: Callable[[int], Server], stack: ExitStack) -> None:
    client = connection(serve(1), stack)
    client.sendall(CHUNKS)
    time.sleep(0.05)
    client.sendall(b"3\r\nnt=\r\n0\r\n\r\n")
    assert answer(client).startswith(b"HTTP/1.1 200")


def test_who_asks_first_is_told_to_go_on(serve: Callable[[int], Server], stack: ExitStack) -> None:
    client = connection(serve(1), stack)
    client.sendall(SLOW["a form that waits to be asked for"])
    assert client.recv(100).startswith(b"HTTP/1.1 100 Continue")
    client.sendall(b"consent=yes&more=yes")
    assert b"HTTP/1.1 200" in answer(client)


def test_what_is_too_large_is_refused_unread(serve: Callable[[int], Server], stack: ExitStack) -> None:
    server = serve(1)
    for request, status in ((FORM.replace(b": 20", b": 200000"), b"413"), (b"GET /" + b"x" * LARGEST_HEAD, b"431")):
        client = connection(server, stack)
        client.sendall(request)
        assert answer(client).startswith(b"HTTP/1.1 " + status)


def test_one_connection_brings_request_after_request(serve: Callable[[int], Server]) -> None:
    server = serve(1)
    with requests.Session() as session:
        assert {session.post(f"{server.url}/devices/x", b"a" * size, timeout=9).text.split()[1] for size in (1, 9)} == {
            "1",
            "9",
        }


def test_who_ends_in_the_middle_is_let_go_of(serve: Callable[[int], Server], stack: ExitStack) -> None:
    client = connection(serve(1), stack)
    client.sendall(HEAD)
    time.sleep(0.05)
    client.shutdown(socket.SHUT_WR)
    assert answer(client) == b""


def test_of_too_many_the_oldest_of_the_greediest_go(serve: Callable[[int], Server], stack: ExitStack) -> None:
    """A quarter of the thousand connections of a process may wait."""
    server = serve(1)
    waiting = []
    for _ in range(400):
        waiting.append(connection(server, stack))
        waiting[-1].sendall(HEAD)
    assert requests.get(f"{server.url}/devices", timeout=4).ok
    assert answer(waiting[0]) == b""
    waiting[-1].sendall(b"\r\n")
    assert answer(waiting[-1]).startswith(b"HTTP/1.1 200")


@pytest.mark.torture
def test_what_does_not_come_whole_in_time_is_closed(serve: Callable[[int], Server], stack: ExitStack) -> None:
    client = connection(serve(1), stack)
    began = time.monotonic()
    client.settimeout(60)
    with contextlib.suppress(OSError):
        while time.monotonic() - began < 60:
            client.sendall(b"x")
            time.sleep(0.5)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    ("seen", "came"),
    [
        (b"", Came.PART),
        (HEAD, Came.PART),
        (HEAD + b"\r\n", Came.WHOLE),
        (FORM, Came.PART),
        (FORM + b"a" * 19, Came.PART),
        (FORM + b"a" * 20, Came.WHOLE),
        (FORM.replace(b"Content-Length", b"CONTENT-LENGTH") + b"a" * 19, Came.PART),
        (FORM.replace(b": 20", b": 131073"), Came.TOO_LARGE),
        (FORM.replace(b": 20", b": 2000000000"), Came.TOO_LARGE),
        (FORM.replace(b": 20", b": nonsense"), Came.WHOLE),
        (CHUNKS, Came.PART),
        (CHUNKS + b"0\r\n\r\n", Came.WHOLE),
        (CHUNKS + b"0\r\nTrailer: x\r\n\r\n", Came.WHOLE),
        (CHUNKS + b"0\r\nTrailer: x\r\n", Came.PART),
        (CHUNKS + b"0;more=yes\r\n\r\n", Came.WHOLE),
        (CHUNKS + b"7\r\n\r\n0\r\n\r\n", Came.PART),
        (CHUNKS + b"5", Came.PART),
        (CHUNKS + b"nonsense\r\n", Came.WHOLE),
        (CHUNKS + b"1fffff\r\n", Came.TOO_LARGE),
        (CHUNKS + b"a" * LARGEST_BODY, Came.WHOLE),
        (SLOW["a form that waits to be asked for"], Came.ASKS),
        (b"x" * LARGEST_HEAD, Came.TOO_LONG_A_HEAD),
        (b"\x16\x03\x01\x02\x00", Came.PART),
    ],
)
def test_what_has_come_is_told_from_its_beginning(seen: bytes, came: Came) -> None:
    with socket.socket() as ours:
        assert judge(seen, ours) is came


def test_a_server_on_this_machine_is_taken_at_its_word() -> None:
    with socket.socket(socket.AF_UNIX) as ours:
        assert judge(HEAD, ours) is Came.WHOLE
        assert judge(b"", ours) is Came.PART
