"""NOX's events: only what is proven is read, and what it says is asked for anew."""

import hashlib
import hmac
import json
import re
import string
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.domain.provider_event import EventKind, ProviderEvent
from portal.providers.http import Gateway
from portal.providers.nox import Nox, NoxConfig
from portal.providers.nox_events import SIGNED_TEXTS, NoxEvents
from portal.providers.protocol import EventRefused, UnexpectedAnswer
from tests.providers.contract import PSEUDONYM
from tests.providers.test_nox import NoxWorld

KEY = "the-api-key-of-the-supplier"
NEW, OLD = "the-secret-that-is-new", "the-secret-that-is-old"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVENT_ID = "evt_0123456789:device.needs_reauthentication.updated"
TOLD: dict[str, Any] = {
    "id": "evt_0123456789",
    "type": "device.needs_reauthentication.updated",
    "timestamp": "2026-11-21T11:59:58Z",
    "data": {"value": True, "previous_value": False},
    "metadata": {
        "device_id": "nox-1",
        "user_id": "nox_user_1",
        "external_user_id": PSEUDONYM,
        "brand": "nibe",
        "energy_supplier": "Example Energy",
    },
}


VALUES = st.none() | st.integers() | st.text(max_size=20) | st.sampled_from(["device.x", "nox-1"])
PARTS = st.sampled_from(["device_id", "external_user_id", "x"])


def nox(**changes: Any) -> Nox:
    return Nox(NoxConfig("https://auth.nox.example/v2", "https://api.nox.example", KEY, (), **changes), Gateway("nox"))


PROVIDER = nox()


def signed(
    body: bytes, *, secret: str = KEY, at: datetime = NOW, event_id: str = EVENT_ID, template: str = SIGNED_TEXTS[0]
) -> dict[str, str]:
    """The headers, as the fact sheet has them."""
    stamp = str(int(at.timestamp()))
    pieces = {"id": event_id.encode(), "timestamp": stamp.encode(), "body": body}
    text = b"".join(
        literal.encode() + pieces.get(name or "", b"") for literal, name, *_ in string.Formatter().parse(template)
    )
    signature = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Webhook-Id": event_id,
        "X-Webhook-Timestamp": stamp,
        "X-Webhook-Signature": f"sha256={signature}",
    }


def read(told: object = TOLD, *, by: Nox | None = None, **signing: Any) -> ProviderEvent:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return (by or nox()).read_event(signed(body, **signing), body, now=NOW)


def test_a_change_of_a_device_is_told_without_its_value() -> None:
    assert read() == ProviderEvent(
        provider_key="nox",
        event_id=EVENT_ID,
        kind=EventKind.CHANGED,
        occurred_at=NOW,
        pseudonym=PSEUDONYM,
        device_ids=("nox-1",),
    )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("device.steerable_status.being_steered.updated", EventKind.CHANGED),
        ("device.linked.updated", EventKind.CHANGED),
        ("device.something.new", EventKind.CHANGED),
        ("user.settings.updated", EventKind.IGNORED),
        ("devices", EventKind.IGNORED),
        ("", EventKind.IGNORED),
        (None, EventKind.IGNORED),
        (7, EventKind.IGNORED),
        (["device.x"], EventKind.IGNORED),
    ],
)
def test_any_news_of_a_device_counts_and_nothing_else(kind: object, expected: EventKind) -> None:
    assert read({**TOLD, "type": kind}).kind is expected


@pytest.mark.parametrize("device_id", [None, 7, "", "../x", "a b", "x" * 129, ["nox-1"]])
def test_a_device_that_is_not_named_well_is_not_named(device_id: object) -> None:
    event = read({**TOLD, "metadata": {**TOLD["metadata"], "device_id": device_id}})
    assert (event.kind, event.device_ids, event.pseudonym) == (EventKind.CHANGED, (), PSEUDONYM)


@pytest.mark.parametrize("metadata", [None, [], "x", {}, {"external_user_id": 7}])
def test_an_event_about_nobody_names_nobody(metadata: object) -> None:
    event = read({**TOLD, "metadata": metadata})
    assert (event.kind, event.pseudonym, event.device_ids) == (EventKind.CHANGED, None, ())


@pytest.mark.parametrize("template", SIGNED_TEXTS)
def test_what_is_signed_is_a_setting(template: str) -> None:
    assert read(by=nox(signed_text=template), template=template).kind is EventKind.CHANGED
    for other in set(SIGNED_TEXTS) - {template}:
        with pytest.raises(EventRefused):
            read(by=nox(signed_text=template), template=other)


@pytest.mark.parametrize("template", ["", "{timestamp}", "{body}.{timestamp}", "{id}.{body}", "{secret}.{body}", "x"])
def test_any_other_text_stops_the_start(template: str) -> None:
    with pytest.raises(ValueError, match="NOX signs no such text"):
        NoxEvents("nox", (KEY,), template)


def test_braces_in_an_event_are_only_braces() -> None:
    named, template = "evt_{body}{timestamp}", SIGNED_TEXTS[1]
    assert read(event_id=named, by=nox(signed_text=template), template=template).event_id == named


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_two_secrets_are_good_while_one_replaces_the_other_and_the_api_key_is_none(secret: str) -> None:
    provider = nox(webhook_secrets=(NEW, OLD))
    assert read(by=provider, secret=secret).kind is EventKind.CHANGED
    for stranger in (KEY, "somebody else's secret", ""):
        with pytest.raises(EventRefused):
            read(by=provider, secret=stranger)


def test_the_spelling_of_header_names_does_not_matter() -> None:
    body = json.dumps(TOLD).encode()
    for spelled in (str.lower, str.upper):
        headers = {spelled(name): value for name, value in signed(body).items()}
        assert nox().read_event(headers, body, now=NOW).event_id == EVENT_ID


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_either_way_are_accepted(seconds: int) -> None:
    assert read(at=NOW + timedelta(seconds=seconds)).occurred_at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("seconds", [-301, 301, 86400])
def test_more_are_not(seconds: int) -> None:
    with pytest.raises(EventRefused):
        read(at=NOW + timedelta(seconds=seconds))


def test_a_redelivery_has_the_same_id_at_another_time() -> None:
    first, again = read(), read(at=NOW + timedelta(minutes=2))
    assert first.event_id == again.event_id
    assert first.occurred_at < again.occurred_at


@pytest.mark.parametrize(
    "change",
    [
        {"X-Webhook-Signature": ""},
        {"X-Webhook-Signature": "sha256="},
        {"X-Webhook-Signature": "{hex}"},
        {"X-Webhook-Signature": "sha512={hex}"},
        {"X-Webhook-Signature": "sha256={upper}"},
        {"X-Webhook-Signature": "sha256={hex} "},
        {"X-Webhook-Signature": "sha256={hex},sha256={hex}"},
        {"X-Webhook-Signature": "sha256=ÄÖÜ\udce4"},
        {"X-Webhook-Id": ""},
        {"X-Webhook-Id": "evt 1"},
        {"X-Webhook-Id": "e" * 256},
        {"X-Webhook-Timestamp": ""},
        {"X-Webhook-Timestamp": "now"},
        {"X-Webhook-Timestamp": "1e9"},
        {"X-Webhook-Timestamp": "9" * 400},
        {"X-Webhook-Timestamp": "-1"},
        {"X-Webhook-Timestamp": str(int(NOW.timestamp()) + 1)},
    ],
)
def test_what_is_not_proven_is_refused(change: dict[str, str]) -> None:
    body = json.dumps(TOLD).encode()
    headers = signed(body)
    proof = headers["X-Webhook-Signature"].removeprefix("sha256=")
    changed = {name: text.replace("{hex}", proof).replace("{upper}", proof.upper()) for name, text in change.items()}
    with pytest.raises(EventRefused):
        nox().read_event({**headers, **changed}, body, now=NOW)


def test_a_changed_body_is_refused() -> None:
    body = json.dumps(TOLD).encode()
    with pytest.raises(EventRefused):
        nox().read_event(signed(body), body + b" ", now=NOW)


def test_what_is_too_large_is_refused_however_well_it_is_signed() -> None:
    fitting = json.dumps({**TOLD, "more": ""}).encode()
    fill = "x" * (128 * 1024 - len(fitting))
    assert read({**TOLD, "more": fill}).kind is EventKind.CHANGED
    with pytest.raises(EventRefused):
        read({**TOLD, "more": fill + "x"})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"\xef\xbb\xbf{}", b"[" * 5000, b'{"a":1,"a":2}'])
def test_a_proven_event_that_cannot_be_read_is_an_alarm(body: bytes) -> None:
    with pytest.raises(UnexpectedAnswer):
        read(body)


@given(st.dictionaries(st.sampled_from(["type", "metadata", "id"]), VALUES | st.dictionaries(PARTS, VALUES)))
@settings(max_examples=100, deadline=None)
def test_whatever_is_proven_is_read_without_trouble(told: dict[str, Any]) -> None:
    assert read(told, by=PROVIDER).provider_key == "nox"


@pytest.mark.parametrize("signed_text", SIGNED_TEXTS)
def test_what_the_sandbox_sends_is_proven_and_names_the_customer(running_sandbox: Any, signed_text: str) -> None:
    sandbox, portal = running_sandbox
    sandbox.state.reset()
    portal.received.clear()
    world = NoxWorld(sandbox, portal)
    world.provider = world.made(signed_text=signed_text)
    world.choose(signed_text=re.sub("[{}]", "", signed_text), event_timing="before_return")
    hints = world.walk(world.leave())
    until = time.monotonic() + 30
    while not portal.received:
        assert time.monotonic() < until
        time.sleep(0.01)
    events = [world.provider.read_event(sent.headers, sent.body, now=world.now) for sent in portal.received]
    assert {(event.kind, event.pseudonym) for event in events} == {(EventKind.CHANGED, PSEUDONYM)}
    assert events[0].device_ids == hints.device_ids


def test_no_secret_is_told_by_a_refusal() -> None:
    with pytest.raises(EventRefused) as refused:
        read(secret="stranger")
    assert KEY not in repr(refused.getrepr(chain=True))
