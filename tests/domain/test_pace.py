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
    minutes = [round((at - NOW).total_seconds() / 60) for at in pauses if at is not None]
    assert minutes == [5, 10, 20, 40, 80, 160, 320, 320, 320, 320, 320, 320]
    daily = next_reading(looked_at=NOW - timedelta(days=20), failures=50, now=NOW)
    assert daily == NOW + timedelta(hours=24)


def test_devices_that_nobody_has_looked_at_for_a_quarter_of_a_year_rest() -> None:
    assert next_reading(looked_at=NOW - timedelta(days=91), failures=0, now=NOW) is None
