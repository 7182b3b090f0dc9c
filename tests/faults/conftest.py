"""The house for the fault stories, and the line at the end of all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal.sandbox.program import RunningSandbox
from tests.faults.house import House, house


@pytest.fixture(scope="module")
def open_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with (
        pytest.MonkeyPatch.context() as patch,
        RunningSandbox() as sandbox,
        house(sandbox, tmp_path_factory.mktemp("faults"), patch) as opened,
    ):
        yield opened


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """How much of the matrix was walked."""
    if "torture" not in str(config.getoption("markexpr")):
        return
    reports = {name: terminalreporter.getreports(name) for name in ("passed", "failed", "error")}
    told = {name: sum("tests/faults/" in report.nodeid for report in found) for name, found in reports.items()}
    words = ", ".join(f"{number} {name}" for name, number in told.items())
    terminalreporter.write_line(f"torture: {sum(told.values())} cells, {words}")
