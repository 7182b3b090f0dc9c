"""Podero's devices: how a lapse is noticed, and how it is mended."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection
from portal.providers.podero import Podero
from portal.providers.podero_rows import connection_of, reading_of
from portal.providers.protocol import ProviderRefused, UnexpectedAnswer, UserGone
from tests.providers.podero_world import DEVICE, USER, PoderoWorld, fresh, scripted, world_url
from tests.providers.scripted import Scripted, reply


@pytest.fixture
def world(running_sandbox: Any) -> PoderoWorld:
    return fresh(running_sandbox)


class TestDevices:
    @pytest.mark.parametrize(
        "signal", ["actions", "action_needed", "is_authenticated", "lifecycle", "connection_status"]
    )
    @pytest.mark.parametrize("lists_have_actions", ["yes", "no"])
    def test_every_signal_of_a_lapse_is_seen(self, world: PoderoWorld, signal: str, lists_have_actions: str) -> None:
        (device_id,) = world.walk(world.leave()).device_ids
        world.choose(reauth_signal=signal, lists_have_actions=lists_have_actions)
        world.break_device(device_id)
        (reading,) = world.readings()
        assert reading.connection is Connection.NEEDS_REAUTHENTICATION

    @pytest.mark.parametrize(
        ("row", "connection"),
        [
            ({}, Connection.UNKNOWN),
            ({"connection_status": "ok"}, Connection.WORKING),
            ({"is_authenticated": True}, Connection.WORKING),
            ({"lifecycle_state": "authenticated"}, Connection.WORKING),
            ({"is_authenticated": True, "connection_status": "warning"}, Connection.UNKNOWN),
            ({"is_authenticated": True, "connection_status": "unknown"}, Connection.UNKNOWN),
            ({"is_authenticated": True, "connection_status": {}}, Connection.UNKNOWN),
            ({"lifecycle_state": "something new", "connection_status": "ok"}, Connection.WORKING),
            ({"connection": "offline", "connection_status": "ok"}, Connection.UNREACHABLE),
            ({"connection": "never_connected"}, Connection.WAITING),
            ({"connection": "online", "connection_status": "unknown"}, Connection.WORKING),
            ({"connection": "online", "is_authenticated": False}, Connection.NEEDS_REAUTHENTICATION),
            ({"connection": ["offline"], "connection_status": "ok"}, Connection.WORKING),
            ({"action_needed": True}, Connection.UNKNOWN),
            ({"action_needed": True, "is_authenticated": True, "connection_status": "ok"}, Connection.UNKNOWN),
            ({"action_needed": True, "actions": ["junk"], "connection_status": "ok"}, Connection.UNKNOWN),
            ({"action_needed": True, "is_authenticated": False}, Connection.NEEDS_REAUTHENTICATION),
            ({"action_needed": True, "actions": []}, Connection.NEEDS_REAUTHENTICATION),
            ({"actions": [{"code": "reauthenticate"}]}, Connection.NEEDS_REAUTHENTICATION),
            (
                {"action_needed": True, "actions": [{"code": "new_terms"}], "connection_status": "ok"},
                Connection.WORKING,
            ),
            ({"actions": ["junk", {"code": 7}, None], "connection_status": "ok"}, Connection.WORKING),
            ({"is_authenticated": False, "connection_status": "ok"}, Connection.NEEDS_REAUTHENTICATION),
            ({"is_authenticated": True, "lifecycle_state": "error"}, Connection.NEEDS_REAUTHENTICATION),
        ],
    )
    def test_signals_are_read_in_their_order_and_unknown_ones_stay_neutral(
        self, row: dict[str, object], connection: Connection
    ) -> None:
        assert connection_of(row) is connection

    @pytest.mark.parametrize("row", [{"id": "7"}, {}, {"deleted_at": "2026-01-01T00:00:00Z"}])
    def test_a_nameless_device_is_none(self, row: dict[str, object]) -> None:
        assert reading_of(row, DeviceType.VEHICLE) is None

    @pytest.mark.parametrize(("deleted_at", "deleted"), [("2026-01-01T00:00:00Z", True), (None, False), ("", False)])
    def test_a_deleted_device_is_told_apart(self, deleted_at: str | None, deleted: bool) -> None:
        reading = reading_of({"id": DEVICE, "deleted_at": deleted_at}, DeviceType.VEHICLE)
        assert reading is not None
        assert reading.deleted is deleted

    def test_a_device_deleted_there_is_still_named_as_deleted(self, world: PoderoWorld) -> None:
        (device_id,) = world.walk(world.leave()).device_ids
        assert [reading.deleted for reading in world.readings()] == [False]
        next(d for d in world.sandbox.state.devices if d.id == device_id).removed_at = world.sandbox.state.now()
        assert [(r.provider_device_id, r.deleted) for r in world.readings()] == [(device_id, True)]

    def test_nothing_more_is_asked_of_a_deleted_device(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        rows = [{"id": DEVICE, "action_needed": True, "deleted_at": "2026-01-01T00:00:00Z"}]
        server = scripted(serve, world, {"GET /inverters": rows})
        (reading,) = world.provider.list_devices(world.account, frozenset({DeviceType.INVERTER}))
        assert reading.deleted
        assert [r.path.rpartition("/")[2].partition("?")[0] for r in server.received] == ["token", "inverters"]

    def test_a_row_with_an_id_alone_is_a_device(self) -> None:
        reading = reading_of({"id": DEVICE}, DeviceType.VEHICLE)
        assert reading is not None
        assert (reading.model, reading.vendor_name, reading.last_contact_at) == (None, None, None)

    def test_last_contact_falls_back_to_the_last_monitoring(self) -> None:
        reading = reading_of({"id": DEVICE, "last_monitoring_executed_at": "2026-11-20T10:00:00Z"}, DeviceType.CHARGER)
        assert reading is not None
        assert reading.last_contact_at == datetime(2026, 11, 20, 10, tzinfo=UTC)

    def test_rows_of_somebody_else_and_junk_are_left_out(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        rows = [{"id": DEVICE, "owner": {"id": "somebody"}}, "junk", {"id": USER, "action_needed": True}]
        server = scripted(serve, world, {"GET /electric-vehicles": rows})
        (reading,) = world.provider.list_devices(world.account, frozenset({DeviceType.VEHICLE}))
        assert reading.provider_device_id == USER
        assert reading.unread
        assert len([r for r in server.received if r.path.endswith(f"/electric-vehicles/{USER}")]) == 1

    @pytest.mark.parametrize(
        "detail",
        [
            reply(503, {}),
            reply(500, {}),
            reply(429, {}),
            reply(404, {}),
            reply(200, b"<html>", content_type="text/html"),
            reply(200, []),
            reply(200, {"id": USER, "actions": [{"code": "reauthenticate"}]}),
            reply(200, {"id": DEVICE}),
            b"",
        ],
    )
    def test_a_detail_that_cannot_be_read_is_no_verdict(
        self, world: PoderoWorld, serve: Callable[..., Scripted], detail: bytes
    ) -> None:
        row = {"id": DEVICE, "action_needed": True, "is_authenticated": True, "connection_status": "ok"}
        scripted(serve, world, {"GET /electric-vehicles": [row], f"GET /electric-vehicles/{DEVICE}": detail})
        (reading,) = world.provider.list_devices(world.account, frozenset({DeviceType.VEHICLE}))
        assert reading.unread
        assert reading.connection is Connection.UNKNOWN

    def test_the_details_of_all_unclear_rows_are_read_however_many_there_are(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        ids = [f"{number:08d}-2222-4333-8444-555555555555" for number in range(20)]
        answers: dict[str, Any] = {"GET /wallboxes": [{"id": one, "action_needed": True} for one in ids]}
        answers |= {
            f"GET /wallboxes/{one}": {"id": one, "action_needed": True, "actions": [{"code": "reauthenticate"}]}
            for one in ids
        }
        scripted(serve, world, answers)
        readings = world.provider.list_devices(world.account, frozenset({DeviceType.CHARGER}))
        assert [reading.provider_device_id for reading in readings] == ids
        assert {reading.connection for reading in readings} == {Connection.NEEDS_REAUTHENTICATION}

    def test_what_there_is_no_time_for_is_unread_and_another_time_comes_first(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        ids = [f"{number:08d}-2222-4333-8444-555555555555" for number in range(6)]
        answers: dict[str, Any] = {"GET /wallboxes": [{"id": one, "action_needed": True} for one in ids]}
        answers |= {f"GET /wallboxes/{one}": {"action_needed": False, "connection_status": "ok"} for one in ids}
        scripted(serve, world, answers)
        seconds = itertools.count(step=3)
        provider = world.provider
        assert isinstance(provider, Podero)
        provider._list._clock = lambda: next(seconds)
        read: set[str] = set()
        for _ in range(200):
            readings = provider.list_devices(world.account, frozenset({DeviceType.CHARGER}))
            assert 0 < [reading.unread for reading in readings].count(False) < len(ids)
            read |= {reading.provider_device_id for reading in readings if not reading.unread}
            if len(read) == len(ids):
                return
        pytest.fail("some rows are never read")

    def test_only_the_asked_types_are_asked_for(self, world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
        server = scripted(serve, world, {"GET /wallboxes": []})
        asked = frozenset({DeviceType.CHARGER, DeviceType.BATTERY})
        assert world.provider.list_devices(world.account, asked) == ()
        assert [r.path.rpartition("/")[2] for r in server.received] == ["token", "wallboxes"]

    def test_an_open_action_without_an_id_is_not_looked_up(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        scripted(serve, world, {"GET /inverters": [{"action_needed": True}]})
        assert world.provider.list_devices(world.account, frozenset({DeviceType.INVERTER})) == ()

    def test_a_user_unknown_there_is_gone(self, world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
        scripted(serve, world, {})
        with pytest.raises(UserGone):
            world.readings()

    @pytest.mark.parametrize("listed", [{"items": []}, None, "x"])
    def test_a_list_that_is_none_is_an_alarm(
        self, world: PoderoWorld, serve: Callable[..., Scripted], listed: object
    ) -> None:
        scripted(serve, world, {"GET /inverters": reply(200, listed)})
        with pytest.raises(UnexpectedAnswer):
            world.provider.list_devices(world.account, frozenset({DeviceType.INVERTER}))


class TestReauthentication:
    def lapsed(self, world: PoderoWorld, **variants: str) -> str:
        (device_id,) = world.walk(world.leave()).device_ids
        world.choose(**variants)
        world.break_device(device_id)
        return device_id

    def test_the_devices_own_session_comes_first(self, world: PoderoWorld) -> None:
        device_id = self.lapsed(world)
        assert world.walk(world.renew(device_id)).device_ids == (device_id,)
        assert not world.calls("POST", "/cues/")

    @pytest.mark.parametrize("variant", [{"auth_session_url": "null"}, {"heat_pump_auth_session": "404"}])
    def test_the_cure_of_its_action_comes_next(self, world: PoderoWorld, variant: dict[str, str]) -> None:
        device_id = self.lapsed(world, reauth_signal="actions", **variant)
        onboardings = len(world.calls("POST", "/device-onboarding"))
        assert world.walk(world.renew(device_id)).device_ids == (device_id,)
        assert len(world.calls("POST", "/cues/")) == 1
        assert len(world.calls("POST", "/device-onboarding")) == onboardings

    def test_a_new_session_comes_last(self, world: PoderoWorld) -> None:
        device_id = self.lapsed(world, reauth_signal="is_authenticated", auth_session_url="null")
        assert world.walk(world.renew(device_id)).device_ids == (device_id,)
        assert len(world.calls("POST", "/device-onboarding")) == 2

    def test_another_account_comes_back_as_another_device(self, world: PoderoWorld) -> None:
        device_id = self.lapsed(world, auth_session_url="null", reauth_signal="is_authenticated")
        hints = world.walk(world.renew(device_id), world.other_login)
        assert device_id not in hints.device_ids
        assert len(world.readings()) == 2

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/cues/abc/resolve?secret=s",
            "{base}.evil.example/cues/abc/resolve?secret=s",
            "{base}/users/abc?secret=s",
            "{base}/cues/../users?secret=s",
            "{base}/cues/abc/resolve",
            "{base}/cues/abc/resolve?secret=a&secret=b",
            "//evil.example/cues/abc?secret=s",
            "http://[/cues/abc?secret=s",
            "x" * 5000,
            None,
            7,
        ],
    )
    def test_a_cure_elsewhere_is_never_called(
        self, world: PoderoWorld, serve: Callable[..., Scripted], url: Any
    ) -> None:
        answers: dict[str, Any] = {"POST /device-onboarding": world.opened(world_url(world))}
        server = scripted(serve, world, answers)
        cure = url.format(base=server.url) if isinstance(url, str) and "[" not in url else url
        actions = ["junk", {"code": "other"}, {"code": "reauthenticate", "resolution_link": {"url": cure}}]
        answers[f"GET /heat-pumps/{DEVICE}"] = {"id": DEVICE, "actions": actions}
        assert world.renew(DEVICE).connect_url == world_url(world)
        assert not [r for r in server.received if "cues" in r.path]

    def test_the_cure_is_posted_in_camel_case_with_its_secret(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        answers: dict[str, Any] = {"POST /cues/abc/resolve": {"redirect_url": world_url(world)}}
        server = scripted(serve, world, answers)
        link = {"url": f"{server.url}/cues/abc?cue=1&secret=s%20s"}
        answers[f"GET /heat-pumps/{DEVICE}"] = {"actions": [{"code": "reauthenticate", "resolution_link": link}]}
        assert world.renew(DEVICE, language="hu").connect_url == world_url(world)
        posted = server.received[-1]
        assert posted.query == {"secret": ["s s"]}
        assert posted.json == {
            "successUrl": f"{world.portal.url}/return/podero/secret/success",
            "cancelUrl": f"{world.portal.url}/return/podero/secret/cancel",
            "language": "hu",
            "location": {},
            "clientInfo": {},
        }

    @pytest.mark.parametrize("cured", [reply(404, {}), reply(422, {}), reply(200, {"redirect_url": None})])
    def test_a_cure_that_leads_nowhere_falls_back_to_a_new_session(
        self, world: PoderoWorld, serve: Callable[..., Scripted], cured: bytes
    ) -> None:
        answers: dict[str, Any] = {
            "POST /cues/abc/resolve": cured,
            "POST /device-onboarding": world.opened(world_url(world)),
        }
        server = scripted(serve, world, answers)
        link = {"url": f"{server.url}/cues/abc/resolve?secret=s"}
        answers[f"GET /heat-pumps/{DEVICE}"] = {"actions": [{"code": "reauthenticate", "resolution_link": link}]}
        assert world.renew(DEVICE).connect_url == world_url(world)

    def test_a_session_of_another_device_is_an_alarm(self, world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
        opened = {"authentication_url": world_url(world), "device_id": USER}
        scripted(serve, world, {"POST /auth_session": opened})
        with pytest.raises(UnexpectedAnswer):
            world.renew(DEVICE)

    def test_a_refused_renewal_is_refused(self, world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
        scripted(serve, world, {"POST /auth_session": reply(422, {})})
        with pytest.raises(ProviderRefused):
            world.renew(DEVICE)
