"""Telematica, by the contract and by its own traps."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, DeviceReading
from portal.domain.link_session import ArrivalHints
from portal.domain.provider_event import EventKind, ProviderEvent
from portal.providers.http import Gateway
from portal.providers.protocol import (
    Departure,
    EventRefused,
    ProviderRefused,
    ProviderUnavailable,
    ReauthenticationRequired,
    Removal,
    UnexpectedAnswer,
)
from portal.providers.telematica import PARAMETERS, Telematica, TelematicaConfig
from tests.providers.contract import PSEUDONYM, ProviderContract, World, an_account, gateway
from tests.providers.scripted import Scripted, reply

DEVICE = "641f19e460d102219c235fa3"
OTHER = "645ca1658652f65eeda38258"
SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four b").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"the one before the change").decode()
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class TelematicaWorld(World):
    key = "telematica"
    device_type = DeviceType.CHARGER
    vendor = "EASEE"
    vendor_code = "EASEE"

    def made(self, *, base: str | None = None, door: Gateway | None = None, **changes: Any) -> Telematica:
        sandbox = self.sandbox.config
        config = {
            "api_url": base or f"{sandbox.url}/telematica",
            "api_token": sandbox.telematica_api_token,
            "session_path": "/v1/auth-sessions",
            "revoke_path": "/v1/devices/{device_id}/revoke",
            "webhook_secrets": (sandbox.telematica_webhook_secret,),
            "connect_hosts": (sandbox.host,),
        }
        return Telematica(TelematicaConfig(**{**config, **changes}), door or gateway())

    def opened(self, url: object) -> dict[str, object]:
        return {"url": url}

    @property
    def connect_url(self) -> str:
        return f"{self.sandbox.url}/telematica/connect?session=x"

    def walk(self, departure: Departure, login: str | None = None) -> ArrivalHints:
        told = len(self.portal.received)
        hints = super().walk(departure, login)
        self.wait_for_events(told + 1)
        return hints

    def break_device(self, device_id: str) -> None:
        told = len(self.portal.received)
        super().break_device(device_id)
        self.wait_for_events(told + 1)

    def wait_for_events(self, count: int) -> None:
        until = time.monotonic() + 5
        while len(self.portal.received) < count:
            assert time.monotonic() < until, "no event came"
            time.sleep(0.01)

    def events(self) -> list[ProviderEvent]:
        return [
            self.provider.read_event(request.headers, request.body, now=self.now) for request in self.portal.received
        ]

    def readings(self) -> tuple[DeviceReading, ...]:
        """What its events say so far of this customer."""
        assert self.provider.list_devices(self.account, frozenset(DeviceType)) == ()
        known: dict[str, DeviceReading] = {}
        removed = {device.id for device in self.sandbox.state.devices if device.removed_at is not None}
        for event in self.events():
            if event.pseudonym != self.account.pseudonym:
                continue
            known |= {reading.provider_device_id: reading for reading in event.readings}
            for device_id in event.device_ids:
                lapsed = Connection.NEEDS_REAUTHENTICATION
                known[device_id] = DeviceReading(device_id, known[device_id].device_type, lapsed)
        return tuple(reading for reading in known.values() if reading.provider_device_id not in removed)


class TestTelematica(ProviderContract):
    world_class = TelematicaWorld


@pytest.fixture
def world(running_sandbox: Any) -> TelematicaWorld:
    sandbox, portal = running_sandbox
    sandbox.state.reset()
    portal.received.clear()
    return TelematicaWorld(sandbox, portal)


class TestSession:
    def sent(
        self, world: TelematicaWorld, serve: Callable[..., Scripted], changes: Any = None, **departing: Any
    ) -> Any:
        server = serve(lambda _: reply(201, {"url": world.connect_url}))
        world.provider = world.made(base=server.url, **(changes or {}))
        world.provider.begin_link(world.departing(**departing), now=NOW)
        return server.received[0]

    def test_only_what_is_needed_is_sent(self, world: TelematicaWorld, serve: Callable[..., Scripted]) -> None:
        request = self.sent(world, serve, vendor_code=None)
        assert request.json == {
            "userId": PSEUDONYM,
            "region": "EU",
            "redirectUrl": f"{world.portal.url}/return/telematica",
            "deviceType": "charger",
            "metadata": {"link_session": "attempt-1"},
        }
        assert request.headers["authorization"] == f"Bearer {world.sandbox.config.telematica_api_token}"

    def test_every_parameter_can_be_reached_from_settings(
        self, world: TelematicaWorld, serve: Callable[..., Scripted]
    ) -> None:
        changes = {
            "site_id": "s1",
            "site_name": "Home",
            "callback_env": "stage",
            "region": "US",
            "metadata": {"tenant": "x", "link_session": "not this"},
            "brand_subset": ("ENELX", "WALLBOX"),
            "exclude_brands": ("WALLBOX",),
            "show_simulator": True,
        }
        sent = self.sent(world, serve, changes, vendor_code="ENELX").json
        assert set(sent) == set(PARAMETERS.values())
        assert sent["metadata"] == {"tenant": "x", "link_session": "attempt-1"}
        assert (sent["brandSubset"], sent["excludeBrands"]) == (["ENELX", "WALLBOX"], ["WALLBOX"])
        assert (sent["brand"], sent["showSimulator"], sent["siteName"]) == ("ENELX", True, "Home")

    def test_header_and_scheme_are_settings(self, world: TelematicaWorld, serve: Callable[..., Scripted]) -> None:
        request = self.sent(world, serve, {"auth_header": "X-Token", "auth_scheme": ""})
        assert request.headers["x-token"] == world.sandbox.config.telematica_api_token

    @pytest.mark.parametrize("key", ["url", "sessionUrl", "authUrl", "connectUrl", "link", "redirectUrl"])
    @pytest.mark.parametrize("status", ["200", "201"])
    def test_the_address_is_found_under_any_of_its_names(self, world: TelematicaWorld, key: str, status: str) -> None:
        world.choose(session_key=key, session_status=status)
        assert world.leave().connect_url.startswith(world.sandbox.url)

    def test_the_first_trusted_address_counts(self, world: TelematicaWorld, serve: Callable[..., Scripted]) -> None:
        answer = {"url": "https://evil.example/", "link": world.connect_url, "redirectUrl": "https://portal.example/"}
        world.provider = world.made(base=serve(lambda _: reply(200, answer)).url)
        departure = world.provider.begin_link(world.departing(), now=NOW)
        assert departure.connect_url == world.connect_url
        assert departure.expires_at == NOW + timedelta(minutes=10)

    def test_an_answer_without_one_names_the_keys_it_had_and_no_value(
        self, world: TelematicaWorld, serve: Callable[..., Scripted]
    ) -> None:
        answer = {"sessionId": "s3cret", "consent\nUrl": world.connect_url, "\x00": 1}
        world.provider = world.made(base=serve(lambda _: reply(200, answer)).url)
        with pytest.raises(UnexpectedAnswer) as alarm:
            world.provider.begin_link(world.departing(), now=NOW)
        assert "sessionId, consent Url, ?" in str(alarm.value)
        assert "s3cret" not in str(alarm.value)

    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (412, {"error": "INVALID_REQUEST"}, ProviderRefused),
            (412, {"error": "RELOGIN_REQUIRED"}, ReauthenticationRequired),
            (412, {"error": "USER_CONSENT_REQUIRED", "action": {}}, ReauthenticationRequired),
            (412, {"error": ["x"], "action": "x"}, ProviderRefused),
            (503, {"error": "X", "action": {"user": "RECONNECT_ACCOUNT"}}, ReauthenticationRequired),
            (400, {"action": {"dev": "RECONNECT_ACCOUNT"}}, ReauthenticationRequired),
            (500, {"error": "CABLE", "action": {"user": "PLUG_IN"}}, ReauthenticationRequired),
            (500, {"error": "X", "action": {"dev": "RETRY"}}, ProviderUnavailable),
            (500, {}, ProviderUnavailable),
            (503, {"error": "MALFORMED_RESPONSE", "action": {"user": "WAIT"}}, ProviderUnavailable),
            (401, {}, ProviderRefused),
            (429, {}, ProviderUnavailable),
        ],
    )
    def test_codes_count_before_the_status(
        self,
        world: TelematicaWorld,
        serve: Callable[..., Scripted],
        status: int,
        body: dict[str, object],
        error: type[Exception],
    ) -> None:
        world.provider = world.made(base=serve(lambda _: reply(status, body)).url)
        with pytest.raises(error):
            world.provider.begin_link(world.departing(), now=NOW)


class TestOffers:
    def codes(self, world: TelematicaWorld, **changes: Any) -> set[str | None]:
        return {offer.vendor_code for offer in world.made(**changes).offers()}

    def test_the_simulator_is_shown_only_where_asked_for(self, world: TelematicaWorld) -> None:
        assert "SIMULATOR" not in self.codes(world)
        assert "SIMULATOR" in self.codes(world, show_simulator=True)

    def test_what_its_page_would_hide_is_not_offered(self, world: TelematicaWorld) -> None:
        assert self.codes(world, brand_subset=("TESLA", "EASEE"), exclude_brands=("TESLA",)) == {"EASEE"}


class TestArrival:
    @pytest.mark.parametrize(
        ("query", "ids", "device_type"),
        [
            ({"devices": [DEVICE], "deviceType": ["vehicle"]}, (DEVICE,), "vehicle"),
            ({"devices": [f"{DEVICE},{OTHER}"], "deviceType": ["hvac"]}, (DEVICE, OTHER), "hvac"),
            ({"devices": [DEVICE, OTHER, DEVICE]}, (DEVICE, OTHER), None),
            ({"devices": [DEVICE], "deviceType": ["toaster"]}, (DEVICE,), None),
            ({"devices": [DEVICE], "deviceType": ["vehicle", "hvac"]}, (DEVICE,), None),
        ],
    )
    def test_named_devices_are_hints(
        self, world: TelematicaWorld, query: dict[str, list[str]], ids: tuple[str, ...], device_type: str | None
    ) -> None:
        hints = world.provider.read_arrival("", query)
        assert (hints.device_ids, hints.device_type, hints.cancelled) == (ids, device_type, False)

    @pytest.mark.parametrize("query", [{}, {"devices": [""]}, {"devices": [","]}, {"deviceType": ["vehicle"]}])
    def test_no_device_is_a_cancelled_link(self, world: TelematicaWorld, query: dict[str, list[str]]) -> None:
        assert world.provider.read_arrival("", query).cancelled

    @pytest.mark.parametrize(
        "devices",
        [DEVICE.upper(), DEVICE[:-1], f"{DEVICE}0", f"{DEVICE},x", f"{DEVICE}\n", "<script>", ",".join([DEVICE] * 51)],
    )
    def test_malformed_ids_are_unreadable(self, world: TelematicaWorld, devices: str) -> None:
        hints = world.provider.read_arrival("", {"devices": [devices]})
        assert hints.unreadable
        assert hints.device_ids == ()


class TestRemoval:
    def removed(self, world: TelematicaWorld, serve: Callable[..., Scripted], answer: bytes, **changes: Any) -> Any:
        server = serve(lambda _: answer)
        world.provider = world.made(base=server.url, **changes)
        return world.provider.remove_device(an_account(), DEVICE, DeviceType.HVAC), server.received

    def test_the_customer_is_always_named(self, world: TelematicaWorld, serve: Callable[..., Scripted]) -> None:
        removal, (request,) = self.removed(world, serve, reply(200, b"OK", content_type="text/plain"))
        assert removal is Removal.GONE
        assert (request.method, request.path) == ("POST", f"/v1/devices/{DEVICE}/revoke")
        assert request.json == {"deviceType": "hvac", "userId": PSEUDONYM}

    def test_verb_and_path_are_settings(self, world: TelematicaWorld, serve: Callable[..., Scripted]) -> None:
        changes = {"revoke_path": "access/{device_id}", "revoke_method": "DELETE"}
        _, (request,) = self.removed(world, serve, reply(204), **changes)
        assert (request.method, request.path) == ("DELETE", f"/access/{DEVICE}")

    @pytest.mark.parametrize("code", ["NOT_FOUND", "DEVICE_DISCONNECTED"])
    def test_what_is_not_there_is_gone(self, world: TelematicaWorld, serve: Callable[..., Scripted], code: str) -> None:
        assert self.removed(world, serve, reply(412, {"error": code}))[0] is Removal.GONE

    @pytest.mark.parametrize("answer", [reply(404, {}), reply(412, {"error": "INVALID_REQUEST"}), reply(412, {})])
    def test_a_wrong_path_or_body_is_our_fault_and_not_gone(
        self, world: TelematicaWorld, serve: Callable[..., Scripted], answer: bytes
    ) -> None:
        with pytest.raises(ProviderRefused):
            self.removed(world, serve, answer)

    def test_without_a_path_it_is_not_offered_and_says_so(self, world: TelematicaWorld) -> None:
        provider = world.made(revoke_path=None)
        assert not provider.traits.removes_devices
        assert provider.remove_device(an_account(), DEVICE, DeviceType.HVAC) is Removal.NOT_OFFERED

    def test_a_malformed_id_is_never_sent(self, world: TelematicaWorld) -> None:
        with pytest.raises(ProviderRefused):
            world.provider.remove_device(an_account(), "../all", DeviceType.HVAC)

    def test_one_household_member_does_not_cut_off_another(self, world: TelematicaWorld) -> None:
        (device_id,) = world.walk(world.leave()).device_ids
        first, world.account = world.account, an_account("the-other-one")
        assert world.walk(world.leave()).device_ids == (device_id,)
        world.provider.remove_device(first, device_id, DeviceType.CHARGER)
        left = [d.owner for d in world.sandbox.state.devices if d.removed_at is None]
        assert left == ["the-other-one"]


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
        assert self.read(provider, connected(), at=NOW + timedelta(seconds=seconds))

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

    def test_one_good_signature_among_others_is_enough(self, provider: Telematica) -> None:
        body = json.dumps(connected()).encode()
        headers = signed(body)
        headers["svix-signature"] = f"v1,AAAA v2,BBBB {headers['svix-signature']}"
        assert provider.read_event(headers, body, now=NOW).kind is EventKind.CONNECTED

    @pytest.mark.parametrize("body", [b"x" * (256 * 1024 + 1), b"\xff\xfe"])
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


def test_a_wrong_token_is_our_fault(world: TelematicaWorld) -> None:
    world.provider = world.made(api_token="wrong")
    with pytest.raises(ProviderRefused):
        world.leave()
