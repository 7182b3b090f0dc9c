"""Waiting in front of a page for what is done behind it: by looking at the database, never at a provider."""

import time
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import TypeVar

FIRST_PAUSE = 0.01
LONGEST_PAUSE = 0.05
"""Seconds between two looks: short at first, for what is quick."""

PLACES = BoundedSemaphore(8)
"""How many requests of a process wait at the same time. The others are answered at once: whoever waits for nobody must
find a thread, however many wait for a slow provider."""

T = TypeVar("T")


def watch(look: Callable[[], T | None], *, patience: float) -> T | None:
    """What `look` sees as soon as it sees something; None when `patience` seconds are over, or too many wait."""
    if not PLACES.acquire(blocking=False):
        return look()
    try:
        return _watched(look, time.monotonic() + patience)
    finally:
        PLACES.release()


def _watched(look: Callable[[], T | None], until: float) -> T | None:
    pause = FIRST_PAUSE
    while True:
        seen = look()
        left = until - time.monotonic()
        if seen is not None or left <= 0:
            return seen
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)
