"""Steps behind the page: each once at a time, none lost to another's failure."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from portal.journey.background import Background


@pytest.fixture
def background() -> Iterator[Background]:
    made = Background(workers=2)
    yield made
    made.close()


def test_a_step_under_way_is_not_started_a_second_time(background: Background) -> None:
    may_end, runs = threading.Event(), []

    def step() -> None:
        runs.append(1)
        may_end.wait(10)

    assert not background.run("one", step)
    assert not background.run("one", step, patience=0.01)
    may_end.set()
    assert background.run("one", step, patience=10)
    assert runs == [1]


def test_a_step_that_is_over_can_be_taken_again(background: Background) -> None:
    runs: list[int] = []
    for _ in range(3):
        assert background.run("one", lambda: runs.append(1), patience=10)
    assert len(runs) == 3


def test_steps_of_different_keys_run_side_by_side(background: Background) -> None:
    meeting = threading.Barrier(2)
    background.run("one", lambda: meeting.wait(10))
    assert background.run("two", lambda: meeting.wait(10), patience=10)
    assert not meeting.broken


def test_a_step_that_fails_is_reported_without_its_key_and_can_be_taken_again(
    background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    def failing() -> None:
        raise RuntimeError("a fault")

    assert background.run("advance:an-attempt", failing, patience=10)
    assert background.run("advance:an-attempt", failing, patience=10)
