"""An export of the record is safe in every spreadsheet, and comes back as it was."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.access import NO_HASH, AccessEvent
from portal.domain.access_lines import csv_lines, records

STEERS = ("=", "+", "-", "@", "\t", "\r")


def event(ticket: str) -> AccessEvent:
    at = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    told = {"reason": "other", "ticket": ticket, "customer_id": None, "grant_id": None}
    about = {"object_type": None, "object_id": None, "outcome": "200", "request_reference": "r"}
    return AccessEvent(1, at, "sam", "agent", action="GET x", previous_hash=NO_HASH, hash=NO_HASH, **told, **about)


def cells_anywhere(line: str) -> list[str]:
    """What becomes a cell somewhere: split at commas by the book, and at other signs as it comes."""
    (by_the_book,) = csv.reader(io.StringIO(line, newline=""))
    return [*by_the_book, *(cell.strip('"') for cell in re.split(r"[;\t|]", line.strip()))]


HOSTILE = [
    "T-1;=cmd|' /C calc'!A0;",
    ";=1",
    "a;+1",
    "a\t@SUM(1)",
    "=1;=2",
    ";'=1",
    ";;=1",
    "a|-1",
    "'=1",
    "a;'b",
    "a; =1",
]
SIGNS = st.text(alphabet="=+-@\t'; |a\"", max_size=12)


@pytest.mark.parametrize("ticket", HOSTILE)
def test_no_cell_runs_anything_wherever_it_is_opened(ticket: str) -> None:
    _, line = csv_lines([event(ticket)])
    assert not any(cell.startswith(STEERS) for cell in cells_anywhere(line)), line


@given(SIGNS)
def test_whatever_is_typed_comes_back(ticket: str) -> None:
    heading, line = csv_lines([event(ticket)])
    (came,) = records([heading, *line.splitlines(keepends=True)])
    assert came["ticket"] == (ticket or None)
    assert not any(cell.startswith(STEERS) for cell in cells_anywhere(line)), line
