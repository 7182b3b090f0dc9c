"""The operator's look at the deletions of customers: `portal deletions list`."""

import click

from portal.cli_database import opened_database
from portal.domain.deletion import Deletion, DeletionStep
from portal.storage import deletions as stored

HEADINGS = ("CUSTOMER", "ASKED FOR", "SYSTEM", "PROGRESS", "SINCE", "TRIES")


@click.group()
def deletions() -> None:
    """Customers who had their account deleted, and how far that has come."""


@deletions.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only those that are not over yet.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(min=1), help="Only the latest so many.")
def list_deletions(only_open: bool, limit: int) -> None:
    """List deletions, newest first, a line for each system. Customers are named by the number that the record has."""
    with opened_database() as database, database.read() as tx:
        found = [
            (deletion, stored.steps(tx, deletion.id))
            for deletion in stored.latest(tx, limit)
            if not (only_open and deletion.done_at is not None)
        ]
    if not found:
        click.echo("There are none.")
        return
    rows = [HEADINGS, *(_row(deletion, step) for deletion, steps in found for step in steps)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(deletion: Deletion, step: DeletionStep) -> tuple[str, ...]:
    since = step.changed_at
    return (
        deletion.customer_id,
        f"{deletion.asked_at:%Y-%m-%d %H:%M:%S}Z",
        step.system,
        step.progress,
        f"{since:%Y-%m-%d %H:%M:%S}Z",
        str(step.tries),
    )
