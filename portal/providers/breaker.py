"""Holds calls to a provider back: while it fails, and for as long as it asks to be left in peace.

A provider that says "too many" may mean one customer or one device as well as everybody: it is taken at its word for
the call that it answered, and for every call once several customers hear the same within a short time.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

SEVERAL = 2
"""So many customers that are refused within a window are no coincidence: the provider means everybody."""


@dataclass(frozen=True, slots=True)
class Concern:
    """What a call is about: which call it is, for which customer, and the path, which may name a device."""

    call: str
    customer: str
    path: str


@dataclass(frozen=True, slots=True)
class Entry:
    """May a call be made now? `wait`: the seconds for which none may. `is_probe`: it decides for all others.

    `is_asked`: it has to wait because the provider asks for it, not because the provider fails.
    """

    wait: float = 0.0
    is_probe: bool = False
    is_asked: bool = False


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
        self._quotas: dict[Concern, float] = {}
        self._refused: deque[tuple[float, str]] = deque()

    def wait(self) -> float:
        """Seconds for which no call at all may be made."""
        return self.look().wait

    def look(self, concern: Concern | None = None) -> Entry:
        """Whether such a call may be made, without making it."""
        with self._lock:
            return self._held(self._clock(), concern)

    def enter(self, concern: Concern | None = None) -> Entry:
        """Asks to make a call now."""
        with self._lock:
            now = self._clock()
            held = self._held(now, concern)
            if held.wait or not self._is_open:
                return held
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

    def leave_alone(self, concern: Concern, seconds: float) -> bool:
        """No such call before that; True where so many customers have been refused lately that it is for every call."""
        with self._lock:
            now = self._clock()
            self._quotas = {known: until for known, until in self._quotas.items() if until > now}
            self._quotas[concern] = max(self._quotas.get(concern, 0.0), now + seconds)
            self._refused.append((now, concern.customer))
            while self._refused[0][0] <= now - self._window:
                self._refused.popleft()
            is_for_all = len({customer for _, customer in self._refused}) >= SEVERAL
            if is_for_all:
                self._peace_until = max(self._peace_until, now + seconds)
            return is_for_all

    def _held(self, now: float, concern: Concern | None) -> Entry:
        asked_until = self._peace_until
        if concern is not None:
            asked_until = max(asked_until, self._quotas.get(concern, 0.0))
        asked = max(asked_until - now, 0.0)
        failing = max(self._probe_at - now, 0.0) if self._is_open else 0.0
        return Entry(max(asked, failing), is_asked=asked > failing)

    def _count(self, now: float, failed: bool) -> None:
        self._calls.append((now, failed))
        self._failures += failed
        while self._calls[0][0] <= now - self._window:
            self._failures -= self._calls.popleft()[1]

    def _fails(self) -> bool:
        return len(self._calls) >= self._least and self._failures >= self._share * len(self._calls)
