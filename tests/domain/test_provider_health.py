"""When a provider is said to be slow or out of reach, and how long a customer is told to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.provider_health import (
    ASSUMED_LATENCY,
    Bucket,
    HealthState,
    ProviderHealth,
    bucket_start,
    expected_wait,
    failing,
    judge,
)

NOW = datetime(2026, 11, 21, 12, 0, 5, 500_000, UTC)


def calls(ago: int, count: int, *, failures: int = 0, seconds: float = 0.2) -> Bucket:
    """So many calls that ended so many seconds ago, each of this length."""
    since = bucket_start(NOW - timedelta(seconds=ago))
    return Bucket("podero", since, count, failures, round(count * seconds * 1000))


def state(*buckets: Bucket, paused_for: float | None = None) -> HealthState:
    paused_until = None if paused_for is None else NOW + timedelta(seconds=paused_for)
    return judge("podero", buckets, paused_until=paused_until, now=NOW).state


def test_a_provider_that_nobody_called_lately_is_well() -> None:
    assert judge("podero", (), paused_until=None, now=NOW) == ProviderHealth("podero")


def test_what_the_last_two_minutes_came_to_is_told_in_numbers() -> None:
    health = judge(
        "podero", [calls(100, 2, failures=1, seconds=1), calls(40, 2, seconds=3)], paused_until=None, now=NOW
    )
    assert (health.state, health.success_rate, health.latency_seconds) == (HealthState.SLOW, 0.75, 2.0)


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ([calls(50, 2, failures=2)], HealthState.OK),
        ([calls(50, 3, failures=3)], HealthState.FAILING),
        ([calls(110, 1, failures=1), calls(60, 2, failures=2)], HealthState.FAILING),
        ([calls(50, 10, failures=5)], HealthState.FAILING),
        ([calls(50, 10, failures=4)], HealthState.OK),
        ([calls(140, 50, failures=50)], HealthState.OK),
    ],
    ids=["two are chance", "three are not", "in some buckets", "half of them", "fewer than half", "long ago"],
)
def test_a_provider_fails_when_half_of_at_least_three_calls_failed(
    buckets: list[Bucket], expected: HealthState
) -> None:
    assert state(*buckets) is expected


def test_a_provider_that_has_just_broken_down_fails_however_well_it_was_before() -> None:
    assert state(calls(90, 1000), calls(40, 1000), calls(2, 5, failures=5)) is HealthState.FAILING


def test_a_provider_that_recovered_is_well_again_after_three_good_calls_in_thirty_seconds() -> None:
    broke_down = calls(60, 40, failures=40)
    assert state(broke_down, calls(10, 2)) is HealthState.FAILING
    assert state(broke_down, calls(20, 1), calls(10, 1), calls(0, 1)) is HealthState.OK


def test_a_provider_that_is_left_alone_fails_until_it_is_called_again() -> None:
    assert state(calls(50, 10), paused_for=8) is HealthState.FAILING
    assert state(paused_for=8) is HealthState.FAILING
    assert state(calls(50, 10), paused_for=0) is HealthState.OK


def test_only_a_pause_that_lasts_is_told() -> None:
    until = NOW + timedelta(seconds=1)
    assert judge("nox", (), paused_until=until, now=NOW).paused_until == until
    assert judge("nox", (), paused_until=NOW, now=NOW).paused_until is None


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ([calls(50, 3, seconds=1.6)], HealthState.SLOW),
        ([calls(50, 3, seconds=1.5)], HealthState.OK),
        ([calls(50, 2, seconds=8)], HealthState.OK),
        ([calls(90, 30, seconds=8), calls(10, 3)], HealthState.OK),
        ([calls(90, 300), calls(10, 3, seconds=5)], HealthState.SLOW),
        ([calls(50, 4, failures=4, seconds=8)], HealthState.FAILING),
    ],
    ids=["slow", "not yet", "two are chance", "was slow", "is slow now", "worse than slow"],
)
def test_a_provider_is_slow_when_a_call_takes_longer_than_a_second_and_a_half(
    buckets: list[Bucket], expected: HealthState
) -> None:
    assert state(*buckets) is expected


def test_the_providers_that_fail_are_known_by_their_keys() -> None:
    health = {
        key: ProviderHealth(key, HealthState(word)) for key, word in (("a", "failing"), ("b", "slow"), ("c", "ok"))
    }
    assert failing(health) == {"a"}


@pytest.mark.parametrize(
    ("in_front", "concurrency", "latency", "seconds"),
    [
        (0, 64, 5.0, 5.0),
        (63, 64, 5.0, 5.0),
        (639, 64, 5.0, 50.0),
        (9, 1, 0.3, 3.0),
        (0, 64, None, ASSUMED_LATENCY),
        (127, 64, None, 2 * ASSUMED_LATENCY),
    ],
)
def test_a_customer_waits_for_those_in_front_and_at_least_for_one_call(
    in_front: int, concurrency: int, latency: float | None, seconds: float
) -> None:
    health = ProviderHealth("podero", latency_seconds=latency)
    assert expected_wait(health, in_front=in_front, concurrency=concurrency) == pytest.approx(seconds)


def test_calls_that_are_under_way_tell_sooner_that_a_provider_has_become_slow() -> None:
    health = ProviderHealth("podero", latency_seconds=0.2)
    assert expected_wait(health, in_front=127, concurrency=64, under_way_for=0.1) == pytest.approx(0.4)
    assert expected_wait(health, in_front=127, concurrency=64, under_way_for=6.0) == pytest.approx(12.0)


def test_nobody_says_how_long_a_provider_that_fails_will_take() -> None:
    health = ProviderHealth("podero", HealthState.FAILING, latency_seconds=0.01)
    assert expected_wait(health, in_front=0, concurrency=64) is None


@pytest.mark.parametrize(("second", "starts_at"), [(0, 0), (9, 0), (10, 10), (59, 50)])
def test_calls_are_counted_in_buckets_of_ten_seconds(second: int, starts_at: int) -> None:
    assert bucket_start(NOW.replace(second=second)) == NOW.replace(second=starts_at, microsecond=0)
