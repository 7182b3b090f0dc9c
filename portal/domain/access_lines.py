"""Access events as lines of an export, JSON or CSV, and back: an export can be verified by itself."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import chain
from typing import Any

from portal.domain.access import AccessEvent, Record, UnreadableEventError, as_record

FIELDS = tuple(field.name for field in fields(AccessEvent))
NUMBERS = frozenset({"number", "version"})
MAY_BE_EMPTY = frozenset({"customer_id", "grant_id", "reason", "ticket", "object_type", "object_id"})

STEERS_A_SPREADSHEET = ("=", "+", "-", "@", "\t", "\r", "'")
"""What a spreadsheet takes for a formula gets an apostrophe in front, and so does an apostrophe: it can be undone."""

SPLITS_ELSEWHERE = re.compile(r"""([;\t|])(?="*[=+\-@\t\r'])""")
STOOD_BEFORE = re.compile(r"""([;\t|])'(?="*[=+\-@\t\r'])""")
"""Where commas are for decimals a spreadsheet splits at these instead, and what follows begins a cell there."""


def jsonl(events: Iterable[AccessEvent]) -> Iterator[str]:
    """One JSON object a line."""
    for event in events:
        yield json.dumps(as_record(event)) + "\n"


def csv_lines(events: Iterable[AccessEvent]) -> Iterator[str]:
    """A heading and one row an event; what is not there is an empty cell."""
    yield _row(FIELDS)
    for event in events:
        yield _row(map(_cell, as_record(event).values()))


def records(lines: Iterable[str]) -> Iterator[Record]:
    """The events of an export of either form.

    The lines must have kept their own ends. Raises UnreadableEventError where something else stands among them.
    """
    rest = iter(lines)
    try:
        first = next(rest, "")
        whole = chain([first], rest)
        yield from _of_json(whole) if first.startswith("{") else _of_csv(whole)
    except (ValueError, RecursionError, csv.Error) as fault:
        raise UnreadableEventError from fault


def _of_json(lines: Iterable[str]) -> Iterator[Record]:
    for line in lines:
        if not line.strip():
            continue
        pairs: Any = json.loads(line, object_pairs_hook=list)
        # As pairs, a name that stands there twice is seen, of which a reader might take the one and we the other.
        if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
            raise UnreadableEventError
        if sorted(name for name, _ in pairs) != sorted(FIELDS):
            raise UnreadableEventError
        record = dict(pairs)
        if type(record["number"]) is not int or not isinstance(record["previous_hash"], str):
            raise UnreadableEventError
        yield record


def _of_csv(lines: Iterable[str]) -> Iterator[Record]:
    rows = csv.reader(lines, strict=True)
    if tuple(next(rows, FIELDS)) != FIELDS:
        raise UnreadableEventError
    for row in rows:
        if len(row) != len(FIELDS):
            raise UnreadableEventError
        yield {name: _value(name, cell) for name, cell in zip(FIELDS, row, strict=True)}


def _row(cells: Iterable[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: int | str | None) -> str:
    text = "" if value is None else str(value)
    text = SPLITS_ELSEWHERE.sub(r"\1'", text)
    return f"'{text}" if text.startswith(STEERS_A_SPREADSHEET) else text


def _value(name: str, cell: str) -> int | str | None:
    if name in NUMBERS:
        return int(cell)
    if not cell and name in MAY_BE_EMPTY:
        return None
    return STOOD_BEFORE.sub(r"\1", cell.removeprefix("'"))
