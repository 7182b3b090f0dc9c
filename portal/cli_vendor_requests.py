"""The manufacturers that customers missed: `portal vendor-requests list`."""

import csv
import sys
from datetime import UTC, datetime

import click

from portal.cli_database import opened_database
from portal.storage import vendor_requests as stored

HEADINGS = ("TYPE", "MANUFACTURER", "CUSTOMERS", "REQUESTS", "LATEST")


@click.group("vendor-requests")
def vendor_requests() -> None:
    """The manufacturers that customers looked for and did not find."""


@vendor_requests.command("list")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only what was asked for since this day (UTC).")
@click.option("--csv", "as_csv", is_flag=True, help="As comma-separated values.")
def list_requests(since: datetime | None, as_csv: bool) -> None:
    """List them, what most customers asked for first. Spellings that differ only in case or accents count as one."""
    with opened_database() as database, database.read() as tx:
        found = stored.wanted(tx, since=since.replace(tzinfo=UTC) if since else None)
    if not found and not as_csv:
        click.echo("There are none.")
        return
    rows = [HEADINGS, *(_row(wanted) for wanted in found)]
    if as_csv:
        csv.writer(sys.stdout).writerows(rows)
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(wanted: stored.Wanted) -> tuple[str, ...]:
    # Customers wrote it: what a terminal or a spreadsheet would take for a command is kept from both.
    text = "".join(letter for letter in wanted.text if letter.isprintable()).lstrip("=+-@ ")
    return (wanted.device_type, text, str(wanted.customers), str(wanted.requests), f"{wanted.latest_at:%Y-%m-%d}")
