"""Limits are one for all processes where there is a Redis, and go on in each of them while it is away."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from portal.sandbox.program import RunningSandbox
from tests.support.live import Installation, installation
from tests.support.redis import Redis
from tests.web.test_limits import ALLOWED, LIMITS, arrive, click_at_once, limiter_of
from tests.web.visitor import Visitor

AT_ONCE = 1.0
"""Seconds: nobody notices that Redis is away."""

BACK_WITHIN = 10.0

Visitors = tuple[Visitor, Visitor]


@pytest.fixture(scope="module")
def processes(
    web_sandbox: RunningSandbox, redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Installation, Installation]]:
    """Two processes of one portal: one database, one Redis."""
    url = f"sqlite:///{tmp_path_factory.mktemp('processes')}/portal.sqlite"
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(installation(web_sandbox, url, {**LIMITS, "PORTAL_REDIS_URL": redis.url}))
            for _ in range(2)
        )
        yield one, other


@pytest.fixture
def visitors(processes: tuple[Installation, Installation], redis: Redis) -> Iterator[Visitors]:
    """Somebody at each process, with nothing counted yet."""
    redis.start()
    one, other = processes
    at_each = Visitor(one.app, one.url), Visitor(other.app, other.url)
    wait_until(lambda: all(arrive(visitor, "192.0.2.1") and is_shared(visitor) for visitor in at_each))
    limiter_of(one).reset()
    yield at_each
    redis.start()


def is_shared(visitor: Visitor) -> bool:
    (limiter,) = visitor.app.extensions["limiter"]
    return limiter.limiter.storage is limiter.storage


def wait_until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BACK_WITHIN
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def quickly(visitor: Visitor) -> int:
    """An arrival that nothing holds up."""
    began = time.monotonic()
    status = arrive(visitor).status_code
    assert time.monotonic() - began < AT_ONCE
    return status


def test_all_processes_count_together(visitors: Visitors) -> None:
    one, other = visitors
    assert [arrive(one).status_code, arrive(other).status_code, arrive(one).status_code] == [303] * ALLOWED
    for visitor in visitors:
        answer = arrive(visitor)
        assert answer.status_code == 429
        assert 290 < int(answer.headers["Retry-After"]) <= 300


def test_clicks_at_once_at_all_processes_are_counted_one_by_one(
    processes: tuple[Installation, Installation], visitors: Visitors
) -> None:
    assert sorted(click_at_once(processes * 10)) == [422] * ALLOWED + [429] * (20 - ALLOWED)


def test_while_redis_is_away_each_process_goes_on_counting(visitors: Visitors, redis: Redis) -> None:
    one, other = visitors
    arrive(one)
    redis.stop()
    for visitor in (one, other):
        assert [quickly(visitor) for _ in range(ALLOWED + 2)] == [303] * ALLOWED + [429] * 2
        assert 290 < int(arrive(visitor).headers["Retry-After"]) <= 300
    redis.start()
    wait_until(lambda: arrive(one).status_code == 303)
    wait_until(lambda: is_shared(other) or not arrive(other, "192.0.2.1"))
    statuses = [arrive(visitor).status_code for visitor in (other, one, other, one)]
    assert statuses == [303] * (ALLOWED - 1) + [429] * 2


def test_a_redis_that_says_nothing_holds_nobody_up(visitors: Visitors, redis: Redis) -> None:
    one, _ = visitors
    with redis.held_up():
        assert [quickly(one) for _ in range(ALLOWED + 2)] == [303] * ALLOWED + [429] * 2


def test_a_crowd_meets_limits_at_the_moment_redis_goes_away(
    processes: tuple[Installation, Installation], visitors: Visitors, redis: Redis
) -> None:
    redis.stop()
    statuses = [*click_at_once(processes * 10), *click_at_once(processes * 10)]
    assert set(statuses) == {422, 429}
    assert statuses[20:] == [429] * 20


def test_a_portal_starts_without_its_redis(
    web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path_factory.mktemp("without")
    away = {**LIMITS, "PORTAL_REDIS_URL": f"unix://portal:kanarienvogel@{folder}/nowhere.sock"}
    with caplog.at_level(logging.DEBUG), installation(web_sandbox, f"sqlite:///{folder}/portal.sqlite", away) as live:
        stranger = Visitor(live.app, live.url)
        assert [quickly(stranger) for _ in range(ALLOWED + 1)] == [303] * ALLOWED + [429]
    assert "storage unreachable" in caplog.text
    assert "kanarienvogel" not in caplog.text
    assert "203.0.113.7" not in caplog.text
