"""The gateway: calls end in time, follow nowhere, hold nothing too large and tell no secret."""

import gzip
import json
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.providers.http import ComeBackLater, Gateway
from portal.providers.protocol import ProviderError, ProviderRefused, ProviderUnavailable, UnexpectedAnswer
from tests.providers.scripted import Received, Scripted, reply

Serve = Callable[..., Scripted]


@pytest.fixture
def gateway() -> Gateway:
    """A gateway that reads less than in earnest."""
    return Gateway("acme", cap=100_000, pauses=(0.01, 0.02))


def get(gateway: Gateway, url: str, **changes: Any) -> Any:
    return gateway.call("look", "GET", url, **changes)


class TestTime:
    """Whatever trickles, the call is over by the deadline."""

    @pytest.fixture
    def quick(self) -> Gateway:
        """A gateway whose patience fits a test."""
        return Gateway("acme", connect_timeout=0.5, deadline=0.8, pauses=(0.01, 0.02))

    def assert_in_time(self, quick: Gateway, url: str) -> None:
        started = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            get(quick, url)
        assert time.monotonic() - started < 3

    def test_a_body_that_drips(self, quick: Gateway, serve: Serve) -> None:
        def drip(_: Received) -> Iterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
            while True:
                yield b" "
                time.sleep(0.05)

        self.assert_in_time(quick, serve(drip).url)

    def test_chunks_that_drip(self, quick: Gateway, serve: Serve) -> None:
        def drip(_: Received) -> Iterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            while True:
                yield b"1\r\n \r\n"
                time.sleep(0.05)

        self.assert_in_time(quick, serve(drip).url)

    def test_headers_that_never_end(self, quick: Gateway, serve: Serve) -> None:
        def drip(_: Received) -> Iterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\nX-Long: "
            while True:
                yield b"x"
                time.sleep(0.05)

        self.assert_in_time(quick, serve(drip).url)

    def test_a_status_line_that_drips(self, quick: Gateway, serve: Serve) -> None:
        def drip(_: Received) -> Iterator[bytes]:
            for letter in b"HTTP/1.1 200 OK" * 100:
                yield bytes([letter])
                time.sleep(0.05)

        self.assert_in_time(quick, serve(drip).url)

    def test_promises_to_continue_that_never_do(self, quick: Gateway, serve: Serve) -> None:
        def drip(_: Received) -> Iterator[bytes]:
            while True:
                yield b"HTTP/1.1 100 Continue\r\n\r\n"
                time.sleep(0.02)

        self.assert_in_time(quick, serve(drip).url)

    def test_silence(self, quick: Gateway, serve: Serve) -> None:
        def silent(_: Received) -> Iterator[bytes]:
            time.sleep(1.5)
            yield b""

        self.assert_in_time(quick, serve(silent).url)

    def test_a_server_that_takes_no_connection(self, quick: Gateway) -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen(0)
            port = listening.getsockname()[1]
            waiting = [socket.socket() for _ in range(4)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
            started = time.monotonic()
            with pytest.raises(ProviderUnavailable):
                quick.call("create", "POST", f"http://127.0.0.1:{port}/")
            assert time.monotonic() - started < 3
            for one in waiting:
                one.close()


class TestRedirects:
    @pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_nothing_is_followed_and_no_key_leaves(
        self, gateway: Gateway, serve: Serve, status: int, method: str
    ) -> None:
        sink = serve(lambda _: reply(200, {}))
        server = serve(lambda _: reply(status, b"", location=f"{sink.url}/take", content_length="0"))
        with pytest.raises(UnexpectedAnswer):
            gateway.call("look", method, server.url, headers={"x-api-key": "k"}, json={"a": 1})
        assert not sink.received
        assert len(server.received) == 1


class TestSize:
    def test_an_answer_of_the_cap_is_read(self, gateway: Gateway, serve: Serve) -> None:
        body = json.dumps("x" * (100_000 - 2)).encode()
        assert get(gateway, serve(lambda _: reply(200, body)).url).body == "x" * 99_998

    @pytest.mark.parametrize("length", ["100001", ""], ids=["announced", "unannounced"])
    def test_a_larger_one_is_not(self, gateway: Gateway, serve: Serve, length: str) -> None:
        with pytest.raises(UnexpectedAnswer):
            get(gateway, serve(lambda _: reply(200, b" " * 100_001, content_length=length)).url)

    @pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip"])
    def test_a_compression_bomb_is_cut_before_it_unfolds(self, gateway: Gateway, serve: Serve, coding: str) -> None:
        flat = b" " * 50_000_000
        bomb = zlib.compress(flat) if coding == "deflate" else gzip.compress(flat)
        bomb = gzip.compress(bomb) if "," in coding else bomb
        with pytest.raises(UnexpectedAnswer):
            get(gateway, serve(lambda _: reply(200, bomb, content_encoding=coding)).url)

    def test_a_compressed_answer_is_read(self, gateway: Gateway, serve: Serve) -> None:
        server = serve(lambda _: reply(200, gzip.compress(b'{"a": 1}'), content_encoding="gzip"))
        assert get(gateway, server.url).body == {"a": 1}
        assert server.received[0].headers["accept-encoding"] == "identity"

    @pytest.mark.parametrize("coding", ["gzip", "gzip, gzip, gzip, gzip, gzip, gzip, gzip"])
    def test_what_is_not_compressed_as_said_is_an_alarm(self, gateway: Gateway, serve: Serve, coding: str) -> None:
        with pytest.raises(UnexpectedAnswer):
            get(gateway, serve(lambda _: reply(200, b"no gzip", content_encoding=coding)).url)

    def test_an_answer_cut_short_is_unavailable(self, gateway: Gateway, serve: Serve) -> None:
        with pytest.raises(ProviderUnavailable):
            get(gateway, serve(lambda _: reply(200, b'{"a"', content_length="400")).url)

    def test_a_flood_of_headers_is_no_answer(self, gateway: Gateway, serve: Serve) -> None:
        with pytest.raises(ProviderError):
            get(gateway, serve(lambda _: reply(200, {}, **{f"x_{n}": "y" for n in range(200)})).url)

    @pytest.mark.parametrize("raw", [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100, b""])
    def test_what_is_no_http_is_no_answer(self, gateway: Gateway, serve: Serve, raw: bytes) -> None:
        with pytest.raises(ProviderError):
            gateway.call("create", "POST", serve(lambda _: raw).url)


class TestOutcome:
    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
    def test_trouble_asks_to_come_back(self, gateway: Gateway, serve: Serve, status: int) -> None:
        answer = get(gateway, serve(lambda _: reply(status, b"", retry_after="7")).url)
        with pytest.raises(ComeBackLater) as trouble:
            gateway.settled("look", answer)
        assert trouble.value.retry_after == 7
        assert str(trouble.value) == f"acme look: status {status}"

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 412, 415, 422])
    def test_other_refusals_are_our_fault(self, gateway: Gateway, serve: Serve, status: int) -> None:
        with pytest.raises(ProviderRefused):
            gateway.settled("look", get(gateway, serve(lambda _: reply(status)).url))

    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_success_is_success(self, gateway: Gateway, serve: Serve, status: int) -> None:
        assert gateway.settled("look", get(gateway, serve(lambda _: reply(status)).url)).status == status


class TestSecrets:
    def test_no_proxy_cookie_or_netrc_of_the_surroundings_is_used(
        self, gateway: Gateway, serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        proxy = serve(lambda _: reply(200, {}))
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login a password b\n")
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NETRC", str(netrc))
        server = serve(lambda _: reply(200, {}, set_cookie="a=b; Path=/"))
        get(gateway, server.url)
        get(gateway, server.url)
        assert not proxy.received
        assert all({"cookie", "authorization"}.isdisjoint(request.headers) for request in server.received)

    @pytest.mark.parametrize(
        "url",
        ["http://example.com/", "http://10.0.0.1/", "ftp://127.0.0.1/", "//127.0.0.1/", "", "http://127.0.0.1.evil/"],
    )
    def test_plain_http_stays_on_this_machine(self, gateway: Gateway, url: str) -> None:
        with pytest.raises(ProviderRefused):
            get(gateway, url)

    def test_a_header_that_cannot_be_sent_is_our_fault_and_not_told(self, gateway: Gateway) -> None:
        with pytest.raises(ProviderRefused) as fault:
            get(gateway, "https://127.0.0.1/", headers={"Authorization": "Bearer s3cret\r\nX: y"})
        assert fault.value.__suppress_context__
        assert "s3cret" not in str(fault.value)

    def test_an_address_that_cannot_be_called_is_not_told(self, gateway: Gateway) -> None:
        with pytest.raises(UnexpectedAnswer) as fault:
            gateway.call("create", "POST", f"https://{'s3cret' * 20}.example/")
        assert fault.value.__suppress_context__
        assert str(fault.value) == "acme create: not HTTP"

    def test_calls_are_logged_without_address_and_body(
        self, gateway: Gateway, serve: Serve, logged: list[dict[str, object]]
    ) -> None:
        server = serve(lambda r: b"" if r.method == "POST" else reply(200, {"token": "s3cret"}))
        get(gateway, f"{server.url}/p4th", query={"secret": "s3cret"})
        with pytest.raises(ProviderUnavailable) as failure:
            gateway.call("create", "POST", f"{server.url}/p4th?secret=s3cret", json={"a": "s3cret"})
        assert [(entry["call"], entry.get("status")) for entry in logged] == [("look", 200), ("create", None)]
        told = f"{logged} {failure.value!r} {failure.value.__cause__!r}"
        assert failure.value.__suppress_context__
        assert not any(secret in told for secret in ("s3cret", "p4th", "127.0.0.1"))
