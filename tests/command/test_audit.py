"""The operator's audit commands: whether the chain is whole, and an export that proves itself."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal.app import open_database
from portal.cli import main
from portal.domain.access import AccessEvent
from portal.sandbox.configuration import SandboxConfig, portal_environment
from portal.settings import load
from portal.storage.database import Database
from tests.storage.made import KEY
from tests.storage.tampering import tampered, written
from tests.support.databases import Databases

DAY = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TICKETS = ("T-1", '=HYPERLINK("x")', "'quoted", None, "two\r\nlines, Åsa")
MANUAL = Path(__file__).parents[2] / "docs" / "audit.md"


def migrate(url: str) -> None:
    with closing(Database(url, seal_key=KEY)) as database:
        database.upgrade()


@pytest.fixture
def environment(databases: Databases) -> Iterator[dict[str, str]]:
    """The settings of a portal with a migrated database."""
    url = databases.prepared("sqlite", migrate)
    public = {"PORTAL_PUBLIC_URL": "http://localhost:8000", "PORTAL_DATABASE_URL": url}
    yield portal_environment(SandboxConfig()) | public
    databases.discard(url)


@pytest.fixture
def database(environment: Mapping[str, str]) -> Iterator[Database]:
    with closing(open_database(load(environment))) as database:
        yield database


@pytest.fixture
def events(database: Database) -> list[AccessEvent]:
    """Five events, a day apart each."""
    return [written(database, at=DAY + timedelta(days=n), ticket=ticket) for n, ticket in enumerate(TICKETS)]


def run(environment: Mapping[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(main, ["audit", *arguments], env=dict(environment))


def exported(environment: Mapping[str, str], path: Path, *arguments: str) -> Path:
    answer = run(environment, "export", *arguments)
    assert answer.exit_code == 0
    path.write_bytes(answer.stdout_bytes)
    return path


def of_file(path: Path, *arguments: str) -> Result:
    """What the command says of a file where there is no portal and no setting."""
    return CliRunner().invoke(main, ["audit", "verify", "--file", str(path), *arguments], env={})


def test_an_empty_chain_is_whole(environment: Mapping[str, str], database: Database) -> None:
    answer = run(environment, "verify")
    assert (answer.exit_code, answer.output) == (0, f"There are no events yet.\nhead 0:{'0' * 64}\n")


def test_a_whole_chain_prints_its_head(
    environment: Mapping[str, str], database: Database, events: list[AccessEvent]
) -> None:
    answer = run(environment, "verify", "--head", f"5:{events[4].hash}", "--head", f"2:{events[1].hash}")
    assert answer.exit_code == 0
    assert answer.output == f"The chain is whole from event 1 to event 5.\nhead 5:{events[4].hash}\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE access_events SET outcome = '403' WHERE number IN (2, 4)", "event 2 was changed"),
        ("DELETE FROM access_events WHERE number = 3", "event 3 is missing"),
        ("DELETE FROM access_events WHERE number > 3", "event 4 is missing"),
        ("DELETE FROM access_head", "the head of the chain was removed"),
    ],
)
def test_the_first_break_is_named(
    environment: Mapping[str, str], database: Database, events: list[AccessEvent], change: str, said: str
) -> None:
    tampered(database, change)
    answer = run(environment, "verify")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith(f"The chain is broken: {said}")


def test_a_head_that_the_chain_does_not_pass_is_named(
    environment: Mapping[str, str], database: Database, events: list[AccessEvent]
) -> None:
    assert "event 6 of the given head is not there" in run(environment, "verify", "--head", f"6:{'a' * 64}").stderr
    assert "event 2 is not the one" in run(environment, "verify", "--head", f"2:{'a' * 64}").stderr
    assert run(environment, "verify", "--head", "2:abc").exit_code == 2


def test_what_came_after_a_head_is_verified_by_itself(
    environment: Mapping[str, str], database: Database, events: list[AccessEvent]
) -> None:
    tampered(database, "DELETE FROM access_events WHERE number = 1")
    answer = run(environment, "verify", "--after", f"2:{events[1].hash}")
    assert answer.output == f"The chain is whole from event 3 to event 5.\nhead 5:{events[4].hash}\n"
    answer = run(environment, "verify", "--after", f"5:{events[4].hash}")
    assert answer.output == f"There are no later events.\nhead 5:{events[4].hash}\n"
    assert run(environment, "verify", "--after", f"2:{'a' * 64}").exit_code == 1


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_is_verified_by_itself(
    environment: Mapping[str, str], tmp_path: Path, database: Database, events: list[AccessEvent], form: str
) -> None:
    path = exported(environment, tmp_path / "export", "--format", form)
    answer = of_file(path, "--head", f"3:{events[2].hash}")
    assert answer.output == f"The chain is whole from event 1 to event 5.\nhead 5:{events[4].hash}\n"
    assert of_file(path, "--head", f"6:{'a' * 64}").exit_code == 1


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_of_some_days_is_verified_by_itself_and_joins_what_was_before(
    environment: Mapping[str, str], tmp_path: Path, database: Database, events: list[AccessEvent], form: str
) -> None:
    period = ("--since", "2026-11-22", "--until", "2026-11-24T12:00:00Z")
    path = exported(environment, tmp_path / "export", "--format", form, *period)
    assert of_file(path).stdout.startswith("The chain is whole from event 2 to event 3.\n")
    assert of_file(path, "--head", f"1:{events[0].hash}").exit_code == 0
    assert of_file(path, "--head", f"1:{'a' * 64}").exit_code == 1


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda lines: [*lines[:2], lines[2].replace(b"agent-1", b"agent-2"), *lines[3:]], "was changed"),
        (lambda lines: [*lines[:2], *lines[3:]], "is missing"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], "stands where it does not belong"),
        (lambda lines: [*lines[:2], b"hello\r\n", *lines[3:]], "cannot be read"),
        (lambda lines: [*lines[:2], b"\xff\r\n", *lines[3:]], "cannot be read"),
        (lambda lines: [*lines[:2], lines[2][:40]], "cannot be read"),
    ],
)
@pytest.mark.usefixtures("events")
def test_a_changed_export_is_found(
    environment: Mapping[str, str], tmp_path: Path, form: str, edit: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    path = exported(environment, tmp_path / "export", "--format", form)
    path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))
    answer = of_file(path)
    assert answer.exit_code == 1
    assert said in answer.stderr


@pytest.mark.parametrize(
    "line",
    [
        '{"number": 1}',
        '{"number": 1, "number": 1}',
        "[1]",
        "{}",
        "{" * 5000,
        '{"a":' * 5000,
        "number,at",
        "",
    ],
)
def test_whatever_else_is_in_a_file_is_no_export(tmp_path: Path, line: str) -> None:
    path = tmp_path / "export"
    path.write_text(line)
    answer = of_file(path)
    assert (answer.exit_code, answer.stdout) == (1, "")


def test_a_field_that_stands_there_twice_is_refused(
    environment: Mapping[str, str], tmp_path: Path, database: Database, events: list[AccessEvent]
) -> None:
    path = exported(environment, tmp_path / "export")
    path.write_text(path.read_text().replace('{"number"', '{"actor": "nobody", "number"', 1))
    assert "event 1 cannot be read" in of_file(path).stderr


def test_a_spreadsheet_runs_nothing_that_was_typed_and_everything_comes_back(
    environment: Mapping[str, str], database: Database, events: list[AccessEvent]
) -> None:
    text = run(environment, "export", "--format", "csv").stdout_bytes.decode()
    heading, *rows = csv.reader(io.StringIO(text, newline=""))
    tickets = [row[heading.index("ticket")] for row in rows]
    assert tickets == ["T-1", '\'=HYPERLINK("x")', "''quoted", "", "two\r\nlines, Åsa"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_the_lines_of_json_hold_the_events_as_they_are(
    environment: Mapping[str, str], database: Database, events: list[AccessEvent]
) -> None:
    lines = [json.loads(line) for line in run(environment, "export").stdout.splitlines()]
    assert [(line["number"], line["ticket"], line["hash"]) for line in lines] == [
        (event.number, event.ticket, event.hash) for event in events
    ]


def test_an_event_that_cannot_be_read_stops_the_export_in_words(
    environment: Mapping[str, str], database: Database, events: list[AccessEvent]
) -> None:
    tampered(database, "UPDATE access_events SET at = 'yesterday' WHERE number = 3")
    answer = run(environment, "export")
    assert answer.exit_code == 1
    assert "run `portal audit verify`" in answer.stderr


def test_the_lines_in_the_manual_verify_an_export(environment: Mapping[str, str], events: list[AccessEvent]) -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    assert lines.count("\n") <= 10

    def verify(*export: str) -> tuple[str, str]:
        program = [sys.executable, "-c", lines]
        done = subprocess.run(program, input="".join(export), text=True, capture_output=True, check=False)
        return done.stdout, done.stderr

    first, second, third, *rest = run(environment, "export").stdout.splitlines(keepends=True)
    assert verify(first, second, third, *rest) == (f"5:{events[4].hash}\n", "")
    assert verify(second, third) == (f"3:{events[2].hash}\n", "")
    assert verify(first, third, *rest) == ("", "broken at event 3\n")
    assert verify(first, third, second, *rest) == ("", "broken at event 3\n")
    assert verify(first.replace('"T-1"', '"T-2"'), second) == ("", "broken at event 1\n")


def test_a_database_that_does_not_answer_is_said_to_be_so(environment: dict[str, str], tmp_path: Path) -> None:
    answer = run(environment | {"PORTAL_DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite"}, "verify")
    assert answer.exit_code == 1
    assert "the database does not answer" in answer.stderr


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_sign_ins_and_alarms_stand_in_the_same_chain_and_export(
    environment: Mapping[str, str], database: Database, events: list[AccessEvent], tmp_path: Path, form: str
) -> None:
    nothing = {"customer_id": None, "grant_id": None, "reason": None, "ticket": None}
    refused = {"actor": "nobody", "actor_role": "none", "action": "sign_in", "outcome": "refused staff_role"}
    written(database, **nothing, **refused, object_type="staff_subject", object_id="d" * 64)
    written(database, **nothing, action="sign_in", outcome="ok")
    last = written(database, action="many_customers", outcome="alarm 31")
    assert run(environment, "verify").exit_code == 0
    copy = exported(environment, tmp_path / "copy", "--format", form)
    assert "refused staff_role" in copy.read_text()
    answer = of_file(copy, "--head", f"{last.number}:{last.hash}")
    assert (answer.exit_code, last.number) == (0, len(events) + 3)
