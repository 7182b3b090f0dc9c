"""The queue between the pages and the worker, on a file and on Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from portal.background import Crew, HueyQueue
from portal.journey.tasks import HOUSE, Step, Task, Urgency
from tests.support.redis import Redis

PATIENT = 30.0
"""Seconds, for whatever must come sooner or later."""

AT_ONCE = 5.0
"""Seconds: nobody waits for a queue that is away, call by call."""

LANES = ("podero", "nox")
Hire = Callable[..., Crew]


class Doings:
    """What a worker has done, for tests to wait for."""

    def __init__(self) -> None:
        self.done: list[Task] = []
        self.in_flight = self.most_in_flight = 0
        self.hold = threading.Event()
        self.hold.set()
        self._changed = threading.Condition()

    def __call__(self, task: Task) -> None:
        with self._changed:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self._changed.notify_all()
        if task.lane != HOUSE:
            self.hold.wait(PATIENT)
        with self._changed:
            self.in_flight -= 1
            self.done.append(task)
            self._changed.notify_all()

    def wait(self, count: int) -> list[Task]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.done) >= count, timeout=PATIENT), self.done
            return list(self.done)

    def wait_in_flight(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.in_flight >= count, timeout=PATIENT)


@pytest.fixture(params=["file", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "file":
        return tmp_path / "queue"
    redis: Redis = request.getfixturevalue("redis")
    empty(redis)
    return redis.url


def empty(redis: Redis) -> None:
    redis.stop()
    redis.start()


@pytest.fixture
def doings() -> Doings:
    return Doings()


@pytest.fixture
def page(place: Path | str) -> Iterator[HueyQueue]:
    """The queue as a page has it, in another process than the worker."""
    queue = HueyQueue(LANES, place)
    yield queue
    queue.close()


@pytest.fixture
def hire(place: Path | str, doings: Doings) -> Iterator[Hire]:
    with ExitStack() as stack:

        def hired(concurrency: int = 2, *, reconciles: bool = False) -> Crew:
            queue = HueyQueue(LANES, place, takes=True)
            crew = Crew(queue, doings, concurrency=concurrency, glance=0.02, reconciles=reconciles)
            crew.start()
            stack.callback(crew.stop)
            stack.callback(doings.hold.set)
            return crew

        yield hired


def comes(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENT
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def a_task(number: int = 0, lane: str = "podero", urgency: Urgency = Urgency.SOMEBODY_WAITS) -> Task:
    return Task(Step.ADVANCE, lane, ("a customer", f"attempt {number}"), urgency)


def test_what_a_page_puts_in_the_queue_is_done_by_the_worker_once(page: HueyQueue, hire: Hire, doings: Doings) -> None:
    hire()
    for number in range(20):
        page.put(a_task(number))
    assert sorted(task.ids[1] for task in doings.wait(20)) == sorted(f"attempt {number}" for number in range(20))
    time.sleep(0.1)
    assert len(doings.done) == 20


def test_what_waits_in_the_queue_while_no_worker_runs_is_done_when_one_starts(
    page: HueyQueue, hire: Hire, doings: Doings
) -> None:
    page.put(a_task())
    hire()
    assert doings.wait(1) == [a_task()]


def test_no_more_work_is_under_way_at_a_provider_than_its_limit(page: HueyQueue, hire: Hire, doings: Doings) -> None:
    doings.hold.clear()
    hire(concurrency=3)
    for number in range(12):
        page.put(a_task(number))
    doings.wait_in_flight(3)
    time.sleep(0.1)
    doings.hold.set()
    doings.wait(12)
    assert doings.most_in_flight == 3


def test_a_provider_that_hangs_keeps_nobody_else_waiting(page: HueyQueue, hire: Hire, doings: Doings) -> None:
    doings.hold.clear()
    hire(concurrency=1)
    page.put(a_task(1, "podero"))
    doings.wait_in_flight(1)
    page.put(Task(Step.TAKE_EVENT, HOUSE, ("an event",)))
    assert [task.lane for task in doings.wait(1)] == [HOUSE]


def test_somebody_who_waits_comes_before_what_nobody_looks_at(page: HueyQueue, hire: Hire, doings: Doings) -> None:
    for number in range(3):
        page.put(a_task(number, urgency=Urgency.SCHEDULED))
    page.put(a_task(9))
    hire(concurrency=1)
    assert [task.ids[1] for task in doings.wait(4)] == ["attempt 9", "attempt 0", "attempt 1", "attempt 2"]


def test_work_for_a_provider_that_was_switched_off_is_done_beside_the_others(
    page: HueyQueue, hire: Hire, doings: Doings
) -> None:
    page.put(a_task(lane="telematica"))
    hire()
    assert [task.lane for task in doings.wait(1)] == [HOUSE]


def test_a_worker_that_starts_looks_at_once_for_what_should_have_moved(hire: Hire, doings: Doings) -> None:
    hire(reconciles=True)
    assert doings.wait(1) == [Task(Step.RECONCILE, HOUSE, ())]


def test_a_worker_that_is_told_to_stop_ends_what_is_under_way(page: HueyQueue, hire: Hire, doings: Doings) -> None:
    doings.hold.clear()
    crew = hire(concurrency=1)
    page.put(a_task(1))
    page.put(a_task(2))
    doings.wait_in_flight(1)
    stopping = threading.Thread(target=crew.stop)
    stopping.start()
    comes(lambda: all(consumer.stop_flag.is_set() for consumer in crew._consumers))
    doings.hold.set()
    stopping.join()
    assert [task.ids[1] for task in doings.done] == ["attempt 1"]


def test_nothing_in_the_queue_can_be_code(page: HueyQueue, place: Path | str) -> None:
    page.put(a_task())
    (stored,) = page.lanes["podero"].storage.enqueued_items()
    assert b'"advance", "a customer", "attempt 0"' in bytes(stored)


def test_while_redis_is_away_pages_go_on_and_afterwards_so_does_the_work(redis: Redis, doings: Doings) -> None:
    empty(redis)
    page, taking = HueyQueue(LANES, redis.url), HueyQueue(LANES, redis.url, takes=True)
    crew = Crew(taking, doings, concurrency=2, glance=0.02, reconciles=False)
    crew.start()
    try:
        page.put(a_task(1))
        doings.wait(1)
        redis.stop()
        started = time.monotonic()
        page.put(a_task(2))
        assert time.monotonic() - started < AT_ONCE
        assert not page.is_there()
        redis.start()
        comes(lambda: page.put(a_task(3)))
        assert [task.ids[1] for task in doings.wait(2)] == ["attempt 1", "attempt 3"]
        assert page.is_there()
    finally:
        empty(redis)
        crew.stop()
        page.close()


def test_while_redis_is_away_a_worker_does_by_hand_what_it_has_for_itself_and_no_more_at_once_than_ever(
    redis: Redis, doings: Doings
) -> None:
    empty(redis)
    own = HueyQueue(LANES, redis.url, takes=True)
    crew = Crew(own, doings, concurrency=2, glance=0.02, reconciles=False)
    crew.start()
    try:
        redis.stop()
        doings.hold.clear()
        started = time.monotonic()
        assert all(own.put(a_task(number)) for number in range(6))
        assert own.put(Task(Step.TAKE_EVENT, HOUSE, ("an event",)))
        assert time.monotonic() - started < AT_ONCE
        assert [task.lane for task in doings.wait(1)] == [HOUSE]
        doings.wait_in_flight(2)
        time.sleep(0.1)
        doings.hold.set()
        assert len(doings.wait(7)) == 7
        assert doings.most_in_flight <= 3
    finally:
        doings.hold.set()
        empty(redis)
        crew.stop()


def test_a_redis_that_hangs_holds_up_one_request_a_second(redis: Redis) -> None:
    empty(redis)
    page = HueyQueue(LANES, redis.url)
    with redis.held_up():
        started = time.monotonic()
        assert not any(page.put(a_task(number)) for number in range(20))
        assert time.monotonic() - started < AT_ONCE
    page.close()


def test_while_redis_is_away_the_reconciler_comes_by_every_second(redis: Redis, doings: Doings) -> None:
    empty(redis)
    redis.stop()
    crew = Crew(HueyQueue(LANES, redis.url, takes=True), doings, concurrency=1, glance=0.02)
    crew.start()
    try:
        steps = [task.step for task in doings.wait(3)]
        assert steps == [Step.RECONCILE, Step.CATCH_UP, Step.CATCH_UP]
    finally:
        empty(redis)
        crew.stop()


def test_a_queue_file_that_somebody_took_away_is_made_anew_by_all(doings: Doings, tmp_path: Path) -> None:
    place = tmp_path / "queue"
    page, taking = HueyQueue(LANES, place), HueyQueue(LANES, place, takes=True)
    crew = Crew(taking, doings, concurrency=2, glance=0.02, reconciles=False)
    crew.start()
    try:
        page.put(a_task(1))
        doings.wait(1)
        for file in tmp_path.glob("queue*"):
            file.unlink()
        assert page.put(a_task(2))
        assert taking.is_there()
        assert [task.ids[1] for task in doings.wait(2)] == ["attempt 1", "attempt 2"]
    finally:
        crew.stop()
        page.close()
