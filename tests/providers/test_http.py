"""The gateway: calls end in time, follow nowhere, hold nothing too large and tell no secret."""

import gzip
import json
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.providers.answers import JsonRefused, moment, read_json, seconds_asked, text, unix_moment
from portal.providers.http import ComeBackLater, Gateway, is_loopback, trusted_connect_url
from portal.providers.protocol import ProviderError, ProviderRefused, ProviderUnavailable, UnexpectedAnswer
from tests.providers.scripted import Received, Scripted, reply

Serve = Callable[..., Scripted]
HOSTS = ("connect.podero.com", "127.0.0.1:8001", "localhost:8001", "[::1]:8001", "auth.nox.energy:8443")


@pytest.fixture(scope="module")
def quick() -> Gateway:
    """A gateway whose patience fits a test."""
    return Gateway("acme", connect_timeout=0.5, deadline=0.8, cap=100_000)


def get(gateway: Gateway, url: str, **changes: Any) -> Any:
    return gateway.call("look", "GET", url, **changes)


class TestTime:
    """Whatever trickles, the call is over by the deadline."""

    def assert_in_time(self, quick: Gateway, url: str) -> None:
        started = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            get(quick, url)
        assert time.monotonic() - started < 1.3

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
            assert time.monotonic() - started < 1.3
            for one in waiting:
                one.close()


class TestRedirects:
    @pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_nothing_is_followed_and_no_key_leaves(
        self, quick: Gateway, serve: Serve, status: int, method: str
    ) -> None:
        sink = serve(lambda _: reply(200, {}))
        server = serve(lambda _: reply(status, b"", location=f"{sink.url}/take", content_length="0"))
        with pytest.raises(UnexpectedAnswer):
            quick.call("look", method, server.url, headers={"x-api-key": "k"}, json={"a": 1})
        assert not sink.received
        assert len(server.received) == 1


class TestSize:
    def test_an_answer_of_the_cap_is_read(self, quick: Gateway, serve: Serve) -> None:
        body = json.dumps("x" * (100_000 - 2)).encode()
        assert get(quick, serve(lambda _: reply(200, body)).url).body == "x" * 99_998

    @pytest.mark.parametrize("length", ["100001", ""], ids=["announced", "unannounced"])
    def test_a_larger_one_is_not(self, quick: Gateway, serve: Serve, length: str) -> None:
        with pytest.raises(UnexpectedAnswer):
            get(quick, serve(lambda _: reply(200, b" " * 100_001, content_length=length)).url)

    @pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip"])
    def test_a_compression_bomb_is_cut_before_it_unfolds(self, quick: Gateway, serve: Serve, coding: str) -> None:
        flat = b" " * 50_000_000
        bomb = zlib.compress(flat) if coding == "deflate" else gzip.compress(flat)
        bomb = gzip.compress(bomb) if "," in coding else bomb
        with pytest.raises(UnexpectedAnswer):
            get(quick, serve(lambda _: reply(200, bomb, content_encoding=coding)).url)

    def test_a_compressed_answer_is_read(self, quick: Gateway, serve: Serve) -> None:
        server = serve(lambda _: reply(200, gzip.compress(b'{"a": 1}'), content_encoding="gzip"))
        assert get(quick, server.url).body == {"a": 1}
        assert server.received[0].headers["accept-encoding"] == "identity"

    @pytest.mark.parametrize("coding", ["gzip", "gzip, gzip, gzip, gzip, gzip, gzip, gzip"])
    def test_what_is_not_compressed_as_said_is_an_alarm(self, quick: Gateway, serve: Serve, coding: str) -> None:
        with pytest.raises(UnexpectedAnswer):
            get(quick, serve(lambda _: reply(200, b"no gzip", content_encoding=coding)).url)

    def test_an_answer_cut_short_is_unavailable(self, quick: Gateway, serve: Serve) -> None:
        with pytest.raises(ProviderUnavailable):
            get(quick, serve(lambda _: reply(200, b'{"a"', content_length="400")).url)

    def test_a_flood_of_headers_is_no_answer(self, quick: Gateway, serve: Serve) -> None:
        with pytest.raises(ProviderError):
            get(quick, serve(lambda _: reply(200, {}, **{f"x_{n}": "y" for n in range(200)})).url)

    @pytest.mark.parametrize("raw", [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100, b""])
    def test_what_is_no_http_is_no_answer(self, quick: Gateway, serve: Serve, raw: bytes) -> None:
        with pytest.raises(ProviderError):
            quick.call("create", "POST", serve(lambda _: raw).url)


class TestJson:
    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"{'a': 1}",
            b'{"a": NaN}',
            b'{"a": Infinity}',
            b'{"a": -1e999}',
            b'{"a": 1, "a": 2}',
            b"\xef\xbb\xbf{}",
            '{"a": "é"}'.encode("latin-1"),
            json.dumps({}).encode("utf-16"),
            b"[" * 20_000,
            b'{"a":' * 20_000,
            b"[" * 40 + b"]" * 40,
            b"9" * 5000,
            b"<html>502</html>",
            b"{} {}",
        ],
    )
    def test_an_unreadable_success_is_an_alarm(self, quick: Gateway, serve: Serve, body: bytes) -> None:
        with pytest.raises(UnexpectedAnswer) as alarm:
            get(quick, serve(lambda _: reply(200, body)).url)
        assert str(alarm.value) == "acme look: answer is not readable JSON"

    @pytest.mark.parametrize(
        "kind", ["application/json", "application/json; charset=utf-8", "application/problem+json", "text/json", ""]
    )
    def test_json_by_any_of_its_names_is_read(self, quick: Gateway, serve: Serve, kind: str) -> None:
        assert get(quick, serve(lambda _: reply(200, {"a": 1}, content_type=kind)).url).body == {"a": 1}

    @pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/jsonp", "junk"])
    def test_a_success_of_another_type_is_an_alarm(self, quick: Gateway, serve: Serve, kind: str) -> None:
        server = serve(lambda _: reply(200, {"a": 1}, content_type=kind))
        with pytest.raises(UnexpectedAnswer):
            get(quick, server.url)
        assert get(quick, server.url, needs_json=False).body is None

    def test_a_failure_may_say_anything(self, quick: Gateway, serve: Serve) -> None:
        answer = get(quick, serve(lambda _: reply(502, b"<html>" + b"x" * 400, content_type="text/html")).url)
        assert (answer.status, answer.body, len(answer.text)) == (502, None, 300)
        assert "html" not in repr(answer)
        assert get(quick, serve(lambda _: reply(400, b"{")).url).body is None

    def test_an_empty_answer_has_no_body(self, quick: Gateway, serve: Serve) -> None:
        assert get(quick, serve(lambda _: reply(204)).url).body is None

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c), max_leaves=20))
    @settings(max_examples=100, deadline=None)
    def test_what_json_can_say_is_read(self, document: object) -> None:
        assert read_json(json.dumps(document).encode(), deepest=100) == document

    def test_depth_is_counted(self) -> None:
        assert read_json(b'{"a":[[1]]}', deepest=3) == {"a": [[1]]}
        with pytest.raises(JsonRefused):
            read_json(b'{"a":[[1]]}', deepest=2)


class TestFields:
    @pytest.mark.parametrize(
        ("value", "read"),
        [
            (" S1255\x00\n6 ", "S1255 6"),
            ("\ud800a\u202eb", "a b"),
            ("x" * 500, "x" * 200),
            ("", None),
            ("\x00", None),
            (7, None),
            (None, None),
            (["a"], None),
        ],
    )
    def test_text_is_one_printable_line(self, value: object, read: str | None) -> None:
        assert text(value) == read

    @pytest.mark.parametrize(
        ("value", "read"),
        [
            ("2026-11-21T12:00:00Z", datetime(2026, 11, 21, 12, tzinfo=UTC)),
            ("2026-11-21T12:00:00", datetime(2026, 11, 21, 12, tzinfo=UTC)),
            ("2026-11-21T13:00:00.5+01:00", datetime(2026, 11, 21, 12, 0, 0, 500_000, tzinfo=UTC)),
            ("0001-01-01T00:00:00+14:00", None),
            ("yesterday", None),
            ("", None),
            (1795262400, None),
            (None, None),
        ],
    )
    def test_times_are_utc(self, value: object, read: datetime | None) -> None:
        assert moment(value) == read

    @pytest.mark.parametrize("value", [0, -1, 2**32, True, 1.5, "1795262400", None])
    def test_only_seconds_of_our_age_are_a_time(self, value: object) -> None:
        assert unix_moment(value) is None

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [(None, None), ("30", 30.0), ("", None), ("soon", None), ("-1", None), ("²", None), ("9" * 30, None)],
    )
    def test_retry_after_in_seconds(self, value: str | None, seconds: float | None) -> None:
        assert seconds_asked(value) == seconds

    def test_retry_after_as_a_date(self) -> None:
        later = (datetime.now(UTC) + timedelta(seconds=60)).strftime("%a, %d %b %Y %H:%M:%S")
        assert 55 < (seconds_asked(f"{later} GMT") or 0) <= 60
        assert 55 < (seconds_asked(f"{later} -0000") or 0) <= 60
        assert seconds_asked("Wed, 21 Oct 2015 07:28:00 GMT") == 0


class TestOutcome:
    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
    def test_trouble_asks_to_come_back(self, quick: Gateway, serve: Serve, status: int) -> None:
        answer = get(quick, serve(lambda _: reply(status, b"", retry_after="7")).url)
        with pytest.raises(ComeBackLater) as trouble:
            quick.settled("look", answer)
        assert trouble.value.retry_after == 7
        assert str(trouble.value) == f"acme look: status {status}"

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 412, 415, 422])
    def test_other_refusals_are_our_fault(self, quick: Gateway, serve: Serve, status: int) -> None:
        with pytest.raises(ProviderRefused):
            quick.settled("look", get(quick, serve(lambda _: reply(status)).url))

    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_success_is_success(self, quick: Gateway, serve: Serve, status: int) -> None:
        assert quick.settled("look", get(quick, serve(lambda _: reply(status)).url)).status == status


class TestRetries:
    @pytest.mark.parametrize(("method", "tries"), [("GET", 2), ("POST", 1), ("DELETE", 1), ("PUT", 1)])
    def test_only_a_reading_call_that_got_no_answer_is_made_again_and_once(
        self, serve: Serve, method: str, tries: int
    ) -> None:
        server = serve(lambda _: b"")
        with pytest.raises(ProviderUnavailable):
            Gateway("acme", deadline=2).call("look", method, server.url)
        assert len(server.received) == tries

    def test_the_second_try_may_succeed(self, serve: Serve) -> None:
        answers = [b"", reply(200, {"a": 1})]
        assert get(Gateway("acme", deadline=2), serve(lambda _: answers.pop(0)).url).body == {"a": 1}

    def test_there_is_none_when_time_is_up(self, serve: Serve) -> None:
        server = serve(lambda _: b"")
        with pytest.raises(ProviderUnavailable):
            get(Gateway("acme", deadline=0.04), server.url)
        assert len(server.received) <= 1

    @pytest.mark.parametrize("status", [500, 503, 429])
    def test_an_answer_is_never_asked_for_twice(self, quick: Gateway, serve: Serve, status: int) -> None:
        server = serve(lambda _: reply(status))
        get(quick, server.url)
        assert len(server.received) == 1


class TestSecrets:
    def test_no_proxy_cookie_or_netrc_of_the_surroundings_is_used(
        self, quick: Gateway, serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        proxy = serve(lambda _: reply(200, {}))
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login a password b\n")
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NETRC", str(netrc))
        server = serve(lambda _: reply(200, {}, set_cookie="a=b; Path=/"))
        get(quick, server.url)
        get(quick, server.url)
        assert not proxy.received
        assert all({"cookie", "authorization"}.isdisjoint(request.headers) for request in server.received)

    @pytest.mark.parametrize(
        "url",
        ["http://example.com/", "http://10.0.0.1/", "ftp://127.0.0.1/", "//127.0.0.1/", "", "http://127.0.0.1.evil/"],
    )
    def test_plain_http_stays_on_this_machine(self, quick: Gateway, url: str) -> None:
        with pytest.raises(ProviderRefused):
            get(quick, url)

    def test_a_header_that_cannot_be_sent_is_our_fault_and_not_told(self, quick: Gateway) -> None:
        with pytest.raises(ProviderRefused) as fault:
            get(quick, "https://127.0.0.1/", headers={"Authorization": "Bearer s3cret\r\nX: y"})
        assert fault.value.__suppress_context__
        assert "s3cret" not in str(fault.value)

    def test_calls_are_logged_without_address_and_body(
        self, quick: Gateway, serve: Serve, logged: list[dict[str, object]]
    ) -> None:
        server = serve(lambda r: b"" if r.method == "POST" else reply(200, {"token": "s3cret"}))
        get(quick, f"{server.url}/p4th", query={"secret": "s3cret"})
        with pytest.raises(ProviderUnavailable) as failure:
            quick.call("create", "POST", f"{server.url}/p4th?secret=s3cret", json={"a": "s3cret"})
        assert [(entry["call"], entry.get("status")) for entry in logged] == [("look", 200), ("create", None)]
        told = f"{logged} {failure.value!r} {failure.value.__cause__!r}"
        assert failure.value.__suppress_context__
        assert not any(secret in told for secret in ("s3cret", "p4th", "127.0.0.1"))


@contextmanager
def tls_server(folder: Path, name: str) -> Iterator[tuple[str, str]]:
    """A server with a certificate of its own for `name`; its address and the certificate's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "certificate.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            taken, _ = listening.accept()
            with taken:
                try:
                    with context.wrap_socket(taken, server_side=True) as wrapped:
                        wrapped.recv(65536)
                        wrapped.sendall(reply(200, {"a": 1}))
                        wrapped.unwrap()
                except OSError:
                    return

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"https://localhost:{listening.getsockname()[1]}/", str(chain)
        thread.join(timeout=3)


class TestTls:
    def test_a_private_authority_is_trusted_where_the_operator_names_it(self, tmp_path: Path) -> None:
        with tls_server(tmp_path, "localhost") as (url, bundle):
            assert get(Gateway("acme", ca_bundle=bundle), url).body == {"a": 1}

    def test_an_unknown_authority_is_not(self, tmp_path: Path) -> None:
        with tls_server(tmp_path, "localhost") as (url, _), pytest.raises(ProviderUnavailable, match="trusted"):
            get(Gateway("acme"), url)

    def test_another_servers_certificate_is_not(self, tmp_path: Path) -> None:
        with tls_server(tmp_path, "other.example") as (url, bundle):
            with pytest.raises(ProviderUnavailable, match="trusted"):
                get(Gateway("acme", ca_bundle=bundle), url)


HOSTILE: list[object] = [
    None, 7, 7.5, True, [], {}, b"https://connect.podero.com/", "", " ", "/", "//", "https:", "https://", "https:///",
    "https:///connect.podero.com/", "//connect.podero.com/", "connect.podero.com", "connect.podero.com/x",
    "javascript:alert(1)", "javascript://connect.podero.com/%0aalert(1)", "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "file:///etc/passwd", "ftp://connect.podero.com/",
    "intent://connect.podero.com/#Intent;scheme=https;end", "blob:https://connect.podero.com/x", "about:blank",
    "http://connect.podero.com/", "http://connect.podero.com:80/", "http://auth.nox.energy:8443/", "ws://127.0.0.1:8001/",
    "https://evil.example/", "https://connect.podero.com.evil.example/", "https://evilconnect.podero.com/",
    "https://evil.connect.podero.com/", "https://connect-podero.com/", "https://connect.podero.co/",
    "https://connect.podero.com./", "https://.connect.podero.com/", "https://connect..podero.com/",
    "https://connect.podero.com:443/", "https://connect.podero.com:8443/", "https://connect.podero.com:/",
    "https://connect.podero.com:x/", "https://connect.podero.com:99999999/", "https://connect.podero.com:-1/",
    "https://user@connect.podero.com/", "https://user:pw@connect.podero.com/", "https://@connect.podero.com/",
    "https://connect.podero.com@evil.example/", "https://connect.podero.com:443@evil.example/",
    "https://connect.podero.com%40evil.example/", "https://connect.podero.com%2eevil.example/",
    "https://connect.podero.com\\@evil.example/", "https://connect.podero.com\\.evil.example/",
    "https:\\\\connect.podero.com\\", "https:/\\connect.podero.com/", "https:/connect.podero.com/",
    "https:connect.podero.com/", "https://connect.podero.com/\\..\\x", "https://evil.example\\connect.podero.com/",
    "https://connect.podero.com/\r\nSet-Cookie: a=b", "https://connect.podero.com/\n", "https://connect.podero.com/\t",
    "\thttps://connect.podero.com/", " https://connect.podero.com/", "https://connect.podero.com/ x",
    "ht\ntps://connect.podero.com/", "https://connect.po\tdero.com/", "https://connect.podero.com\x00.evil.example/",
    "https://connect.podero.com/\x00", "https://connect.podero.com/\x7f", "https://connect.podero.com/\u2028",
    "https://connect.podero.com/ü", "https://cοnnect.podero.com/", "https://connect。podero。com/",
    "https://ｃonnect.podero.com/", "https://xn--connect-podero.com/", "https://connect.podero.com;evil.example/",
    "https://connect.podero.com,evil.example/", "https://connect.podero.com evil.example/",
    "https://connect.podero.com|evil.example/", "https://connect.podero.com^evil.example/",
    "https://[connect.podero.com]/", "https://[::1]/", "https://[::1]:8002/", "https://[::1]:8001evil/",
    "https://[::ffff:127.0.0.1]:8001/", "https://127.0.0.1/", "https://127.0.0.1:8002/", "http://127.1:8001/",
    "http://2130706433:8001/", "http://0x7f000001:8001/", "http://0177.0.0.1:8001/", "http://0.0.0.0:8001/",
    "http://127.0.0.1:08001/", "http://127.0.0.1:8001.evil.example/", "http://127.0.0.1:8001@evil.example/",
    "http://localhost/", "http://localhost.evil.example:8001/", "http://localhost:8001\\evil.example/",
    "https://connect.podero.com/<script>", 'https://connect.podero.com/"onload=x', "https://connect.podero.com/`x`",
    "https://connect.podero.com/{x}", "https://connect.podero.com?\ud800", "https://connect.podero.com/" + "x" * 8000,
    "https://connect.podero.com\uff0fevil.example/", "https://connect.podero.com:8001:443/", "http:127.0.0.1:8001",
]  # fmt: skip


class TestConnectUrl:
    @pytest.mark.parametrize("url", HOSTILE, ids=lambda url: repr(url)[:60])
    def test_a_hostile_address_is_never_followed_nor_told(self, url: object) -> None:
        with pytest.raises(UnexpectedAnswer) as alarm:
            trusted_connect_url(url, HOSTS)
        assert "evil" not in str(alarm.value)

    def test_there_are_enough_of_them(self) -> None:
        assert len(HOSTILE) >= 60

    @pytest.mark.parametrize(
        "url",
        [
            "https://connect.podero.com",
            "https://connect.podero.com?onboarding_session_id=3f0f8f5e",
            "https://connect.podero.com/ui?token=abc123&language=nl#top",
            "https://Connect.Podero.com/",
            "https://auth.nox.energy:8443/ui",
            "http://127.0.0.1:8001/podero/connect?onboarding_session_id=x",
            "http://localhost:8001/",
            "http://[::1]:8001/x",
            "https://127.0.0.1:8001/",
        ],
    )
    def test_a_listed_host_is_followed_as_it_stands(self, url: str) -> None:
        assert trusted_connect_url(url, HOSTS) == url

    @given(st.text(max_size=60))
    @settings(max_examples=300, deadline=None)
    def test_nothing_but_the_host_decides(self, tail: str) -> None:
        try:
            followed = trusted_connect_url(f"https://connect.podero.com{tail}", HOSTS)
        except UnexpectedAnswer:
            return
        assert followed == "https://connect.podero.com" or followed[len("https://connect.podero.com")] in "/?#"

    def test_without_hosts_nothing_is_followed(self) -> None:
        with pytest.raises(UnexpectedAnswer):
            trusted_connect_url("https://connect.podero.com/", ())

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8001"])
    def test_this_machine_is_loopback(self, host: str) -> None:
        assert is_loopback(host)

    @pytest.mark.parametrize("host", ["", "127.1", "10.0.0.1", "localhost.example", "[::2]", "0.0.0.0", "::1", "[x]"])
    def test_everything_else_is_not(self, host: str) -> None:
        assert not is_loopback(host)
