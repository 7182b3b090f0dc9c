"""The address for providers' events: what it takes, what it refuses, and that a yes means stored."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.app import create_app
from portal.domain.provider_event import EventState
from portal.sandbox.program import RunningSandbox
from portal.settings import load
from portal.storage import database, provider_events
from portal.storage.database import Database
from portal.web.wiring import Portal
from tests.support.databases import Databases
from tests.support.live import environment
from tests.support.webhooks import nox_headers, telematica_headers
from tests.web.conftest import ENGLISH

NEW = "whsec_bmV3LXNlY3JldC1uZXctc2VjcmV0LW5ldy1zZWNyZXQ="
OLD = "whsec_b2xkLXNlY3JldC1vbGQtc2VjcmV0LW9sZC1zZWNyZXQ="
LARGEST = 128 * 1024
URL = "http://localhost:5000"


@dataclass
class Door:
    """The portal as a provider meets it, without anybody behind the pages."""

    app: Flask

    def told(self, body: bytes, headers: dict[str, str], provider: str = "telematica") -> TestResponse:
        return self.app.test_client().post(f"/webhooks/{provider}", data=body, headers=headers, base_url=URL)

    @property
    def database(self) -> Database:
        portal: Portal = self.app.extensions["portal"]
        return portal.ports.database

    def stored(self) -> int:
        with self.database.read() as tx:
            return len(provider_events.listed(tx, frozenset(EventState), limit=100))


def opened(sandbox: RunningSandbox, folder: Path, database_url: str) -> Door:
    more = {
        "PORTAL_TELEMATICA__WEBHOOK_SECRET": f"{NEW},{OLD}",
        "PORTAL_NOX__WEBHOOK_SECRET": "new-key-new-key-new-key,old-key-old-key-old-key",
        "PORTAL_QUEUE_FILE": f"{folder}/queue",
    }
    return Door(create_app(load({**environment(sandbox, URL, database_url), **ENGLISH, **more})))


def migrate(url: str) -> None:
    with closing(Database(url, seal_key=b"")) as empty:
        empty.upgrade()


@pytest.fixture
def database_file(databases: Databases) -> Iterator[str]:
    url = databases.prepared("sqlite", migrate)
    yield url
    databases.discard(url)


@pytest.fixture
def door(web_sandbox: RunningSandbox, tmp_path: Path, database_file: str) -> Iterator[Door]:
    opened_door = opened(web_sandbox, tmp_path, database_file)
    yield opened_door
    opened_door.database.close()


def an_event(**differing: object) -> bytes:
    told = {"type": "user.devices-disconnected", "user": "f" * 32, "devices": ["a" * 24]}
    return json.dumps({**told, **differing}).encode()


def signed(body: bytes, *, secret: str = NEW, family: str = "svix", age: int = 0) -> dict[str, str]:
    event_id = f"msg_{hashlib.sha256(body).hexdigest()}"
    return telematica_headers(secret, event_id, int(time.time()) - age, body, family=family)


def assert_bare(answer: TestResponse, status: int) -> None:
    """A program is answered without a page, a cookie or a word."""
    assert (answer.status_code, answer.text) == (status, "")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("family", ["svix", "webhook", "Svix", "WEBHOOK"])
@pytest.mark.parametrize("secret", [NEW, OLD])
def test_both_spellings_and_both_live_secrets_are_accepted(door: Door, family: str, secret: str) -> None:
    body = an_event()
    assert_bare(door.told(body, signed(body, secret=secret, family=family)), 204)
    assert door.stored() == 1


@pytest.mark.parametrize("age", [-295, 295])
def test_clocks_may_differ_by_minutes(door: Door, age: int) -> None:
    body = an_event()
    assert_bare(door.told(body, signed(body, age=age)), 204)


@pytest.mark.parametrize("age", [-305, 305, 86400])
def test_an_event_of_another_time_is_refused(door: Door, age: int) -> None:
    body = an_event()
    assert_bare(door.told(body, signed(body, age=age)), 401)
    assert door.stored() == 0


def test_an_event_told_again_is_stored_once(door: Door) -> None:
    body = an_event()
    for age in (10, 0):
        assert_bare(door.told(body, signed(body, age=age)), 204)
    assert door.stored() == 1


def test_an_event_of_no_interest_is_accepted_and_not_kept(door: Door) -> None:
    body = an_event(type="vehicle.charging-status")
    assert_bare(door.told(body, signed(body)), 204)
    assert door.stored() == 0


def test_a_body_is_read_up_to_its_limit_and_no_further(door: Door) -> None:
    longest = an_event(filler="")
    longest = an_event(filler="x" * (LARGEST - len(longest)))
    assert len(longest) == LARGEST
    assert_bare(door.told(longest, signed(longest)), 204)
    too_long = longest.replace(b"xx", b"xxx", 1)
    assert door.told(too_long, signed(too_long)).status_code == 413
    assert door.stored() == 1


def test_what_is_refused_is_refused_without_a_word(door: Door) -> None:
    body = an_event()
    assert_bare(door.told(body, {}), 401)
    assert_bare(door.told(b"{", signed(b"{")), 400)
    assert_bare(door.told(body, signed(body), "nobody"), 404)
    assert_bare(door.told(body, signed(body), "podero"), 401)
    assert door.app.test_client().get("/webhooks/telematica", base_url=URL).status_code == 405
    assert door.stored() == 0


def test_while_the_database_is_away_its_sender_is_to_come_again(web_sandbox: RunningSandbox, tmp_path: Path) -> None:
    body = an_event()
    assert_bare(opened(web_sandbox, tmp_path, f"sqlite:///{tmp_path}").told(body, signed(body)), 503)


def test_while_the_database_is_locked_its_sender_is_to_come_again(
    door: Door, database_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_PATIENCE", 0)
    body = an_event()
    with closing(sqlite3.connect(database_file.removeprefix("sqlite:///"), isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert_bare(door.told(body, signed(body)), 503)
    assert_bare(door.told(body, signed(body)), 204)
    assert door.stored() == 1


def nox_event() -> bytes:
    metadata = {"device_id": None, "user_id": "x", "external_user_id": "f" * 32, "brand": "DAIKIN"}
    told = {"id": "evt_1", "type": "device.needs_reauthentication.updated", "data": {"value": True}}
    return json.dumps({**told, "metadata": metadata}).encode()


@pytest.mark.parametrize("key", ["new-key-new-key-new-key", "old-key-old-key-old-key"])
@pytest.mark.parametrize("age", [-295, 295])
def test_nox_proves_itself_with_either_live_secret(door: Door, key: str, age: int) -> None:
    body = nox_event()
    assert_bare(door.told(body, nox_headers(key, "evt_1:updated", int(time.time()) - age, body), "nox"), 204)
    assert door.stored() == 1


def test_nox_is_refused_out_of_its_time_with_another_key_or_too_long_a_body(door: Door) -> None:
    body, now, key = nox_event(), int(time.time()), "new-key-new-key-new-key"
    assert_bare(door.told(body, nox_headers(key, "evt_1:updated", now - 305, body), "nox"), 401)
    assert_bare(door.told(body, nox_headers(key, "evt_1:updated", now + 305, body), "nox"), 401)
    assert_bare(door.told(body, nox_headers("another key", "evt_1:updated", now, body), "nox"), 401)
    too_long = body + b" " * LARGEST
    assert door.told(too_long, nox_headers(key, "evt_1:updated", now, too_long), "nox").status_code == 413
    assert door.stored() == 0
