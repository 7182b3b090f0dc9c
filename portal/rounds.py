"""When the reconciler comes by: each minute, and in between for what could not be put in the queue."""

import threading
import time
from collections.abc import Callable

from portal.journey.tasks import HOUSE, Step, Task

EACH = 60.0
GLANCE = 1.0
"""Seconds between two looks whether the queue is there, and for what was left lying while it is not."""

LONG_GLANCE = 5.0
"""Seconds between two looks for that while the queue is there: it may be another process that cannot reach it."""

STILL_AWAY = 10.0
"""Seconds for which it is taken to be away after it is back: others may not have noticed yet."""


class Rounds:
    """A clock of this process's own, so that work goes on whatever becomes of the queue."""

    def __init__(self, go: Callable[[Task], None], *, queue_is_there: Callable[[], bool]) -> None:
        self._go = go
        self._queue_is_there = queue_is_there
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rounds", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Lets a round that is under way come to its end."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        due_at = away_until = caught_up_at = time.monotonic()
        while not self._stopping.is_set():
            now = time.monotonic()
            if not self._queue_is_there():
                away_until = now + STILL_AWAY
            if now >= due_at:
                due_at, caught_up_at = now + EACH, now
                self._go(Task(Step.RECONCILE, HOUSE, ()))
            elif now < away_until or now >= caught_up_at + LONG_GLANCE:
                caught_up_at = now
                self._go(Task(Step.CATCH_UP, HOUSE, ()))
            self._stopping.wait(GLANCE)
