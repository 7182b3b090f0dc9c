"""The operator's look at the deletions of customers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from portal.app import open_database
from portal.cli_deletions import deletions
from portal.domain.deletion import PORTAL, Deletion, Progress
from portal.sandbox.configuration import SandboxConfig, portal_environment
from portal.settings import load
from portal.storage import deletions as stored
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
def database(environment: Mapping[str, str]) -> Iterator[Database]:
    with closing(open_database(load(environment))) as opened:
        opened.upgrade()
        yield opened


def listed(environment: Mapping[str, str], *options: str) -> list[list[str]]:
    done = CliRunner().invoke(deletions, ["list", *options], env=dict(environment))
    assert done.exit_code == 0, done.output
    return [line.split() for line in done.output.splitlines()]


def asked_for(database: Database, number: int) -> Deletion:
    deletion = Deletion(f"deletion-{number}", f"customer-{number}", NOW + timedelta(hours=number), None)
    with database.write() as tx:
        stored.begin(tx, deletion, ("podero", "nox"), receipt=f"receipt {number}")
    return deletion


def test_that_there_are_none_is_said(environment: Mapping[str, str], database: Database) -> None:
    assert listed(environment) == [["There", "are", "none."]]


def test_each_system_has_a_line_with_how_it_stands(environment: Mapping[str, str], database: Database) -> None:
    first, _ = asked_for(database, 1), asked_for(database, 2)
    with database.write() as tx:
        stored.tried(tx, first.id, "nox", now=NOW)
        stored.settle(tx, first.id, "podero", Progress.GIVEN_UP, now=NOW + timedelta(days=3))
    headings, *lines = listed(environment)
    assert headings == ["CUSTOMER", "ASKED", "FOR", "SYSTEM", "PROGRESS", "SINCE", "TRIES"]
    assert [(line[0], line[3], line[4]) for line in lines] == [
        ("customer-2", "nox", "under_way"),
        ("customer-2", "podero", "under_way"),
        ("customer-2", "portal", "under_way"),
        ("customer-1", "nox", "under_way"),
        ("customer-1", "podero", "given_up"),
        ("customer-1", "portal", "under_way"),
    ]
    assert lines[4][5:] == ["2026-11-24", "12:00:00Z", "1"]


def test_those_that_are_over_can_be_left_out(environment: Mapping[str, str], database: Database) -> None:
    first, second = asked_for(database, 1), asked_for(database, 2)
    with database.write() as tx:
        for system in ("podero", "nox", PORTAL):
            stored.settle(tx, first.id, system, Progress.DONE, now=NOW)
        stored.done(tx, first.id, now=NOW)
    assert {line[0] for line in listed(environment, "--open")[1:]} == {second.customer_id}
    assert {line[0] for line in listed(environment)[1:]} == {first.customer_id, second.customer_id}
