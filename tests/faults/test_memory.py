"""An answer without end costs little memory."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from portal.domain.link_session import State
from tests.faults.expectations import CELLS, Cell
from tests.faults.house import House
from tests.faults.story import Story

LITTLE = 20 * 1024
"""In KiB."""

PEAK = Path("/proc/self/clear_refs")
ENDLESS = [
    cell for cell in CELLS if str(cell.call) == "nox open link" and cell.fault.name in {"a gigabyte", "gzip bomb"}
]


@pytest.mark.skipif(not PEAK.exists(), reason="this system does not tell a process's peak")
@pytest.mark.parametrize("cell", ENDLESS, ids=lambda cell: str(cell.fault))
def test_an_answer_without_end_costs_little_memory(open_house: House, cell: Cell) -> None:
    fails(open_house, cell)  # once, for all that is kept from then on
    PEAK.write_text("5")
    before = kib("VmRSS")
    fails(open_house, cell)
    assert kib("VmHWM") - before < LITTLE


def fails(house: House, cell: Cell) -> None:
    with ExitStack() as stack:
        story = Story(house, cell, stack)
        story.up_to_the_call()
        house.worker.settle()
        assert story.attempt().state is not State.DEPARTED


def kib(name: str) -> int:
    """One figure of this process's memory."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])
