"""The operator's look into the inbox of provider events: `portal events list`, `retry`."""

from collections.abc import Sequence
from datetime import datetime

import click

from portal.cli_database import opened_database
from portal.domain.provider_event import EventState
from portal.storage import provider_events
from portal.storage.provider_events import InboxEvent

TO_SEE = (EventState.QUARANTINED.value, EventState.DEAD.value)
HEADINGS = ("ID", "PROVIDER", "KIND", "HAPPENED", "CAME", "STATE", "CAUSE", "TRIES", "CUSTOMER", "DEVICES")


@click.group()
def events() -> None:
    """What providers told us by themselves, and what became of it."""


@events.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    default=TO_SEE,
    type=click.Choice([state.value for state in EventState]),
    help="Default: quarantined and dead, which wait for you. May be given several times.",
)
@click.option("--limit", default=100, show_default=True, type=click.IntRange(min=1), help="Only the latest so many.")
def list_events(states: Sequence[str], limit: int) -> None:
    """List events, newest first. Customers are named as their provider knows them."""
    with opened_database() as database, database.read() as tx:
        found = provider_events.listed(tx, frozenset(EventState(state) for state in states), limit=limit)
    if not found:
        click.echo("There are none.")
        return
    rows = [HEADINGS, *(_row(event) for event in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@events.command()
@click.argument("event_id")
def retry(event_id: str) -> None:
    """Have an event taken once more, within a minute."""
    with opened_database() as database, database.write() as tx:
        is_known = provider_events.retry(tx, event_id)
    if not is_known:
        raise click.ClickException("there is no event of this id")
    click.echo("It will be taken within a minute.")


def _row(event: InboxEvent) -> tuple[str, ...]:
    cells = (
        event.id,
        event.provider_key,
        event.kind,
        _when(event.occurred_at),
        _when(event.received_at),
        event.state,
        event.cause or "-",
        str(event.tries),
        event.pseudonym or "-",
        ",".join(event.device_ids) or "-",
    )
    return tuple(_plain(cell) for cell in cells)


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def _plain(cell: str) -> str:
    """What a provider wrote may not steer the operator's terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in cell)
