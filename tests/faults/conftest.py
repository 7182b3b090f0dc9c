"""The house for the fault stories, which of them are told by default, and the line at the end of all of them."""

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the whole matrix only the sample, unless the matrix is asked for."""
    if "torture" in str(config.getoption("markexpr")):
        return
    left_out = [item for item in items if item.get_closest_marker("torture") and not item.get_closest_marker("sample")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """How much of the matrix was walked."""
    if "torture" not in str(config.getoption("markexpr")):
        return
    told = {name: len(terminalreporter.getreports(name)) for name in ("passed", "failed", "error")}
    words = ", ".join(f"{number} {name}" for name, number in told.items())
    terminalreporter.write_line(f"torture: {sum(told.values())} cells, {words}")
