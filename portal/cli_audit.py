"""The audit of support's access: `portal audit verify` says whether it is whole, `portal audit export` copies it."""

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from portal.cli_database import opened_database
from portal.domain import access_lines
from portal.domain.access import NO_HASH, AccessEvent, Fault, FaultKind, Head, UnreadableEventError, Verdict, follow
from portal.storage import access_events

MOMENT = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"])
FORMS: dict[str, Callable[[Iterable[AccessEvent]], Iterator[str]]] = {
    "jsonl": access_lines.jsonl,
    "csv": access_lines.csv_lines,
}

SAID = {
    FaultKind.UNREADABLE: "event {} cannot be read, or was written by another version of the portal",
    FaultKind.CHANGED: "event {} was changed: it does not match its own hash",
    FaultKind.MISSING: "event {} is missing",
    FaultKind.MISPLACED: "event {} stands where it does not belong",
    FaultKind.UNCHAINED: "event {} does not follow the one before it: one of the two was replaced",
    FaultKind.HEAD_GONE: "the head of the chain was removed; the last event found is {}",
    FaultKind.HEAD_BEHIND: "event {} was added past the head of the chain",
    FaultKind.HEAD_DIFFERS: "event {} is the last and is not the one that the head of the chain names",
    FaultKind.KEPT_DIFFERS: "event {} is not the one that the given head names: the chain was made anew",
    FaultKind.KEPT_NOT_REACHED: "event {} of the given head is not there",
}


class HeadType(click.ParamType[Head]):
    """A head as `verify` prints it: NUMBER:HASH."""

    name = "number:hash"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Head:
        number, _, digest = value.partition(":")
        if not number.isdecimal() or len(digest) != len(NO_HASH) or set(digest) - set("0123456789abcdef"):
            self.fail("a head is a number, a colon and 64 hexadecimal digits", param, ctx)
        return Head(int(number), digest)


@click.group()
def audit() -> None:
    """What support saw and did: whether the record of it is whole, and a copy to take away."""


@audit.command()
@click.option(
    "--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="An export, not the database."
)
@click.option(
    "--head", "kept", type=HeadType(), multiple=True, help="A head that was kept elsewhere. May be given several times."
)
@click.option("--after", type=HeadType(), help="A head that was kept elsewhere, to look only at what came later.")
def verify(path: Path | None, kept: tuple[Head, ...], after: Head | None) -> None:
    """Follow the chain: exit 0 and print its head, or exit 1 and name the first break."""
    verdict = _verify_file(path, after, kept) if path else _verify_database(after, kept)
    if verdict.fault:
        click.echo(f"The chain is broken: {_sentence(verdict.fault)}.", err=True)
        sys.exit(1)
    if verdict.head == verdict.start:
        click.echo("There are no events yet." if after is None else "There are no later events.")
    else:
        click.echo(f"The chain is whole from event {verdict.start.number + 1} to event {verdict.head.number}.")
    click.echo(f"head {verdict.head}")


@audit.command()
@click.option("--since", type=MOMENT, help="A day or a moment in UTC, like 2026-11-21 or 2026-11-21T12:00:00Z.")
@click.option("--until", type=MOMENT, help="The same; events of this moment and later are left out.")
@click.option("--format", "form", type=click.Choice(list(FORMS)), default="jsonl", show_default=True)
def export(since: datetime | None, until: datetime | None, form: str) -> None:
    """Print the events, oldest first, with their hashes: the copy can be verified by itself."""
    try:
        with opened_database() as database, database.read() as tx:
            events = access_events.stretch(tx, since=_in_utc(since), until=_in_utc(until))
            sys.stdout.buffer.writelines(line.encode() for line in FORMS[form](events))
    except UnreadableEventError:
        raise click.ClickException("there is an event that cannot be read: run `portal audit verify`") from None


def _verify_database(after: Head | None, kept: tuple[Head, ...]) -> Verdict:
    with opened_database() as database, database.read() as tx:
        return access_events.verify(tx, after=after, kept=kept)


def _verify_file(path: Path, after: Head | None, kept: tuple[Head, ...]) -> Verdict:
    # Line ends are part of what is hashed, and a spreadsheet may have put a mark before the first line.
    with path.open(encoding="utf-8-sig", newline="") as lines:
        verdict = follow(access_lines.records(lines), start=after, kept=kept)
    if verdict.fault is None and verdict.head == verdict.start:
        raise click.ClickException("there is no event in the file, so there is nothing to verify")
    return verdict


def _sentence(fault: Fault) -> str:
    return SAID[fault.kind].format(fault.number)


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
