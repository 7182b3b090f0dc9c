"""A call is made again only where nothing can have been done twice, and never for longer than its time."""

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from portal.providers.http import ComeBackLater, Gateway
from portal.providers.protocol import OutcomeUnknown, ProviderUnavailable, UnexpectedAnswer
from tests.providers.observed import Told
from tests.providers.scripted import Received, Scripted, reply

Serve = Callable[..., Scripted]
CHANGING = ("POST", "PATCH")
REPEATABLE = ("GET", "PUT", "DELETE")
BROKEN = (b"", reply(200, b'{"a"', content_length="400"))


@pytest.fixture
def gateway() -> Gateway:
    return Gateway("acme", pauses=(0.01, 0.02))


def silent(_: Received) -> Iterator[bytes]:
    time.sleep(10)
    yield b""


@pytest.mark.parametrize("broken", BROKEN, ids=["no answer", "half of one"])
@pytest.mark.parametrize("method", REPEATABLE)
def test_what_does_no_harm_twice_is_tried_three_times(
    gateway: Gateway, serve: Serve, method: str, broken: bytes
) -> None:
    server = serve(lambda _: broken)
    with pytest.raises(ProviderUnavailable) as failure:
        gateway.call("look", method, server.url)
    assert not isinstance(failure.value, OutcomeUnknown)
    assert len(server.received) == 3


@pytest.mark.parametrize("broken", BROKEN, ids=["no answer", "half of one"])
@pytest.mark.parametrize("method", CHANGING)
def test_what_may_have_been_done_is_not_done_again_and_said_to_be_unknown(
    gateway: Gateway, serve: Serve, method: str, broken: bytes
) -> None:
    server = serve(lambda _: broken)
    with pytest.raises(OutcomeUnknown):
        gateway.call("open", method, server.url, json={"a": 1})
    assert len(server.received) == 1


def test_a_post_that_says_it_does_no_harm_twice_is_tried_again(gateway: Gateway, serve: Serve) -> None:
    answers = [b"", b"", reply(200, {"a": 1})]
    server = serve(lambda _: answers.pop(0))
    assert gateway.call("token", "POST", server.url, repeatable=True).body == {"a": 1}
    assert len(server.received) == 3


def test_a_connection_that_is_reset_is_one_that_was_lost(gateway: Gateway) -> None:
    class Resetting(Scripted):
        def answer(self, handler: Any) -> None:
            self.received.append(Received("GET", "/", {}, handler.connection.recv(9999)))
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with Resetting(lambda _: b"") as server:
        with pytest.raises(OutcomeUnknown):
            gateway.call("open", "POST", server.url)
        assert len(server.received) == 1
        with pytest.raises(ProviderUnavailable):
            gateway.call("look", "GET", server.url)
        assert len(server.received) == 4


@pytest.mark.parametrize("method", [*REPEATABLE, *CHANGING])
def test_silence_uses_the_time_up_and_is_never_tried_again(serve: Serve, method: str) -> None:
    server = serve(silent)
    started = time.monotonic()
    with pytest.raises(ProviderUnavailable) as failure:
        Gateway("acme", deadline=0.3).call("look", method, server.url)
    assert 0.3 <= time.monotonic() - started < 8
    assert isinstance(failure.value, OutcomeUnknown) is (method in CHANGING)
    assert len(server.received) == 1


@pytest.mark.parametrize("method", [*REPEATABLE, *CHANGING])
def test_where_nobody_listens_nothing_was_sent_and_anything_may_be_tried_again(method: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    told = Told()
    with pytest.raises(ProviderUnavailable) as failure:
        Gateway("acme", deadline=2.0, observer=told, pauses=(0.01, 0.02)).call(
            "open", method, f"http://127.0.0.1:{port}/"
        )
    assert not isinstance(failure.value, OutcomeUnknown)
    assert told.calls == [True, True, True]


def test_a_provider_that_is_there_again_at_the_third_try_has_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    server = Scripted(lambda _: reply(200, {"a": 1}), port=port)

    class Opening(Told):
        """Starts the server when it was looked for twice."""

        def seen(self, provider_key: str, *, failed: bool, milliseconds: int) -> None:
            super().seen(provider_key, failed=failed, milliseconds=milliseconds)
            if self.calls == [True, True]:
                running.enter_context(server)

    with ExitStack() as running:
        gateway = Gateway("acme", observer=Opening())
        assert gateway.call("open", "POST", f"http://127.0.0.1:{port}/").body == {"a": 1}
        assert len(server.received) == 1


@pytest.mark.parametrize("status", [500, 502, 504, 599])
def test_a_failure_there_leaves_open_whether_a_change_was_made(gateway: Gateway, serve: Serve, status: int) -> None:
    server = serve(lambda _: reply(status, b"<html>", content_type="text/html"))
    with pytest.raises(OutcomeUnknown):
        gateway.settled("open", gateway.call("open", "POST", server.url))
    for again in ({"method": "DELETE"}, {"method": "POST", "repeatable": True}):
        with pytest.raises(ComeBackLater):
            gateway.settled("open", gateway.call("open", url=server.url, **again))
    assert len(server.received) == 3


@pytest.mark.parametrize("status", [503, 429, 408, 425])
def test_not_now_means_that_nothing_was_done(gateway: Gateway, serve: Serve, status: int) -> None:
    with pytest.raises(ComeBackLater):
        gateway.settled("open", gateway.call("open", "POST", serve(lambda _: reply(status)).url))


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_answer_is_never_asked_for_twice(gateway: Gateway, serve: Serve, status: int) -> None:
    server = serve(lambda _: reply(status))
    gateway.call("look", "GET", server.url)
    assert len(server.received) == 1


def test_an_answer_that_makes_no_sense_is_never_asked_for_twice(gateway: Gateway, serve: Serve) -> None:
    server = serve(lambda _: reply(200, b"{"))
    for method in ("GET", "POST"):
        with pytest.raises(UnexpectedAnswer):
            gateway.call("look", method, server.url)
    assert len(server.received) == 2


def test_the_tries_share_one_deadline(serve: Serve) -> None:
    def late(_: Received) -> Iterator[bytes]:
        time.sleep(0.15)
        yield b""

    server = serve(late)
    started = time.monotonic()
    with pytest.raises(ProviderUnavailable):
        Gateway("acme", deadline=0.4).call("look", "GET", server.url)
    assert time.monotonic() - started < 8
    assert len(server.received) <= 3
