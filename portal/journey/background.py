"""Runs steps behind the page, so that no request waits long for a provider.

The database is the truth: a step that is lost with its process is found again by the next look at its attempt.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

import structlog

log = structlog.get_logger(__name__)


class Background:
    """A bounded pool in which each key runs at most once at a time."""

    def __init__(self, *, workers: int = 16) -> None:
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="step")
        self._running: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    def run(self, key: str, step: Callable[[], object], *, patience: float = 0.0) -> bool:
        """Starts the step unless the same key is already under way; True when it ended within `patience` seconds."""
        with self._lock:
            self._running = {name: running for name, running in self._running.items() if not running.done()}
            future = self._running.get(key) or self._pool.submit(self._guarded, key, step)
            self._running[key] = future
        if patience <= 0:
            return future.done()
        return bool(wait([future], timeout=patience).done)

    def is_running(self, key: str) -> bool:
        """Whether a step of this key is under way."""
        with self._lock:
            return key in self._running and not self._running[key].done()

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _guarded(self, key: str, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception:
            log.exception("step_failed", step=key.partition(":")[0])
