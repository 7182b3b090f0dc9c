"""What providers answer is read with suspicion."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.providers.answers import JsonRefused, moment, read_json, seconds_asked, text, unix_moment
from portal.providers.http import Gateway
from portal.providers.protocol import UnexpectedAnswer
from tests.providers.scripted import Scripted, reply

Serve = Callable[..., Scripted]


@pytest.fixture
def gateway() -> Gateway:
    """A gateway that reads less than in earnest."""
    return Gateway("acme", cap=100_000, pauses=(0.01, 0.02))


def get(gateway: Gateway, url: str, **changes: Any) -> Any:
    return gateway.call("look", "GET", url, **changes)


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
    def test_an_unreadable_success_is_an_alarm(self, gateway: Gateway, serve: Serve, body: bytes) -> None:
        with pytest.raises(UnexpectedAnswer) as alarm:
            get(gateway, serve(lambda _: reply(200, body)).url)
        assert str(alarm.value) == "acme look: answer is not readable JSON"

    @pytest.mark.parametrize(
        "kind", ["application/json", "application/json; charset=utf-8", "application/problem+json", "text/json", ""]
    )
    def test_json_by_any_of_its_names_is_read(self, gateway: Gateway, serve: Serve, kind: str) -> None:
        assert get(gateway, serve(lambda _: reply(200, {"a": 1}, content_type=kind)).url).body == {"a": 1}

    @pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/jsonp", "junk"])
    def test_a_success_of_another_type_is_an_alarm(self, gateway: Gateway, serve: Serve, kind: str) -> None:
        server = serve(lambda _: reply(200, {"a": 1}, content_type=kind))
        with pytest.raises(UnexpectedAnswer):
            get(gateway, server.url)
        assert get(gateway, server.url, needs_json=False).body is None

    def test_a_failure_may_say_anything(self, gateway: Gateway, serve: Serve) -> None:
        answer = get(gateway, serve(lambda _: reply(502, b"<html>" + b"x" * 400, content_type="text/html")).url)
        assert (answer.status, answer.body, len(answer.text)) == (502, None, 300)
        assert "html" not in repr(answer)
        assert get(gateway, serve(lambda _: reply(400, b"{")).url).body is None

    def test_an_empty_answer_has_no_body(self, gateway: Gateway, serve: Serve) -> None:
        assert get(gateway, serve(lambda _: reply(204)).url).body is None

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
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
