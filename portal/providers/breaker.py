"""Holds calls to a provider back: while it fails, and for as long as it asks to be left in peace."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """May a call be made now? `wait`: the seconds for which none may. `is_probe`: it decides for all others."""

    wait: float = 0.0
    is_probe: bool = False


class Breaker:
    """Opens when a share of the calls of the last seconds failed; then one call now and then finds out how it is.

    Safe among threads. Every entered call leaves; one that does not was no probe.
    """

    def __init__(
        self,
        *,
        window: float = 30.0,
        least: int = 20,
        share: float = 0.5,
        probe_every: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._window = window
        self._least = least
        self._share = share
        self._probe_every = probe_every
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: deque[tuple[float, bool]] = deque()
        self._failures = 0
        self._is_open = False
        self._probe_at = 0.0
        self._peace_until = 0.0

    def wait(self) -> float:
        """Seconds for which no call may be made."""
        with self._lock:
            return self._wait(self._clock())

    def enter(self) -> Entry:
        """Asks to make a call now."""
        with self._lock:
            now = self._clock()
            wait = self._wait(now)
            if wait or not self._is_open:
                return Entry(wait)
            self._probe_at = now + self._probe_every
            return Entry(is_probe=True)

    def leave(self, entry: Entry, *, failed: bool) -> float:
        """How an entered call went. The seconds for which it holds others back, 0 where it does not."""
        with self._lock:
            now = self._clock()
            if entry.is_probe:
                self._is_open = failed
            elif not self._is_open:
                self._count(now, failed)
                self._is_open = failed and self._fails()
                self._probe_at = now + self._probe_every
            else:
                return 0.0
            if not self._is_open:
                return 0.0
            self._calls.clear()
            self._failures = 0
            return self._probe_at - now

    def leave_in_peace(self, seconds: float) -> None:
        """No call before that; it never ends earlier than what was asked before."""
        with self._lock:
            self._peace_until = max(self._peace_until, self._clock() + seconds)

    def _wait(self, now: float) -> float:
        return max(self._peace_until - now, self._probe_at - now if self._is_open else 0.0, 0.0)

    def _count(self, now: float, failed: bool) -> None:
        self._calls.append((now, failed))
        self._failures += failed
        while self._calls[0][0] <= now - self._window:
            self._failures -= self._calls.popleft()[1]

    def _fails(self) -> bool:
        return len(self._calls) >= self._least and self._failures >= self._share * len(self._calls)
