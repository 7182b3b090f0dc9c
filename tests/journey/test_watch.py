"""Waiting in front of a page: as long as it is worth it, and never so many that nobody else is served."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from portal.journey.watch import watch


def test_who_waits_sees_it_as_soon_as_it_is_there() -> None:
    there = threading.Event()
    threading.Timer(0.1, there.set).start()
    started = time.monotonic()
    assert watch(lambda: "news" if there.is_set() else None, patience=10) == "news"
    assert time.monotonic() - started < 5


def test_who_has_waited_long_enough_is_answered() -> None:
    assert watch(lambda: None, patience=0.05) is None


def test_while_many_wait_for_a_slow_provider_the_next_is_answered_at_once() -> None:
    over, all_look = threading.Event(), threading.Barrier(9)

    def look() -> bool | None:
        if not over.is_set():
            all_look.wait(30)
            over.wait(30)
        return over.is_set() or None

    with ThreadPoolExecutor(8) as crowd:
        waiting = [crowd.submit(watch, look, patience=10) for _ in range(8)]
        all_look.wait(30)
        started = time.monotonic()
        assert watch(lambda: None, patience=10) is None
        assert time.monotonic() - started < 5
        over.set()
        assert all(one.result() for one in waiting)
    assert watch(lambda: "news", patience=0) == "news"
