"""How often devices are read by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.pace import next_reading

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "pause"),
    [
        (timedelta(0), timedelta(minutes=5)),
        (timedelta(minutes=10), timedelta(minutes=5)),
        (timedelta(hours=2), timedelta(hours=1)),
        (timedelta(days=1), timedelta(hours=12)),
        (timedelta(days=30), timedelta(hours=24)),
    ],
)
def test_the_longer_nobody_has_looked_the_more_seldom(since: timedelta, pause: timedelta) -> None:
    assert next_reading(looked_at=NOW - since, failures=0, now=NOW) == NOW + pause


def test_a_provider_that_cannot_be_asked_is_asked_ever_more_seldom_but_once_a_day() -> None:
    pauses = [next_reading(looked_at=NOW, failures=failures, now=NOW) for failures in range(12)]
    minutes = [round((at - NOW).total_seconds() / 60) for at in pauses]
    assert minutes == [5, 10, 20, 40, 80, 160, 320, 320, 320, 320, 320, 320]
    daily = next_reading(looked_at=NOW - timedelta(days=20), failures=50, now=NOW)
    assert daily == NOW + timedelta(hours=24)


@pytest.mark.parametrize("days", [20, 91, 400, 4000])
@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0])
def test_devices_are_read_once_a_day_for_ever_however_long_nobody_has_looked(days: int, spread: float) -> None:
    due_at = next_reading(looked_at=NOW - timedelta(days=days), failures=0, now=NOW, spread=spread)
    assert NOW + timedelta(hours=20) < due_at <= NOW + timedelta(hours=24)


def test_what_was_read_at_one_moment_is_not_read_at_one_moment_for_ever() -> None:
    looked_at = NOW - timedelta(days=100)
    dues = {next_reading(looked_at=looked_at, failures=0, now=NOW, spread=part / 100) for part in range(100)}
    assert len(dues) == 100


def test_where_a_device_could_not_be_read_it_is_tried_again_within_the_hour() -> None:
    looked_at = NOW - timedelta(days=100)
    assert next_reading(looked_at=looked_at, failures=0, now=NOW, unread=True) == NOW + timedelta(hours=1)
    assert next_reading(looked_at=NOW, failures=0, now=NOW, unread=True) == NOW + timedelta(minutes=5)
