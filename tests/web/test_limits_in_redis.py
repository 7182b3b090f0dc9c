"""Limits are one for all processes where there is a Redis, and go on in each of them while it is away."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from portal.sandbox.program import RunningSandbox
from tests.support.live import Installation, installation
from tests.support.redis import Redis
from tests.web.test_limits import ALLOWED, HOME, LIMITS, NEIGHBOUR, arrive, click_at_once, limiter_of
from tests.web.visitor import Visitor

AT_ONCE = 5.0
"""Seconds: nobody notices that Redis is away."""

BACK_WITHIN = 30.0

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
    wait_until(lambda: all(counts_in_redis(live) for live in processes))
    limiter_of(one).reset()
    yield at_each
    redis.start()


def counts_in_redis(live: Installation) -> bool:
    """Whether a process counts in Redis, or does so again once it has looked."""
    arrive(Visitor(live.app, live.url), "192.0.2.1")
    limiter = limiter_of(live)
    return limiter.limiter.storage is limiter.storage


def wait_until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BACK_WITHIN
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def quickly(visitor: Visitor, address: str = HOME) -> int:
    """An arrival that nothing holds up."""
    began = time.monotonic()
    status = arrive(visitor, address).status_code
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


def test_while_redis_is_away_each_process_goes_on_counting(
    processes: tuple[Installation, Installation], visitors: Visitors, redis: Redis
) -> None:
    one, other = visitors
    arrive(one)
    redis.stop()
    for visitor in (one, other):
        assert [quickly(visitor) for _ in range(ALLOWED + 2)] == [303] * ALLOWED + [429] * 2
        assert 290 < int(arrive(visitor).headers["Retry-After"]) <= 300
    redis.start()
    wait_until(lambda: all(counts_in_redis(live) for live in processes))
    assert [quickly(visitor) for visitor in (one, other, one, other)] == [303] * ALLOWED + [429]


def test_a_redis_that_says_nothing_holds_nobody_up(visitors: Visitors, redis: Redis) -> None:
    one, _ = visitors
    with redis.held_up():
        assert [quickly(one, NEIGHBOUR) for _ in range(ALLOWED + 2)] == [303] * ALLOWED + [429] * 2


def test_a_crowd_meets_limits_at_the_moment_redis_goes_away(
    processes: tuple[Installation, Installation], visitors: Visitors, redis: Redis
) -> None:
    redis.stop()
    at_that_moment, afterwards = click_at_once(processes * 10), click_at_once(processes * 10)
    assert {*at_that_moment, *afterwards} <= {422, 429}
    assert afterwards.count(422) <= len(processes) * ALLOWED


def test_a_portal_starts_without_its_redis(
    web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path_factory.mktemp("without")
    away = {"PORTAL_REDIS_URL": f"unix://portal:kanarienvogel@{folder}/nowhere.sock", "PORTAL_LOG_LEVEL": "debug"}
    with installation(web_sandbox, f"sqlite:///{folder}/portal.sqlite", {**LIMITS, **away}) as live:
        stranger = Visitor(live.app, live.url)
        assert [quickly(stranger) for _ in range(ALLOWED + 1)] == [303] * ALLOWED + [429]
    told = capsys.readouterr().err
    assert "storage unreachable" in told
    assert "kanarienvogel" not in told
    assert HOME not in told
