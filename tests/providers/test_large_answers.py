"""What a provider pours out is cut off before it fills the memory."""

import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from itertools import repeat

import pytest

from portal.providers.http import Gateway
from portal.providers.protocol import ProviderError, UnexpectedAnswer
from tests.providers.scripted import Received, Scripted

Serve = Callable[..., Scripted]
GIGABYTE = 1024**3
PIECE = b" " * 65536
MOST_MEMORY = 20 * 1024**2


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """An eighth of a gigabyte of nothing, in an eighth of a megabyte."""
    squeezed = zlib.compressobj(9, wbits=31)
    piece = bytes(1024**2)
    return b"".join(squeezed.compress(piece) for _ in range(128)) + squeezed.flush()


@pytest.fixture
def memory() -> Iterator[None]:
    """The test fails where it takes much memory, the server of it included."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def read(url: str, *, threads: int = 1) -> list[type[ProviderError]]:
    """How the call ends, for each of so many at once."""
    gateway = Gateway("acme", deadline=5.0)
    ends: list[type[ProviderError]] = []

    def ask() -> None:
        try:
            gateway.call("look", "GET", url)
        except ProviderError as error:
            ends.append(type(error))

    asking = [threading.Thread(target=ask) for _ in range(threads)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    return ends


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("announced", [f"Content-Length: {GIGABYTE}\r\n", ""], ids=["announced", "unannounced"])
def test_a_gigabyte_is_cut_after_a_megabyte(serve: Serve, announced: str) -> None:
    sent = 0

    def pour(_: Received) -> Iterator[bytes]:
        nonlocal sent
        yield f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{announced}\r\n".encode()
        for piece in repeat(PIECE, GIGABYTE // len(PIECE)):
            sent += len(piece)
            yield piece

    assert read(serve(pour).url) == [UnexpectedAnswer]
    assert sent < 16 * 1024**2


@pytest.mark.usefixtures("memory")
def test_a_compression_bomb_is_cut_before_it_unfolds(serve: Serve, bomb: bytes) -> None:
    def drop(_: Received) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n"
        yield bomb

    assert read(serve(drop).url, threads=3) == [UnexpectedAnswer] * 3


@pytest.mark.usefixtures("memory")
def test_a_header_that_pours_is_no_answer(serve: Serve) -> None:
    def pour(_: Received) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nX-Long: "
        yield from repeat(PIECE.replace(b" ", b"x"), 1000)

    assert len(read(serve(pour).url)) == 1
