"""The operator's look into the inbox of provider events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal.app import open_database
from portal.cli_events import events
from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, DeviceReading
from portal.domain.provider_event import EventKind, EventState, ProviderEvent
from portal.sandbox.configuration import SandboxConfig, portal_environment
from portal.settings import load
from portal.storage import provider_events
from portal.storage.database import Database

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **portal_environment(SandboxConfig()),
        "PORTAL_PUBLIC_URL": "http://localhost:8000",
        "PORTAL_DATABASE_URL": f"sqlite:///{tmp_path}/portal.sqlite",
    }


@pytest.fixture
def inbox(environment: Mapping[str, str]) -> Iterator[Database]:
    with closing(open_database(load(environment))) as database:
        database.upgrade()
        yield database


def run(environment: Mapping[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(events, list(arguments), env=dict(environment))


def kept(inbox: Database, number: int, state: EventState, cause: str | None = None, user: str | None = "f" * 32) -> str:
    reading = DeviceReading("a" * 24, DeviceType.CHARGER, Connection.WORKING, nickname="The charger of Anna")
    connected, lapsed = (reading,) if number % 2 else (), () if number % 2 else ("b" * 24, "c" * 24)
    kind = EventKind.CONNECTED if number % 2 else EventKind.DISCONNECTED
    event = ProviderEvent("telematica", f"msg_{number}", kind, NOW, user, connected, lapsed)
    with inbox.write() as tx:
        event_id = provider_events.store(tx, event, now=NOW + timedelta(minutes=number))
        assert event_id is not None
        if state is not EventState.RECEIVED:
            provider_events.settle(tx, event_id, state, now=NOW, cause=cause)
    return event_id


def test_an_empty_inbox_is_said_to_be_empty(environment: Mapping[str, str], inbox: Database) -> None:
    assert run(environment, "list").output == "There are none.\n"


def test_what_waits_for_the_operator_is_listed_newest_first_and_says_nothing_of_the_devices(
    environment: Mapping[str, str], inbox: Database
) -> None:
    nobodys = kept(inbox, 1, EventState.QUARANTINED, "nobody", user=None)
    kept(inbox, 2, EventState.DONE)
    dead = kept(inbox, 4, EventState.DEAD, "ValueError")
    answer = run(environment, "list")
    heading, *rows = answer.output.splitlines()
    assert heading.split() == [
        "ID", "PROVIDER", "KIND", "HAPPENED", "CAME", "STATE", "CAUSE", "TRIES", "CUSTOMER", "DEVICES"
    ]  # fmt: skip
    assert [row.split() for row in rows] == [
        [dead, "telematica", "disconnected", "2026-11-21", "12:00:00Z", "2026-11-21", "12:04:00Z",
         "dead", "ValueError", "0", "f" * 32, f"{'b' * 24},{'c' * 24}"],
        [nobodys, "telematica", "connected", "2026-11-21", "12:00:00Z", "2026-11-21", "12:01:00Z",
         "quarantined", "nobody", "0", "-", "a" * 24],
    ]  # fmt: skip
    assert {row.index("2026-11-21") for row in rows} == {heading.index("HAPPENED")}
    assert "Anna" not in answer.output


def test_other_states_are_listed_when_asked_for(environment: Mapping[str, str], inbox: Database) -> None:
    new, done = kept(inbox, 1, EventState.RECEIVED), kept(inbox, 2, EventState.DONE)
    both = ("--state", "received", "--state", "done")
    assert [row.split()[0] for row in run(environment, "list", *both).output.splitlines()[1:]] == [done, new]
    assert [row.split()[0] for row in run(environment, "list", *both, "--limit", "1").output.splitlines()[1:]] == [done]
    assert run(environment, "list", "--state", "lost").exit_code == 2


def test_what_a_provider_wrote_does_not_steer_the_terminal(environment: Mapping[str, str], inbox: Database) -> None:
    kept(inbox, 1, EventState.QUARANTINED, "nobody", user="\x1b[2J\nroot")
    output = run(environment, "list").output
    assert "\x1b" not in output
    assert "?[2J?root" in output


def test_an_event_is_taken_once_more_when_the_operator_says_so(environment: Mapping[str, str], inbox: Database) -> None:
    event_id = kept(inbox, 1, EventState.QUARANTINED, "nobody")
    answer = run(environment, "retry", event_id)
    assert (answer.exit_code, answer.output) == (0, "It will be taken within a minute.\n")
    with inbox.read() as tx:
        assert provider_events.unfinished(tx, now=NOW, limit=10) == (event_id,)


def test_a_mistaken_id_is_told(environment: Mapping[str, str], inbox: Database) -> None:
    answer = run(environment, "retry", "unknown")
    assert (answer.exit_code, answer.output) == (1, "Error: there is no event of this id\n")


def test_settings_and_a_database_that_do_not_hold_are_told_in_a_line(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    assert "Error: the settings do not hold" in run({**environment, "PORTAL_PUBLIC_URL": "nonsense"}, "list").output
    answer = run({**environment, "PORTAL_DATABASE_URL": f"sqlite:///{tmp_path}"}, "list")
    assert answer.output == "Error: the database does not answer (OperationalError)\n"
