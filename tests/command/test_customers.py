"""The operator's commands about customers and what they missed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal.app import open_database
from portal.cli import main
from portal.domain.catalogue import DeviceType
from portal.domain.people import Customer, Identity
from portal.sandbox.configuration import SandboxConfig, portal_environment
from portal.settings import load
from portal.storage import customers, provider_accounts, vendor_requests
from portal.storage.database import Database

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OLD, NEW = "https://old.example", "https://new.example"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **portal_environment(SandboxConfig()),
        "PORTAL_PUBLIC_URL": "http://localhost:8000",
        "PORTAL_DATABASE_URL": f"sqlite:///{tmp_path}/portal.sqlite",
    }


@pytest.fixture
def database(environment: Mapping[str, str]) -> Iterator[Database]:
    with closing(open_database(load(environment))) as database:
        database.upgrade()
        yield database


def run(environment: Mapping[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env=dict(environment))


def signed_in(database: Database, issuer: str, subject: str) -> Customer:
    with database.write() as tx:
        return customers.signed_in(tx, Identity(issuer, subject), now=NOW)


def linked(database: Database, customer: Customer) -> None:
    with database.write() as tx:
        provider_accounts.ensure(tx, customer.id, "nox")


def test_customers_move_with_their_issuer(environment: Mapping[str, str], database: Database) -> None:
    anna, bela = (signed_in(database, OLD, subject) for subject in ("anna", "bela"))
    twice = signed_in(database, NEW, "bela")
    for customer in (anna, bela, twice):
        linked(database, customer)
    assert run(environment, "customers", "move-issuer", OLD, NEW, "--dry-run").output == "2 customers would move.\n"
    told = run(environment, "customers", "move-issuer", OLD, NEW)
    assert told.exit_code == 1
    held = f"left alone, devices are linked under both issuers: customer {bela.id}"
    assert told.output.splitlines() == ["1 customers moved.", held]
    assert signed_in(database, NEW, "anna").id == anna.id
    assert run(environment, "customers", "move-issuer", OLD, OLD).exit_code == 1


def test_what_customers_missed_is_listed(environment: Mapping[str, str], database: Database) -> None:
    assert run(environment, "vendor-requests", "list").output == "There are none.\n"
    anna, bela = (signed_in(database, OLD, subject) for subject in ("anna", "bela"))
    with database.write() as tx:
        for who, text in ((anna, "Zeekr"), (bela, "zeekr"), (bela, "=HYPERLINK(1)\x1b[31m")):
            vendor_requests.record(tx, customer_id=who.id, device_type=DeviceType.VEHICLE, text=text, now=NOW)
    heading, zeekr, odd = run(environment, "vendor-requests", "list").output.splitlines()
    assert heading.split() == ["TYPE", "MANUFACTURER", "CUSTOMERS", "REQUESTS", "LATEST"]
    assert (zeekr.split()[0], zeekr.split()[1].casefold()) == ("vehicle", "zeekr")
    assert zeekr.split()[2:] == ["2", "2", "2026-11-21"]
    assert "HYPERLINK(1)[31m" in odd
    assert "=" not in odd
    rows = list(csv.reader(io.StringIO(run(environment, "vendor-requests", "list", "--csv").output)))
    assert [len(row) for row in rows] == [5, 5, 5]
    later = run(environment, "vendor-requests", "list", "--since", "2026-11-22")
    assert later.output == "There are none.\n"
