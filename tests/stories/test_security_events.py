"""Webhooks: an event proves who sent it and nothing else; what proves nothing is refused."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from portal.domain.device import Connection
from portal.domain.link_session import State
from portal.domain.provider_event import EventState
from portal.sandbox.program import RunningSandbox
from portal.storage import provider_events
from portal.storage.provider_events import InboxEvent
from tests.stories import strangers
from tests.stories.strangers import DAIKIN, EASEE
from tests.support.live import Installation
from tests.support.person import Person
from tests.support.webhooks import nox_headers, telematica_headers

Make = Callable[..., Person]
Headers = dict[str, str]

DEVICE = "a1" * 12
OTHER_SECRET = "whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldC1vdGhlcg=="


@pytest.fixture(scope="module")
def running(running_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with strangers.english_portal(running_sandbox, tmp_path_factory.mktemp("events")) as live:
        yield live


@pytest.fixture
def anna(live: Installation, person: Make) -> Person:
    anna = person()
    anna.sign_in("anna")
    return anna


def connected(user: str, device_id: str = DEVICE, device_type: str = "charger", **more: Any) -> bytes:
    """What Telematica tells of a device that its user has linked."""
    row = {"deviceId": device_id, "deviceType": device_type, "make": "Easee", "model": "Nobody's charger"}
    return json.dumps({"type": "user.devices-connected", "user": user, "devices": [row], **more}).encode()


def signed(live: Installation, body: bytes, *, secret: str = "", age: int = 0) -> Headers:
    """The headers that Telematica would send with it."""
    event_id = f"msg_{hashlib.sha256(body).hexdigest()}"
    secret = secret or live.sandbox.config.telematica_webhook_secret
    return telematica_headers(secret, event_id, int(time.time()) - age, body)


def send(live: Installation, body: bytes, headers: Headers, provider: str = "telematica") -> requests.Response:
    url = f"{live.url}/webhooks/{provider}"
    return requests.post(url, data=body, headers={"Content-Type": "application/json", **headers}, timeout=10)


def tells(live: Installation, body: bytes, headers: Headers, provider: str = "telematica") -> None:
    """Has a proven event taken in, and what it comes to done."""
    assert send(live, body, headers, provider).status_code == 204
    deadline = time.monotonic() + 30
    while any(event.state is EventState.RECEIVED for event in inbox(live)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def inbox(live: Installation) -> tuple[InboxEvent, ...]:
    """What an operator sees, newest first."""
    with live.database.read() as tx:
        return provider_events.listed(tx, frozenset(EventState), limit=100)


def pseudonym(live: Installation) -> str:
    """The newest customer as Telematica knows them."""
    users = [user for user in live.sandbox.state.users if user.provider == "telematica"]
    return str(users[-1].external_id)


def test_an_event_for_nobody_we_know_is_taken_and_shown_to_an_operator_alone(live: Installation, anna: Person) -> None:
    for user in ("f" * 32, "", "anna", "customer-anna", "anna@example.com", "' OR 1=1 --"):
        body = connected(user)
        tells(live, body, signed(live, body))
    assert live.devices() == ()
    assert {(event.state, event.cause) for event in inbox(live)} == {(EventState.QUARANTINED, "nobody")}
    assert "charger" not in anna.look("/devices").text


def test_an_event_for_a_customer_who_is_linking_nothing_shows_nothing(live: Installation, anna: Person) -> None:
    strangers.link(live, anna, EASEE)
    before = live.devices()
    for more in ({}, {"metadata": {"link_session": strangers.attempts(live)[0].id}}, {"link_session": "unknown"}):
        body = connected(pseudonym(live), **more)
        tells(live, body, signed(live, body))
    assert live.devices() == before
    assert {event.cause for event in inbox(live) if event.device_ids == (DEVICE,)} == {"no_attempt"}
    assert "Nobody's charger" not in anna.look("/devices").text


def test_an_event_of_another_device_is_no_part_of_an_attempt(live: Installation, anna: Person) -> None:
    """Started by somebody else at Telematica for this customer: the customer's own return does not name it."""
    connect_url = strangers.leave(anna, EASEE)
    for device_type in ("charger", "vehicle", "toaster"):
        body = connected(pseudonym(live), device_type=device_type)
        tells(live, body, signed(live, body))
    assert live.devices() == ()
    page = anna.look(strangers.sign_in_there(anna, connect_url, EASEE))
    anna.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)
    (device,) = live.devices()
    assert device.provider_device_id != DEVICE


def test_an_event_that_names_another_customers_attempt_moves_neither(
    live: Installation, person: Make, anna: Person
) -> None:
    strangers.leave(anna, EASEE)
    annas = strangers.attempts(live)[0].id
    bela = person()
    bela.sign_in("bela")
    strangers.leave(bela, EASEE)
    body = connected(pseudonym(live), metadata={"link_session": annas})
    tells(live, body, signed(live, body))
    for customer in (anna, bela):
        customer.look(f"/return/telematica?devices={DEVICE}&deviceType=charger")
    assert live.devices() == ()


def forgeries(live: Installation, body: bytes) -> dict[str, tuple[bytes, Headers]]:
    """Everything that is not quite Telematica's own word."""
    good = signed(live, body)
    stamp, proof = good["svix-timestamp"], good["svix-signature"]
    neutral = {name.replace("svix", "webhook"): value for name, value in good.items()}
    return {
        "unsigned": (body, {}),
        "signed by somebody else": (body, signed(live, body, secret=OTHER_SECRET)),
        "another body": (body + b" ", good),
        "another event": (body, {**good, "svix-id": "msg_2"}),
        "another time": (body, {**good, "svix-timestamp": str(int(stamp) - 1)}),
        "old": (body, signed(live, body, age=301)),
        "from the future": (body, signed(live, body, age=-400)),
        "a time that is none": (body, {**good, "svix-timestamp": "now"}),
        "a time with a sign": (body, {**good, "svix-timestamp": f"+{stamp}"}),
        "an empty signature": (body, {**good, "svix-signature": ""}),
        "half a signature": (body, {**good, "svix-signature": proof[:-4]}),
        "an unknown version": (body, {**good, "svix-signature": proof.replace("v1,", "v2,")}),
        "no version": (body, {**good, "svix-signature": proof.removeprefix("v1,")}),
        "behind too many others": (body, {**good, "svix-signature": "v1,AAAA " * 50 + proof}),
        "no id": (body, {**good, "svix-id": ""}),
        "mixed names": (body, {**good, "svix-signature": "", "webhook-signature": neutral["webhook-signature"]}),
        "the token instead": (body, {"Authorization": f"Bearer {live.sandbox.config.telematica_api_token}"}),
        "not text": (b"\xff\xfe", signed(live, b"\xff\xfe")),
    }


def test_an_event_that_is_not_proven_is_refused(live: Installation, anna: Person) -> None:
    connect_url = strangers.leave(anna, EASEE)
    before = strangers.untouched(live)
    for name, (body, headers) in forgeries(live, connected(pseudonym(live))).items():
        answer = send(live, body, headers)
        assert (answer.status_code, answer.text) == (401, ""), name
    assert strangers.untouched(live) == before
    anna.look(f"/return/telematica?devices={DEVICE}&deviceType=charger")
    assert live.devices() == ()
    page = anna.look(strangers.sign_in_there(anna, connect_url, EASEE))
    anna.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)


@pytest.mark.parametrize("digits", [10, 11, 12, 13, 400])
def test_a_time_that_no_calendar_has_is_refused(live: Installation, digits: int) -> None:
    headers = {**signed(live, b"{}"), "svix-timestamp": "9" * digits}
    assert send(live, b"{}", headers).status_code == 401


def test_nobody_can_say_that_a_device_is_lost_but_telematica_of_its_own_customer(
    live: Installation, anna: Person
) -> None:
    strangers.link(live, anna, EASEE)
    (device,) = live.devices()
    told = {"type": "user.devices-disconnected", "devices": [device.provider_device_id]}
    own = json.dumps({**told, "user": pseudonym(live)}).encode()
    others = json.dumps({**told, "user": "f" * 32}).encode()
    assert send(live, own, signed(live, own, secret=OTHER_SECRET)).status_code == 401
    tells(live, others, signed(live, others))
    assert live.devices()[0].connection is Connection.WORKING
    tells(live, own, signed(live, own))
    assert live.devices()[0].connection is Connection.NEEDS_REAUTHENTICATION


def test_a_proven_event_that_cannot_be_read_is_told_so(live: Installation) -> None:
    for body in (b"", b"{", b'{"type": "user.devices-connected", "type": "x"}', b"[" * 2000):
        answer = send(live, body, signed(live, body))
        assert (answer.status_code, answer.text) == (400, ""), body[:20]


def test_providers_that_send_no_events_have_no_say(live: Installation) -> None:
    body = connected("f" * 32)
    for provider, status in (("podero", 401), ("nox", 401), ("nobody", 404)):
        assert send(live, body, signed(live, body), provider).status_code == status
    assert send(live, b"x" * 300_000, signed(live, b"")).status_code == 413


def nox_says(
    user: str | None, value: object = True, event_type: str = "device.needs_reauthentication.updated"
) -> bytes:
    """What NOX tells of a user's device, as it claims."""
    metadata = {"device_id": None, "user_id": "x", "external_user_id": user, "brand": "DAIKIN"}
    data = {"value": value, "previous_value": None}
    return json.dumps({"id": "evt_1", "type": event_type, "data": data, "metadata": metadata}).encode()


def signed_by_nox(live: Installation, body: bytes, *, key: str = "", age: int = 0) -> Headers:
    event_id = f"evt_{hashlib.sha256(body).hexdigest()}:updated"
    return nox_headers(key or live.sandbox.config.nox_api_key, event_id, int(time.time()) - age, body)


def test_what_nox_says_of_a_device_is_asked_for_and_not_believed(live: Installation, anna: Person) -> None:
    strangers.link(live, anna, DAIKIN)
    (device,) = live.devices()
    (user,) = {user.external_id for user in live.sandbox.state.users if user.provider == "nox"}
    asked = len(strangers.calls(live, "nox", "GET"))
    for value in (True, "true", 1, None):
        body = nox_says(user, value)
        tells(live, body, signed_by_nox(live, body), "nox")
    deadline = time.monotonic() + 30
    while len(strangers.calls(live, "nox", "GET")) == asked:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert [(known.id, known.connection) for known in live.devices()] == [(device.id, Connection.WORKING)]


def test_what_is_not_quite_nox_s_own_word_is_refused(live: Installation) -> None:
    body = nox_says("f" * 32)
    good = signed_by_nox(live, body)
    stamp, proof = good["X-Webhook-Timestamp"], good["X-Webhook-Signature"]
    forgeries = {
        "unsigned": (body, {}),
        "signed by somebody else": (body, signed_by_nox(live, body, key="another key")),
        "another body": (body + b" ", good),
        "another time": (body, {**good, "X-Webhook-Timestamp": str(int(stamp) - 1)}),
        "old": (body, signed_by_nox(live, body, age=302)),
        "from the future": (body, signed_by_nox(live, body, age=-302)),
        "a time that is none": (body, {**good, "X-Webhook-Timestamp": "now"}),
        "half a signature": (body, {**good, "X-Webhook-Signature": proof[:-2]}),
        "no scheme": (body, {**good, "X-Webhook-Signature": proof.removeprefix("sha256=")}),
        "no id": (body, {**good, "X-Webhook-Id": ""}),
        "signed as telematica does": (body, signed(live, body)),
    }
    for name, (sent, headers) in forgeries.items():
        answer = send(live, sent, headers, "nox")
        assert (answer.status_code, answer.text) == (401, ""), name
    assert inbox(live) == ()


def test_nox_about_nobody_we_know_is_shown_to_an_operator_alone(live: Installation) -> None:
    for user in ("f" * 32, None):
        body = nox_says(user)
        tells(live, body, signed_by_nox(live, body), "nox")
    assert {(event.state, event.cause) for event in inbox(live)} == {(EventState.QUARANTINED, "nobody")}
    body = nox_says("f" * 32, event_type="supplier.invoice.created")
    tells(live, body, signed_by_nox(live, body), "nox")
    assert len(inbox(live)) == 2
