"""The engine behind the pages: huey carries tasks from every process to the worker.

The database is the truth and the queue only wakes, so nothing is lost with the queue. Each provider has a lane of its
own with as many threads as calls may be under way there: a slow provider keeps nobody else waiting.
"""

import json
import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import structlog
from huey import PriorityRedisHuey, SqliteHuey
from huey.api import Huey
from huey.consumer import Consumer
from huey.consumer import Worker as Thread
from huey.registry import Message
from huey.serializer import Serializer
from redis import ConnectionPool, RedisError

from portal.journey.tasks import HOUSE, Step, Task
from portal.rounds import Rounds

log = structlog.get_logger(__name__)
logging.getLogger("huey").setLevel(logging.CRITICAL)  # it writes each task and each failed poll; what matters we say

SENDING_PATIENCE = 0.5
"""Seconds anybody waits for Redis to take a task; what it did not take is found in the database."""

REST = 1.0
"""Seconds for which a queue that did not answer is not asked again: one that hangs holds up one request a second."""

TAKING_PATIENCE = 5.0
"""Seconds a worker waits for Redis; longer than one of its polls, which Redis holds for a second."""

AWAY = (RedisError, sqlite3.Error, OSError)
"""What a queue that does not answer raises."""

SPREAD = random.Random()  # noqa: S311 - spreads looks out, guards nothing

HOUSE_THREADS = 4
STOP_PATIENCE = 15.0


class Json(Serializer):
    """Tasks as plain JSON: who can write into the queue cannot have code run by it."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Message:
        return Message(*json.loads(data))


class HueyQueue:
    """The queue as every process sees it. `place` is a SQLite file, or the URL of a Redis."""

    def __init__(self, lanes: tuple[str, ...], place: Path | str, *, takes: bool = False) -> None:
        self.lanes: Mapping[str, Huey] = {lane: _lane(lane, place, SENDING_PATIENCE) for lane in (HOUSE, *lanes)}
        self.taken_from = self.lanes
        if takes and not isinstance(place, Path):
            self.taken_from = {lane: _lane(lane, place, TAKING_PATIENCE) for lane in self.lanes}
        self._doer: Callable[[Task], None] | None = None
        self._by_hand: Callable[[Task], bool] | None = None
        self._was_there = True
        self._rests_until = 0.0
        self._place = place
        self._opened = _identity(place) if isinstance(place, Path) else None
        self._renewing = threading.Lock()
        self._steps = {lane: huey.task(name="step")(self._taker(lane)) for lane, huey in self.lanes.items()}
        for lane, huey in self.taken_from.items() if self.taken_from is not self.lanes else ():
            huey.task(name="step")(self._taker(lane))

    def put(self, task: Task) -> bool:
        """Never raises. Where the queue does not answer a worker does it by hand; a page answers False."""
        lane = self.lane_of(task)
        if time.monotonic() < self._rests_until:
            return self._done_by_hand(task)
        try:
            self.renew()
            self.lanes[lane].enqueue(self._steps[lane].s(task.step, *task.ids, priority=int(task.urgency)))
        except AWAY as error:
            self._is_away(error)
            return self._done_by_hand(task)
        self._is_back()
        return True

    def lane_of(self, task: Task) -> str:
        """A provider that was switched off has no lane any more, and is not called."""
        return task.lane if task.lane in self.lanes else HOUSE

    def renew(self) -> None:
        """Opens the queue file anew where somebody has taken it away: a file that is open goes on under no name."""
        if not isinstance(self._place, Path):
            return
        found = _identity(self._place)
        with self._renewing:
            if found is not None and found == self._opened:
                return
            for huey in self.lanes.values():
                huey.storage.close()
                huey.storage.initialize_schema()
            self._opened = _identity(self._place)

    def is_there(self) -> bool:
        """Whether the queue answers."""
        try:
            self.renew()
            self.lanes[HOUSE].storage.queue_size()
        except AWAY as error:
            self._is_away(error)
            return False
        self._is_back()
        return True

    def done_by(self, doer: Callable[[Task], None], *, by_hand: Callable[[Task], bool]) -> None:
        """Who does what is taken out of the queue, in the process of the worker, and what could not be put there."""
        self._doer, self._by_hand = doer, by_hand

    def close(self) -> None:
        for huey in (*self.lanes.values(), *self.taken_from.values()):
            huey.storage.close()
            if isinstance(huey, PriorityRedisHuey):
                huey.storage.pool.disconnect()

    def _done_by_hand(self, task: Task) -> bool:
        return self._by_hand is not None and self._by_hand(task)

    def _is_away(self, error: Exception) -> None:
        self._rests_until = time.monotonic() + REST
        if self._was_there:
            self._was_there = False
            log.warning("queue_away", cause=type(error).__name__)

    def _is_back(self) -> None:
        self._rests_until = 0.0
        if not self._was_there:
            self._was_there = True
            log.warning("queue_is_back")

    def _taker(self, lane: str) -> Callable[..., None]:
        def take(step: str, *ids: str) -> None:
            if self._doer is not None:
                self._doer(Task(Step(step), lane, tuple(ids)))

        return take


class Crew:
    """The threads that do what is in the queue, a lane beside the other. `concurrency` is for each provider.

    `glance` are the seconds between two looks of a thread into an empty SQLite queue; its many threads look in turns.
    What the crew itself cannot put into a queue that is away it does by hand, in each lane as many at the same time.
    `reconciles`: the reconciler makes its rounds.
    """

    def __init__(
        self,
        queue: HueyQueue,
        doer: Callable[[Task], None],
        *,
        concurrency: int,
        glance: float = 1.0,
        reconciles: bool = True,
    ) -> None:
        queue.done_by(doer, by_hand=self._do_by_hand)
        self._queue, self._doer = queue, doer
        self._rounds = Rounds(doer, queue_is_there=queue.is_there) if reconciles else None
        threads = {lane: HOUSE_THREADS if lane == HOUSE else concurrency for lane in queue.lanes}
        self._hands = {lane: ThreadPoolExecutor(count, lane) for lane, count in threads.items()}
        self._consumers = [
            _Lane(
                huey,
                workers=threads[lane],
                periodic=False,
                initial_delay=glance,
                max_delay=glance,
                check_worker_health=False,
                shutdown_timeout=STOP_PATIENCE,
            )
            for lane, huey in queue.taken_from.items()
        ]

    def start(self) -> None:
        for consumer in self._consumers:
            consumer.start()
        if self._rounds is not None:
            self._rounds.start()

    def stop(self) -> None:
        """Lets what is under way come to its end; nothing new is begun."""
        for consumer in self._consumers:
            consumer.stop_flag.set()
        if self._rounds is not None:
            self._rounds.stop()
        with ExitStack() as stack:
            for hands in self._hands.values():
                stack.callback(hands.shutdown, cancel_futures=True)
            for consumer in self._consumers:
                stack.callback(consumer.stop, graceful=True)
        self._queue.close()

    def _do_by_hand(self, task: Task) -> bool:
        try:
            self._hands[self._queue.lane_of(task)].submit(self._doer, task)
        except RuntimeError:
            # Nothing new is begun.
            return False
        return True


class _Thread(Thread):
    """Looks into an empty queue at uneven intervals, so that the threads of a lane do not all look at once."""

    def sleep(self) -> None:
        self.stop_flag.wait(self.max_delay * SPREAD.uniform(0.5, 1.5))


class _Lane(Consumer):
    """One lane's threads. Signals are the business of the program."""

    worker_class = _Thread

    def _set_signal_handlers(self) -> None:
        pass


def _identity(place: Path) -> tuple[int, int] | None:
    """Which file this is, whatever its name; None where there is none."""
    try:
        found = place.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _lane(lane: str, place: Path | str, patience: float) -> Huey:
    common: dict[str, Any] = {"name": f"portal-{lane}", "results": False, "serializer": Json()}
    if isinstance(place, Path):
        place.parent.mkdir(parents=True, exist_ok=True)
        return SqliteHuey(filename=str(place), fsync=False, cache_mb=0, timeout=SENDING_PATIENCE, **common)
    pool = ConnectionPool.from_url(place, socket_timeout=patience, socket_connect_timeout=SENDING_PATIENCE)
    return PriorityRedisHuey(connection_pool=pool, **common)
