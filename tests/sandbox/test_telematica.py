"""Telematica as the portal meets it: sessions, revocation, and events that prove where they come from."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from standardwebhooks import Webhook, WebhookVerificationError

from portal.sandbox.program import RunningSandbox

Eventually = Callable[[Callable[[], bool]], None]


class Api(requests.Session):
    """A client with the app's token."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        super().__init__()
        self.trust_env = False
        self.base = f"{sandbox.url}/telematica/v1"
        self.returns = f"{sandbox.state.portal_url}/return/telematica"
        self.headers["Authorization"] = f"Bearer {sandbox.config.telematica_api_token}"

    def open(self, **more: Any) -> requests.Response:
        body = {"userId": "pseudonym-luc", "redirectUrl": self.returns, "deviceType": "charger", **more}
        return self.post(f"{self.base}/auth-sessions", json=body, timeout=10)

    def revoke(self, device_id: str, **body: str) -> requests.Response:
        return self.post(f"{self.base}/devices/{device_id}/revoke", json=body, timeout=10)

    def link(self, visitor: Any, username: str = "luc@example.com", **more: Any) -> list[str]:
        url = self.open(**{"brand": "EASEE", **more}).json()["url"]
        location = str(visitor.sign_in(url, username).headers["Location"])
        assert location.startswith(f"{self.returns}?devices=")
        return parse_qs(urlsplit(location).query)["devices"][0].split(",")


def received(listener: Any) -> list[dict[str, Any]]:
    return [json.loads(body) for _, _, body in listener.received]


def proves(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


@pytest.fixture
def api(sandbox: RunningSandbox) -> Any:
    with Api(sandbox) as session:
        yield session


@pytest.mark.parametrize(
    "wrong",
    [
        {"userId": ""},
        {"userId": None},
        {"deviceType": "heat_pump"},
        {"region": "MARS"},
        {"brand": "TESLA"},
        {"brand": "easee"},
        {"region": "US", "brand": "EASEE"},
        {"brandSubset": "EASEE"},
        {"metadata": "text"},
        {"redirectUrl": "http://elsewhere.example/"},
        {"callbackEnv": "production"},
        {"showSimulator": "yes"},
    ],
)
def test_a_wrong_session_is_refused_as_412(api: Api, wrong: dict[str, Any]) -> None:
    answer = api.open(**wrong)
    assert answer.status_code == 412
    assert answer.json()["error"] == "INVALID_REQUEST"
    assert answer.json()["statusCode"] == 412


def test_a_wrong_token_is_refused(api: Api) -> None:
    api.headers["Authorization"] = "Bearer wrong"
    assert api.open().status_code == 401
    assert api.revoke("0" * 24).status_code == 401


def test_the_answer_names_the_url_as_chosen(api: Api, sandbox: RunningSandbox) -> None:
    sandbox.state.choose_variants("telematica", {"session_key": "authUrl", "session_status": "201"})
    answer = api.open()
    assert answer.status_code == 201
    assert answer.json()["authUrl"].startswith(f"{sandbox.url}/telematica/connect?session=")


def test_the_vendor_list_follows_region_subset_exclusion_and_simulator(api: Api, visitor: Any) -> None:
    def offered(**more: Any) -> set[str]:
        page = visitor.look(api.open(**more).json()["url"]).text
        return {brand for brand in ("EASEE", "ZAPTEC", "WALLBOX", "SIMULATOR") if f'value="{brand}"' in page}

    assert offered() == {"EASEE", "ZAPTEC", "WALLBOX"}
    assert offered(region="US") == {"WALLBOX"}
    assert offered(brandSubset=["EASEE"]) == {"EASEE"}
    assert offered(excludeBrands=["EASEE"], showSimulator=True) == {"ZAPTEC", "WALLBOX", "SIMULATOR"}


def test_a_linked_device_is_announced_by_a_signed_event(
    api: Api, sandbox: RunningSandbox, listener: Any, visitor: Any, eventually: Eventually
) -> None:
    (device_id,) = api.link(visitor, metadata={"attempt": "a1"}, siteId="home")
    eventually(lambda: len(listener.received) == 1)
    path, headers, body = listener.received[0]
    assert path == "/webhooks/telematica"
    assert Webhook(sandbox.config.telematica_webhook_secret).verify(
        body, {name.replace("svix-", "webhook-"): value for name, value in headers.items()}
    )
    told = json.loads(body)
    assert (told["type"], told["user"]) == ("user.devices-connected", "pseudonym-luc")
    assert (told["metadata"], told["siteId"]) == ({"attempt": "a1"}, "home")
    assert told["devices"][0]["deviceId"] == device_id
    assert (told["devices"][0]["make"], told["devices"][0]["deviceType"]) == ("Easee", "charger")


def test_events_are_sent_again_until_accepted(api: Api, listener: Any, visitor: Any, eventually: Eventually) -> None:
    listener.statuses[:] = [401]
    api.link(visitor)
    eventually(lambda: len(listener.received) == 2)
    first, second = (headers for _, headers, _ in listener.received)
    assert first["svix-id"] == second["svix-id"]
    assert first["svix-timestamp"] < second["svix-timestamp"]
    assert first["svix-signature"] != second["svix-signature"]


def test_an_event_may_come_twice_though_it_was_taken(
    api: Api, sandbox: RunningSandbox, listener: Any, visitor: Any, eventually: Eventually
) -> None:
    sandbox.state.choose_variants("telematica", {"delivery": "twice"})
    api.link(visitor)
    eventually(lambda: len(listener.received) == 2)
    first, second = listener.received
    assert first[1]["svix-id"] == second[1]["svix-id"]
    assert first[2] == second[2]


def test_events_may_overtake_each_other(
    api: Api, sandbox: RunningSandbox, listener: Any, visitor: Any, eventually: Eventually
) -> None:
    sandbox.state.choose_variants("telematica", {"delivery": "shuffled"})
    (device_id,) = api.link(visitor)
    for _ in range(6):
        for action in ("break", "repair"):
            requests.post(f"{sandbox.url}/control/devices/telematica/{device_id}/{action}", timeout=10)
    eventually(lambda: len(listener.received) == 13)
    sent = [event["id"] for event in sandbox.state.events]
    came = [headers["svix-id"] for _, headers, _ in listener.received]
    assert sorted(came) == sorted(sent)
    assert came != sent


def test_events_may_never_come(api: Api, sandbox: RunningSandbox, visitor: Any) -> None:
    sandbox.state.choose_variants("telematica", {"events": "none", "event_timing": "before_return"})
    api.link(visitor)
    assert list(sandbox.state.events) == []


def test_one_secret_takes_the_place_of_another(api: Api, sandbox: RunningSandbox, listener: Any, visitor: Any) -> None:
    config = sandbox.config
    for signed_with, count, good in (
        ("current", 1, [True, False]),
        ("both", 2, [True, True]),
        ("next", 1, [False, True]),
    ):
        chosen = {"signed_with": signed_with, "header_names": "webhook", "event_timing": "before_return"}
        sandbox.state.choose_variants("telematica", chosen)
        api.link(visitor)
        _, headers, body = listener.received[-1]
        assert len(headers["webhook-signature"].split()) == count
        secrets = (config.telematica_webhook_secret, config.telematica_next_webhook_secret)
        assert [proves(secret, body, headers) for secret in secrets] == good


def test_header_names_metadata_place_and_timing_can_be_chosen(
    api: Api, sandbox: RunningSandbox, listener: Any, visitor: Any
) -> None:
    chosen = {"header_names": "webhook", "metadata_place": "nested", "event_timing": "before_return"}
    sandbox.state.choose_variants("telematica", chosen)
    api.link(visitor, metadata={"attempt": "a1"})
    ((_, headers, body),) = listener.received
    assert Webhook(sandbox.config.telematica_webhook_secret).verify(body, headers)
    assert "metadata" not in json.loads(body)
    assert json.loads(body)["devices"][0]["metadata"] == {"attempt": "a1"}


def test_a_late_event_is_late(
    api: Api, sandbox: RunningSandbox, listener: Any, visitor: Any, eventually: Eventually
) -> None:
    sandbox.state.set_faults("telematica", {"lag": 0.4})
    api.link(visitor)
    assert listener.received == []
    eventually(lambda: len(listener.received) == 1)


def test_breaking_and_signing_in_again_are_both_announced(
    api: Api, sandbox: RunningSandbox, listener: Any, visitor: Any, eventually: Eventually
) -> None:
    (device_id,) = api.link(visitor)
    eventually(lambda: len(listener.received) == 1)
    requests.post(f"{sandbox.url}/control/devices/telematica/{device_id}/break", timeout=10).raise_for_status()
    eventually(lambda: len(listener.received) == 2)
    broken = {"type": "user.devices-disconnected", "user": "pseudonym-luc", "devices": [device_id]}
    assert received(listener)[1] == broken
    assert api.link(visitor) == [device_id]
    eventually(lambda: len(listener.received) == 3)
    sandbox.state.choose_variants("telematica", {"id_on_relink": "new"})
    assert api.link(visitor) != [device_id]


def test_revoking_for_one_user_leaves_the_others(api: Api, sandbox: RunningSandbox, visitor: Any) -> None:
    (device_id,) = api.link(visitor)
    assert api.link(visitor, userId="pseudonym-partner") == [device_id]
    assert api.revoke(device_id, deviceType="charger", userId="pseudonym-luc").status_code == 200
    assert api.revoke(device_id, deviceType="charger", userId="pseudonym-luc").json()["error"] == "NOT_FOUND"
    left = [device.owner for device in sandbox.state.devices if device.removed_at is None]
    assert left == ["pseudonym-partner"]


def test_revoking_without_a_user_cuts_everybody_off(api: Api, sandbox: RunningSandbox, visitor: Any) -> None:
    (device_id,) = api.link(visitor)
    api.link(visitor, userId="pseudonym-partner")
    assert api.revoke(device_id).json()["error"] == "INVALID_REQUEST"
    assert api.revoke("xyz", deviceType="charger").json()["error"] == "INVALID_REQUEST"
    assert api.revoke(device_id, deviceType="charger").status_code == 200
    assert all(device.removed_at is not None for device in sandbox.state.devices)
