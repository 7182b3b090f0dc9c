"""What is fetched from an issuer and kept: fresh for a while, used longer in an outage, never fetched in a storm."""

import contextlib
import math
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

from portal.identity.calls import IssuerBusy, IssuerError

T = TypeVar("T")

FRESH, USABLE = 600.0, 86_400.0
"""Seconds after which an answer is fetched anew, and for which it serves while the issuer cannot be reached."""

PAUSE, PAUSE_AFTER_FAILURE = 60.0, 5.0
"""Seconds between two fetches that strangers can bring about, and after one that failed."""


class Kept(Generic[T]):
    """A value worth keeping. Its age counts for freshness, and in an outage it serves until it is no longer usable.

    `place` is what a thread needs that may have to wait for the fetching.
    """

    def __init__(
        self, fetch: Callable[[], T], ticks: Callable[[], float], place: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._fetch = fetch
        self._place = place
        self._ticks = ticks
        self._lock = threading.Lock()
        self._fetched_at = self._tried_at = -math.inf
        self._failed_for: str = "issuer_unreachable"
        self.value: T | None = None

    def get(self, *, insist: bool = False) -> T:
        """The value, fetched where it is old; `insist` fetches a fresh one too, but at most once in PAUSE.

        Raises IssuerError, and IssuerBusy where too many wait for it already.
        """
        # Whoever has something to go on with does not wait for the one who fetches.
        if self._is_due(insist):
            if insist or not self._is_younger(USABLE):
                with self._place(), self._lock:
                    self._fetch_if_due(insist)
            elif self._lock.acquire(blocking=False):
                try:
                    with contextlib.suppress(IssuerBusy):
                        self._fetch_if_due(insist)
                finally:
                    self._lock.release()
        if self.value is None or not self._is_younger(USABLE):
            raise IssuerError(self._failed_for)
        return self.value

    def _fetch_if_due(self, insist: bool) -> None:
        if not self._is_due(insist):
            return
        try:
            value = self._fetch()
        except IssuerBusy:
            # Nobody was asked, so nothing is known.
            raise
        except IssuerError as error:
            # Who asks before the next try hears the true cause, not that nobody was asked.
            self._failed_for = str(error)
            self._tried_at = self._ticks()
            if not self._is_younger(USABLE):
                raise
        else:
            self.value = value
            self._fetched_at = self._tried_at = self._ticks()

    def _is_due(self, insist: bool) -> bool:
        failed = self._fetched_at != self._tried_at
        since = self._ticks() - self._tried_at
        if insist:
            return since >= (PAUSE_AFTER_FAILURE if failed else PAUSE)
        return not self._is_younger(FRESH) and since >= PAUSE_AFTER_FAILURE

    def _is_younger(self, age: float) -> bool:
        return self._ticks() - self._fetched_at < age
