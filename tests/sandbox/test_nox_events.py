"""NOX's events: what the portal is told, how it can prove who says so, and what happens when it does not listen."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from portal.sandbox.program import RunningSandbox

Eventually = Callable[[Callable[[], bool]], None]
FIRST = "device.linked.updated"
BROKEN = {
    "device.needs_reauthentication.updated": (True, False),
    "device.steerable_status.steerable.updated": (False, True),
}


class Household:
    """A customer with a heat pump at NOX, and what the portal hears of it."""

    def __init__(self, sandbox: RunningSandbox, listener: Any, visitor: Any) -> None:
        self.sandbox, self.listener, self.visitor = sandbox, listener, visitor

    def choose(self, **variants: str) -> None:
        self.sandbox.state.choose_variants("nox", variants)

    def link(self) -> str:
        returns = f"{self.sandbox.state.portal_url}/return/nox"
        opened = requests.post(
            f"{self.sandbox.url}/nox/v2/supplier/link-sessions",
            json={"user_id": "pseudonym-daan", "redirect_url": returns, "asset_type": "hp", "brand": "daikin"},
            headers={"x-api-key": self.sandbox.config.nox_api_key},
            timeout=10,
        )
        answer = self.visitor.sign_in(opened.json()["link_url"], "daan@example.com")
        assert "data" in parse_qs(urlsplit(answer.headers["Location"]).query)
        return self.sandbox.state.devices[-1].id

    def do(self, device_id: str, action: str) -> None:
        url = f"{self.sandbox.url}/control/devices/nox/{device_id}/{action}"
        requests.post(url, timeout=10).raise_for_status()

    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.listener.received]

    def headers(self) -> list[dict[str, str]]:
        return [headers for _, headers, _ in self.listener.received]


@pytest.fixture
def home(sandbox: RunningSandbox, listener: Any, visitor: Any) -> Household:
    return Household(sandbox, listener, visitor)


def test_a_linked_device_is_announced(home: Household, eventually: Eventually) -> None:
    device_id = home.link()
    eventually(lambda: len(home.heard()) == 1)
    ((path, headers, body),) = home.listener.received
    told = json.loads(body)
    assert path == "/webhooks/nox"
    assert headers["content-type"] == "application/json"
    assert headers["x-webhook-id"] == f"{told['id']}:{FIRST}"
    assert told["id"].startswith("evt_")
    assert (told["type"], told["data"]) == (FIRST, {"value": True, "previous_value": False})
    assert told["metadata"] == {
        "device_id": device_id,
        "user_id": home.sandbox.state.devices[0].owner,
        "external_user_id": "pseudonym-daan",
        "brand": "daikin",
        "energy_supplier": "Example Energy",
    }
    assert abs(int(headers["x-webhook-timestamp"]) - time.time()) < 60


def test_breaking_repairing_and_removing_are_told_one_property_at_a_time(
    home: Household, eventually: Eventually
) -> None:
    home.choose(event_timing="before_return")
    device_id = home.link()
    for action in ("break", "repair", "remove"):
        home.do(device_id, action)
        eventually(lambda: all(event["over"] for event in home.sandbox.state.events))
    told = [(event["type"], (event["data"]["value"], event["data"]["previous_value"])) for event in home.heard()]
    assert dict(told[1:3]) == BROKEN
    assert dict(told[3:5]) == {kind: (before, after) for kind, (after, before) in BROKEN.items()}
    assert told[5:] == [(FIRST, (False, True))]


def test_what_changed_together_has_one_event_id_and_two_delivery_ids(home: Household, eventually: Eventually) -> None:
    home.do(home.link(), "break")
    eventually(lambda: len(home.heard()) == 3)
    together = [event for event in home.heard() if event["type"] in BROKEN]
    assert len({event["id"] for event in together}) == 1
    assert len({headers["x-webhook-id"] for headers in home.headers()}) == 3


@pytest.mark.parametrize(
    ("signed_text", "template"),
    [
        ("timestamp.body", "{timestamp}.{body}"),
        ("id.timestamp.body", "{id}.{timestamp}.{body}"),
        ("body", "{body}"),
    ],
)
def test_the_signature_is_made_with_the_suppliers_key(
    home: Household, eventually: Eventually, signed_text: str, template: str
) -> None:
    home.choose(signed_text=signed_text)
    home.link()
    eventually(lambda: len(home.heard()) == 1)
    ((_, headers, body),) = home.listener.received
    signed = template.format(id=headers["x-webhook-id"], timestamp=headers["x-webhook-timestamp"], body=body.decode())
    expected = hmac.new(home.sandbox.config.nox_api_key.encode(), signed.encode(), hashlib.sha256).hexdigest()
    assert headers["x-webhook-signature"] == f"sha256={expected}"


def test_the_device_may_be_named_by_the_vendors_id_or_not_at_all(home: Household, eventually: Eventually) -> None:
    home.choose(event_device_id="vendor")
    home.link()
    home.choose(event_device_id="null")
    home.link()
    eventually(lambda: len(home.heard()) == 2)
    named = {event["metadata"]["device_id"] for event in home.heard()}
    assert named == {home.sandbox.state.devices[0].physical.serial, None}


def test_an_event_the_portal_could_not_take_comes_again_with_a_new_time(
    home: Household, eventually: Eventually
) -> None:
    home.listener.statuses[:] = [503]
    home.link()
    eventually(lambda: len(home.heard()) == 2)
    first, second = home.headers()
    assert first["x-webhook-id"] == second["x-webhook-id"]
    assert first["x-webhook-timestamp"] < second["x-webhook-timestamp"]
    assert first["x-webhook-signature"] != second["x-webhook-signature"]


def test_it_may_also_come_again_just_as_it_was(home: Household, eventually: Eventually) -> None:
    home.choose(redelivery_time="first")
    home.listener.statuses[:] = [500]
    home.link()
    eventually(lambda: len(home.heard()) == 2)
    first, second = home.listener.received
    assert first[1] == second[1]
    assert first[2] == second[2]


@pytest.mark.parametrize(
    ("answers", "redelivery"), [([401], "several"), ([404], "several"), ([500], "never"), ([302, 500], "single")]
)
def test_a_refused_event_or_one_out_of_tries_never_comes_again(
    home: Household, eventually: Eventually, answers: list[int], redelivery: str
) -> None:
    home.choose(redelivery=redelivery)
    home.listener.statuses[:] = [*answers]
    home.link()
    (event,) = home.sandbox.state.events
    eventually(lambda: event["over"])
    assert (event["attempts"], event["delivered"]) == (answers, False)
    assert len(home.heard()) == len(answers)
    assert "given up" in home.visitor.look(home.sandbox.url).text


def test_an_event_may_come_twice_though_it_was_taken(home: Household, eventually: Eventually) -> None:
    home.choose(delivery="twice")
    home.link()
    eventually(lambda: len(home.heard()) == 2)
    first, second = home.headers()
    assert first["x-webhook-id"] == second["x-webhook-id"]
    assert home.heard()[0] == home.heard()[1]


def test_there_may_be_no_events_at_all(home: Household) -> None:
    home.choose(events="none", event_timing="before_return")
    home.do(home.link(), "break")
    assert list(home.sandbox.state.events) == []
    assert home.heard() == []


def test_an_event_may_be_there_before_the_browser_and_before_the_list(home: Household) -> None:
    home.choose(event_timing="before_return")
    home.sandbox.state.set_faults("nox", {"lag": 60})
    home.link()
    assert len(home.heard()) == 1
    key = {"x-api-key": home.sandbox.config.nox_api_key}
    assert requests.get(f"{home.sandbox.url}/v1/devices", headers=key, timeout=10).json()["data"] == []


def test_the_control_page_shows_the_events_without_the_key(home: Household, eventually: Eventually) -> None:
    home.link()
    (event,) = home.sandbox.state.events
    eventually(lambda: event["attempts"] == [204])
    page = home.visitor.look(home.sandbox.url).text
    assert f"nox {FIRST}</code> → 204" in page
    assert home.sandbox.config.nox_api_key not in page
