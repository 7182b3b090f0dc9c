"""Telematica's events: only what is proven is read, in our words."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection
from portal.domain.provider_event import EventKind, ProviderEvent
from portal.providers.protocol import (
    EventRefused,
    UnexpectedAnswer,
)
from portal.providers.svix_id import first_sent_at
from portal.providers.telematica import Telematica
from tests.providers.contract import PSEUDONYM
from tests.providers.telematica_world import TelematicaWorld, fresh

DEVICE = "641f19e460d102219c235fa3"


OTHER = "645ca1658652f65eeda38258"


SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four b").decode()


OLD_SECRET = "whsec_" + base64.b64encode(b"the one before the change").decode()


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def world(running_sandbox: Any) -> TelematicaWorld:
    return fresh(running_sandbox)


def signed(
    body: bytes, *, secret: str = SECRET, at: datetime = NOW, family: str = "svix", event_id: str = "msg_1"
) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    stamp = str(int(at.timestamp()))
    mac = hmac.new(key, f"{event_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    parts = {"id": event_id, "timestamp": stamp, "signature": f"v1,{base64.b64encode(mac).decode()}"}
    return {f"{family}-{part}": value for part, value in parts.items()}


def connected(**changes: Any) -> dict[str, Any]:
    device = {
        "deviceId": DEVICE,
        "deviceType": "vehicle",
        "make": "VW",
        "model": "ID.4",
        "nickname": "Blue",
        "vin": "WVWZZZE1ZMP000001",
        "country": "DE",
    }
    return {"type": "user.devices-connected", "user": PSEUDONYM, "devices": [device], "vehicles": [device], **changes}


class TestEvents:
    @pytest.fixture
    def provider(self, world: TelematicaWorld) -> Telematica:
        return world.made(webhook_secrets=(SECRET, OLD_SECRET))

    def read(self, provider: Telematica, told: object, **changes: Any) -> ProviderEvent:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        return provider.read_event(signed(body, **changes), body, now=NOW)

    @pytest.mark.parametrize("family", ["svix", "webhook", "Svix", "WEBHOOK"])
    @pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
    def test_a_connection_is_told_in_our_words_and_the_vin_is_forgotten(
        self, provider: Telematica, family: str, secret: str
    ) -> None:
        event = self.read(provider, connected(metadata={"link_session": "attempt-1"}), family=family, secret=secret)
        assert (event.provider_key, event.event_id, event.kind) == ("telematica", "msg_1", EventKind.CONNECTED)
        assert (event.pseudonym, event.link_session_id, event.occurred_at) == (PSEUDONYM, "attempt-1", NOW)
        (reading,) = event.readings
        assert (reading.provider_device_id, reading.device_type) == (DEVICE, DeviceType.VEHICLE)
        assert (reading.vendor_name, reading.model, reading.nickname) == ("Volkswagen", "ID.4", "Blue")
        assert reading.connection is Connection.WORKING
        assert "WVWZZZ" not in repr(event)

    @pytest.mark.parametrize("place", ["top", "nested"])
    @pytest.mark.parametrize("names", ["svix", "webhook"])
    @pytest.mark.parametrize("timing", ["with_return", "before_return"])
    def test_the_event_of_a_link_is_proven_and_names_the_attempt(
        self, world: TelematicaWorld, place: str, names: str, timing: str
    ) -> None:
        world.choose(metadata_place=place, header_names=names, event_timing=timing)
        hints = world.walk(world.leave())
        (event,) = world.events()
        assert event.link_session_id == "attempt-1"
        assert tuple(reading.provider_device_id for reading in event.readings) == hints.device_ids

    @pytest.mark.parametrize(
        "where",
        [
            {"link_session": "a"},
            {"metadata": {"link_session": "a"}},
            {"metadata": {"metadata": {"link_session": "a"}}},
            {"devices": [{"metadata": {"link_session": "a"}}]},
        ],
    )
    def test_our_mark_is_found_wherever_it_is_put(self, provider: Telematica, where: dict[str, object]) -> None:
        assert self.read(provider, connected(**where)).link_session_id == "a"

    def test_a_disconnection_names_devices_as_text(self, provider: Telematica) -> None:
        devices = [DEVICE, {"deviceId": OTHER}, "x", 7, {"deviceId": None}, DEVICE]
        event = self.read(provider, {"type": "user.devices-disconnected", "user": PSEUDONYM, "devices": devices})
        assert (event.kind, event.device_ids, event.readings) == (EventKind.DISCONNECTED, (DEVICE, OTHER), ())

    @pytest.mark.parametrize(
        "device",
        ["x", {}, {"deviceId": DEVICE}, {"deviceId": DEVICE, "deviceType": "toaster"}, {"deviceId": 7},
         {"deviceId": DEVICE, "deviceType": ["vehicle"]}],
    )  # fmt: skip
    def test_devices_that_cannot_be_read_are_left_out(self, provider: Telematica, device: object) -> None:
        assert self.read(provider, connected(devices=[device])).readings == ()

    @pytest.mark.parametrize(
        "shape",
        [
            lambda told: told,
            lambda told: {"type": told["type"], "data": {key: told[key] for key in told if key != "type"}},
            lambda told: {**{key: told[key] for key in told if key != "user"}, "userId": told["user"]},
            lambda told: {
                **{key: told[key] for key in told if key != "user"},
                "devices": [{**told["devices"][0], "clientUserId": told["user"]}],
            },
            lambda told: {**told, "devices": [{**told["devices"][0], "deviceType": "VEHICLE"}]},
            lambda told: {**told, "deviceType": "vehicle", "devices": [{"deviceId": DEVICE}]},
        ],
    )
    def test_shapes_that_drift_say_the_same(
        self, provider: Telematica, shape: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> None:
        event = self.read(provider, shape(connected()))
        assert event.pseudonym == connected()["user"]
        assert [(r.provider_device_id, r.device_type.value) for r in event.readings] == [(DEVICE, "vehicle")]

    def test_devices_of_several_customers_are_nobodys(self, provider: Telematica) -> None:
        (device,) = connected()["devices"]
        told = {key: value for key, value in connected().items() if key != "user"}
        devices = [{**device, "clientUserId": "a"}, {**device, "clientUserId": "b"}]
        assert self.read(provider, {**told, "devices": devices}).pseudonym is None

    def test_a_device_of_an_unknown_maker_keeps_its_name(self, provider: Telematica) -> None:
        told = connected(devices=[{"deviceId": DEVICE, "deviceType": "battery", "make": "Acme"}])
        (reading,) = self.read(provider, told).readings
        assert (reading.vendor_name, reading.model) == ("Acme", None)

    @pytest.mark.parametrize("kind", ["vehicle.charging-status", "user.devices-renamed", None, 7, ""])
    def test_other_events_are_ignored(self, provider: Telematica, kind: object) -> None:
        assert self.read(provider, connected(type=kind)).kind is EventKind.IGNORED

    @pytest.mark.parametrize("body", [b"", b"{", b"\xef\xbb\xbf{}", b"[" * 5000, b'{"a":1,"a":2}'])
    def test_a_proven_event_that_cannot_be_read_is_an_alarm(self, provider: Telematica, body: bytes) -> None:
        with pytest.raises(UnexpectedAnswer):
            self.read(provider, body)

    @pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
    def test_five_minutes_either_way_are_accepted(self, provider: Telematica, seconds: int) -> None:
        assert self.read(provider, connected(), at=NOW + timedelta(seconds=seconds)).kind is EventKind.CONNECTED

    @pytest.mark.parametrize("seconds", [-301, 301, 86400])
    def test_more_are_not(self, provider: Telematica, seconds: int) -> None:
        with pytest.raises(EventRefused):
            self.read(provider, connected(), at=NOW + timedelta(seconds=seconds))

    @pytest.mark.parametrize(
        "change",
        [
            {"svix-signature": ""},
            {"svix-signature": "v1,AAAA"},
            {"svix-signature": "v1"},
            {"svix-signature": "v2,{signature}"},
            {"svix-signature": "{signature}"},
            {"svix-signature": "v1,ÄÖÜ\udce4"},
            {"svix-id": ""},
            {"svix-id": "msg_2"},
            {"svix-id": "msg 1"},
            {"svix-timestamp": ""},
            {"svix-timestamp": "now"},
            {"svix-timestamp": "1e9"},
            {"svix-timestamp": "9" * 400},
            {"svix-timestamp": "-1"},
        ],
    )
    def test_what_is_not_proven_is_refused(self, provider: Telematica, change: Mapping[str, str]) -> None:
        body = json.dumps(connected()).encode()
        headers = signed(body)
        signature = headers["svix-signature"].removeprefix("v1,")
        changed = {name: value.replace("{signature}", signature) for name, value in change.items()}
        with pytest.raises(EventRefused):
            provider.read_event({**headers, **changed}, body, now=NOW)

    def test_a_changed_body_another_secret_and_mixed_names_are_refused(self, provider: Telematica) -> None:
        body = json.dumps(connected()).encode()
        stranger = "whsec_" + base64.b64encode(b"somebody else's secret..").decode()
        mixed = {name.replace("svix-id", "webhook-id"): value for name, value in signed(body).items()}
        for headers, sent in ((signed(body), body + b" "), (signed(body, secret=stranger), body), (mixed, body)):
            with pytest.raises(EventRefused):
                provider.read_event(headers, sent, now=NOW)

    @pytest.mark.parametrize("family", ["svix", "webhook"])
    def test_a_redelivery_has_the_same_id_at_another_time(self, provider: Telematica, family: str) -> None:
        first = self.read(provider, connected(), family=family)
        again = self.read(provider, connected(), family=family, at=NOW + timedelta(minutes=2))
        assert (first.event_id, first.pseudonym) == (again.event_id, again.pseudonym)
        assert first.occurred_at < again.occurred_at

    def test_the_two_spellings_side_by_side_are_read_as_svix_has_them(self, provider: Telematica) -> None:
        body = json.dumps(connected()).encode()
        both = {**signed(body, family="webhook", event_id="msg_2"), **signed(body)}
        assert provider.read_event(both, body, now=NOW).event_id == "msg_1"

    def test_one_good_signature_among_others_is_enough(self, provider: Telematica) -> None:
        body = json.dumps(connected()).encode()
        headers = signed(body)
        headers["svix-signature"] = f"v1,AAAA v2,BBBB {headers['svix-signature']}"
        assert provider.read_event(headers, body, now=NOW).kind is EventKind.CONNECTED

    @pytest.mark.parametrize("body", [b"x" * (128 * 1024 + 1), b"\xff\xfe"])
    def test_what_is_too_large_or_no_text_is_refused(self, provider: Telematica, body: bytes) -> None:
        with pytest.raises(EventRefused):
            self.read(provider, body)

    def test_without_a_secret_nothing_is_accepted(self, world: TelematicaWorld) -> None:
        with pytest.raises(EventRefused):
            self.read(world.made(webhook_secrets=()), connected())

    @pytest.mark.parametrize("secret", ["", "whsec_", "whsec_a"])
    def test_a_secret_that_is_none_stops_the_start_without_being_told(
        self, world: TelematicaWorld, secret: str
    ) -> None:
        with pytest.raises(ValueError, match="webhook secret") as refused:
            world.made(webhook_secrets=(secret,))
        assert "whsec_a" not in str(refused.value)
        assert refused.value.__suppress_context__


IN_2023 = datetime(2023, 1, 19, 0, 13, 51, tzinfo=UTC)
OF_2023 = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
"""The id and the second of the example in the documentation of Svix."""


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=5), timedelta(hours=27)])
def test_an_event_that_is_delivered_late_is_as_old_as_it_is(late: timedelta) -> None:
    assert first_sent_at(OF_2023, delivered_at=IN_2023 + late) == IN_2023


@pytest.mark.parametrize(
    ("event_id", "delivered_at"),
    [
        (OF_2023, IN_2023 - timedelta(seconds=1)),
        (OF_2023, IN_2023 + timedelta(days=8)),
        ("msg_1", NOW),
        (f"{OF_2023}x", IN_2023),
        ("msg_" + "z" * 27, NOW),
    ],
    ids=["a time to come", "a time long ago", "too short", "too long", "too large"],
)
def test_where_the_id_of_an_event_tells_no_time_that_of_its_delivery_counts(
    event_id: str, delivered_at: datetime
) -> None:
    assert first_sent_at(event_id, delivered_at=delivered_at) == delivered_at
