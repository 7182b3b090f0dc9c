"""How Telematica says a device is that it has named before; only a word on the access is a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, DeviceReading
from portal.providers.answers import Answer
from portal.providers.protocol import Provider
from portal.providers.telematica_state import state_of
from tests.providers.contract import PSEUDONYM, an_account
from tests.providers.scripted import Scripted, reply
from tests.providers.telematica_world import TelematicaWorld, fresh

DEVICE = "a" * 24
CAR, CHARGER = DeviceType.VEHICLE, DeviceType.CHARGER
STATE_PATH = "/v1/devices/{device_id}/state"


@pytest.fixture
def world(running_sandbox: Any) -> TelematicaWorld:
    return fresh(running_sandbox)


def failure(status: int, code: str, *, dev: str = "", user: str = "") -> Answer:
    return Answer(status, {"error": code, "statusCode": status, "action": {"dev": dev, "user": user}})


def read(provider: Provider, device_type: DeviceType = CHARGER) -> tuple[DeviceReading, ...]:
    return provider.read_known(an_account(), {DEVICE: device_type})


@pytest.mark.parametrize(
    ("answer", "device_type", "connection"),
    [
        (Answer(200, {"state": "ACTIVE"}), CAR, Connection.WORKING),
        (Answer(200, {"state": "PARTIAL_OPERATION"}), CAR, Connection.WORKING),
        (Answer(200, {"state": "DISCONNECTED"}), CAR, Connection.NEEDS_REAUTHENTICATION),
        (Answer(200, {"power": 7}), CHARGER, Connection.WORKING),
        (Answer(200, {"state": "CHARGING"}), CHARGER, Connection.WORKING),
        (failure(412, "RELOGIN_REQUIRED"), CHARGER, Connection.NEEDS_REAUTHENTICATION),
        (failure(412, "USER_CONSENT_REQUIRED"), DeviceType.HVAC, Connection.NEEDS_REAUTHENTICATION),
        (failure(500, "ANY", user="RECONNECT_ACCOUNT"), DeviceType.BATTERY, Connection.NEEDS_REAUTHENTICATION),
        (failure(503, "ANY", dev="RECONNECT_ACCOUNT"), DeviceType.INVERTER, Connection.NEEDS_REAUTHENTICATION),
    ],
)
def test_a_word_on_the_access_is_a_verdict(answer: Answer, device_type: DeviceType, connection: Connection) -> None:
    reading = state_of(answer, DEVICE, device_type)
    assert reading is not None
    assert (reading.connection, reading.unread) == (connection, False)


@pytest.mark.parametrize(
    ("answer", "device_type"),
    [
        (Answer(200, {"state": "ACCOUNT_RATE_LIMITED"}), CAR),
        (Answer(200, {"state": "UNKNOWN_ERROR"}), CAR),
        (Answer(200, {"state": "SOMETHING_NEW"}), CAR),
        (Answer(200, {}), CAR),
        (Answer(200, []), CHARGER),
        (Answer(200, None), CHARGER),
        (Answer(404, None), CHARGER),
        (Answer(429, None), CAR),
        (Answer(401, {"message": "Unauthorized"}), CHARGER),
        (failure(412, "INVALID_REQUEST"), CHARGER),
        (failure(500, "CABLE_NOT_PLUGGED", user="PLUG_IN_CABLE"), CHARGER),
        (failure(503, "MALFORMED_RESPONSE"), CHARGER),
        (Answer(500, "x"), CHARGER),
    ],
)
def test_what_says_nothing_of_the_access_leaves_the_device_as_it_was(answer: Answer, device_type: DeviceType) -> None:
    reading = state_of(answer, DEVICE, device_type)
    assert reading is not None
    assert reading.unread


@pytest.mark.parametrize(
    ("answer", "device_type"),
    [
        (Answer(200, {"state": "DEVICE_DISCONNECTED"}), CAR),
        (failure(412, "DEVICE_DISCONNECTED", user="PERMANENTLY_DELETE_DEVICE"), CHARGER),
        (failure(412, "NOT_FOUND"), CHARGER),
        (failure(500, "ANY", dev="PERMANENTLY_DELETE_DEVICE"), CHARGER),
    ],
)
def test_a_device_that_left_the_vendors_account_is_not_named(answer: Answer, device_type: DeviceType) -> None:
    assert state_of(answer, DEVICE, device_type) is None


def test_the_customer_is_always_named_and_the_path_is_the_retailers(
    world: TelematicaWorld, serve: Callable[..., Scripted]
) -> None:
    server = serve(lambda _: reply(200, {"power": 7}))
    provider = world.made(base=server.url, state_path="v2/{device_type}/{device_id}")
    assert provider.traits.reads_known_devices
    assert [reading.connection for reading in read(provider)] == [Connection.WORKING]
    (asked,) = server.received
    assert (asked.method, asked.path) == ("GET", f"/v2/charger/{DEVICE}")
    assert asked.query == {"userId": [PSEUDONYM], "deviceType": ["charger"]}


def test_without_a_path_nobody_is_asked(world: TelematicaWorld, serve: Callable[..., Scripted]) -> None:
    server = serve(lambda _: reply(200, {}))
    provider = world.made(base=server.url)
    assert not provider.traits.reads_known_devices
    assert [reading.unread for reading in read(provider)] == [True]
    assert server.received == []


def test_one_device_that_cannot_be_asked_does_not_keep_the_others_from_being_read(
    world: TelematicaWorld, serve: Callable[..., Scripted]
) -> None:
    server = serve(lambda r: b"" if r.path.endswith(f"{'b' * 24}/state") else reply(200, {"state": "ACTIVE"}))
    provider = world.made(base=server.url, state_path=STATE_PATH)
    readings = provider.read_known(an_account(), {"b" * 24: CAR, DEVICE: CAR, "no id": CAR})
    assert [(r.provider_device_id, r.unread) for r in readings] == [("b" * 24, True), (DEVICE, False), ("no id", True)]
