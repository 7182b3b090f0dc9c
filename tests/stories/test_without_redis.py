"""Whatever becomes of Redis, a customer gets where they want to: a little slower while it is away, and never twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from portal.sandbox.program import RunningSandbox
from tests.conftest import BOTH
from tests.stories.test_main_job import STORIES, Make, breaks_and_works_again, links
from tests.support.databases import Databases
from tests.support.live import Installation, serving, working
from tests.support.redis import Redis

HEAT_PUMP, CAR, INVERTER = STORIES[0], STORIES[1], STORIES[4]


@contextmanager
def is_away(redis: Redis) -> Iterator[None]:
    redis.stop()
    try:
        yield
    finally:
        redis.start()


@pytest.fixture
def live(
    request: pytest.FixtureRequest, running_sandbox: RunningSandbox, databases: Databases, redis: Redis
) -> Iterator[Installation]:
    """The pages, and two workers as on two machines."""
    running_sandbox.state.reset()
    with ExitStack() as stack:
        place = {"PORTAL_REDIS_URL": redis.url}
        live = stack.enter_context(serving(running_sandbox, databases.empty(request.param), place))
        for _ in range(2):
            stack.enter_context(working(live.settings, reconciles=True))
        yield live


@pytest.mark.parametrize("live", BOTH, indirect=True)
def test_a_customer_links_a_device_while_redis_is_away_and_reconnects_it_when_it_is_back(
    live: Installation, person: Make, redis: Redis
) -> None:
    with is_away(redis):
        anna = links(live, person, HEAT_PUMP)
    breaks_and_works_again(anna, live, HEAT_PUMP)
    calls = live.sandbox.state.calls[HEAT_PUMP.provider]
    opened = [call for call in calls if call["method"] == "POST" and call["path"].endswith("/device-onboarding")]
    assert len(opened) == 1


@pytest.mark.parametrize("live", ["sqlite"], indirect=True)
def test_a_customer_links_a_device_when_redis_has_lost_everything_and_while_it_hangs(
    live: Installation, person: Make, redis: Redis
) -> None:
    links(live, person, HEAT_PUMP)
    redis.stop()
    redis.start()
    links(live, person, CAR)
    with redis.held_up():
        links(live, person, INVERTER)
