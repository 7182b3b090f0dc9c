"""Connecting ends in time: names that are not found, addresses that do not answer, servers that say no hello."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from portal.providers.http import Gateway
from portal.providers.protocol import OutcomeUnknown, ProviderUnavailable
from tests.providers.scripted import Scripted, reply

Serve = Callable[..., Scripted]


class Names:
    """The resolver of the system, in the hands of a test."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self._patch = patch

    def are(self, answering: Callable[[], Any]) -> None:
        def looked_up(*_: Any, **__: Any) -> Any:
            self.asked += 1
            return answering()

        self._patch.setattr(socket, "getaddrinfo", looked_up)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


def addresses(*places: tuple[str, int]) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]


@contextmanager
def deaf() -> Iterator[int]:
    """A port that takes no connection and refuses none."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in waiting:
            one.close()


def assert_not_reached(gateway: Gateway, url: str, *, within: float) -> None:
    started = time.monotonic()
    with pytest.raises(ProviderUnavailable) as failure:
        gateway.call("open", "POST", url)
    assert time.monotonic() - started < within
    assert not isinstance(failure.value, OutcomeUnknown)


def test_a_resolver_that_does_not_answer_is_not_waited_for(names: Names) -> None:
    go_on = threading.Event()
    names.are(lambda: go_on.wait(30) and addresses())
    assert_not_reached(Gateway("acme", connect_timeout=0.1, deadline=3), "https://provider.example/", within=7)
    assert 1 < names.asked <= 3
    go_on.set()


def test_a_name_that_is_not_found_is_looked_up_three_times(names: Names) -> None:
    def unknown() -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    names.are(unknown)
    assert_not_reached(Gateway("acme", pauses=(0.01, 0.02)), "https://provider.example/", within=7)
    assert names.asked == 3


def test_a_name_without_addresses_is_not_reached(names: Names) -> None:
    names.are(list)
    assert_not_reached(Gateway("acme", pauses=(0.01, 0.02)), "https://provider.example/", within=7)


def test_an_address_that_does_not_answer_leaves_time_for_the_next(names: Names, serve: Serve) -> None:
    server = serve(lambda _: reply(200, {"a": 1}))
    with deaf() as port:
        names.are(lambda: addresses(("127.0.0.1", port), ("127.0.0.1", server.server.server_address[1])))
        gateway = Gateway("acme", connect_timeout=0.4, deadline=5.0)
        assert gateway.call("open", "POST", "http://localhost/").body == {"a": 1}
    assert len(server.received) == 1


def test_many_deaf_addresses_share_the_time_of_one(names: Names) -> None:
    with deaf() as port:
        names.are(lambda: addresses(*[("127.0.0.1", port)] * 8))
        gateway = Gateway("acme", connect_timeout=0.5, deadline=20, pauses=(0.01, 0.02))
        assert_not_reached(gateway, "http://localhost/", within=8)


def test_a_server_that_takes_the_connection_and_no_tls_hello_has_been_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://localhost:{listening.getsockname()[1]}/"
        assert_not_reached(Gateway("acme", connect_timeout=0.1, deadline=0.5), url, within=7)


def test_a_server_that_hangs_up_on_tls_is_not_asked_again() -> None:
    taken = 0
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            nonlocal taken
            while True:
                try:
                    one, _ = listening.accept()
                except OSError:
                    return
                taken += 1
                with one:
                    one.recv(65536)
                    one.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        assert_not_reached(
            Gateway("acme", pauses=(0.01, 0.02)), f"https://localhost:{listening.getsockname()[1]}/", within=7
        )
        listening.shutdown(socket.SHUT_RDWR)
    assert taken == 1
