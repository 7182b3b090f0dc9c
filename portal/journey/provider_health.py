"""How the providers are doing: what this process sees of them is written down, and every process reads it."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from portal.domain.link_session import LinkSession, State
from portal.domain.provider_health import WINDOW, Bucket, ProviderHealth, bucket_start, judge
from portal.domain.waiting import Wait, wait_after, wait_for_link
from portal.journey.ports import Ports
from portal.storage import link_sessions, provider_calls
from portal.storage.database import Database, Transaction

log = structlog.get_logger(__name__)

WRITTEN_EVERY = 1.0
SHORT_PAUSE = 5.0
"""Seconds; a provider that asks for no more than that is busy, and customers need not hear of it."""


class HealthBook:
    """The gateways' observer: collects what they see and writes it down about once a second. Fails no call."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._clock = clock
        self._seconds = seconds
        self._lock = threading.Lock()
        self._written_at = seconds()
        self._buckets: dict[tuple[str, datetime], Bucket] = {}
        self._pauses: dict[str, datetime] = {}

    def seen(self, provider_key: str, *, failed: bool, milliseconds: int) -> None:
        """A call was made and is over."""
        key = (provider_key, bucket_start(self._clock()))
        with self._lock:
            so_far = self._buckets.get(key) or Bucket(*key, calls=0, failures=0, milliseconds=0)
            self._buckets[key] = Bucket(
                *key,
                calls=so_far.calls + 1,
                failures=so_far.failures + failed,
                milliseconds=so_far.milliseconds + milliseconds,
            )
        self._flush_now_and_then()

    def paused(self, provider_key: str, *, seconds: float) -> None:
        """No call is made from now on for so long."""
        if seconds <= SHORT_PAUSE:
            return
        until = self._clock() + timedelta(seconds=seconds)
        with self._lock:
            self._pauses[provider_key] = max(until, self._pauses.get(provider_key, until))
        # Seldom, and the next customer is about to read the page that tells of it.
        self.flush()

    def flush(self) -> None:
        """Writes down what was collected. What the database does not take is lost: the next calls tell again."""
        with self._lock:
            buckets, self._buckets = self._buckets, {}
            pauses, self._pauses = self._pauses, {}
            self._written_at = self._seconds()
        if not buckets and not pauses:
            return
        try:
            self._write(buckets, pauses)
        except Exception as error:  # noqa: BLE001 - whatever ails the database, the provider's call has been made
            log.warning("provider_health_not_kept", cause=type(error).__name__)

    def _write(self, buckets: Mapping[tuple[str, datetime], Bucket], pauses: Mapping[str, datetime]) -> None:
        # In one order everywhere, so that two processes do not wait for each other.
        with self._database.write() as tx:
            for key in sorted(buckets):
                provider_calls.add(tx, buckets[key])
            for provider_key in sorted(pauses):
                provider_calls.pause(tx, provider_key, pauses[provider_key])

    def _flush_now_and_then(self) -> None:
        if self._seconds() - self._written_at >= WRITTEN_EVERY:
            self.flush()


def health(*, ports: Ports, now: datetime) -> Mapping[str, ProviderHealth]:
    """How each provider is doing, by its key; one that nobody called lately is well."""
    with ports.database.read() as tx:
        return _health(ports, tx, now)


def wait_of(*, ports: Ports, attempt: LinkSession, now: datetime) -> Wait | None:
    """What the attempt waits for; None where there is nothing to be said of that."""
    if attempt.state not in {State.CREATED, State.ARRIVED, State.FAILED}:
        return None
    with ports.database.read() as tx:
        how = _health(ports, tx, now).get(attempt.provider_key)
        if attempt.state is not State.CREATED:
            return wait_after(attempt, health=how, now=now)
        line = link_sessions.line_of(tx, attempt, now=now)
    return wait_for_link(attempt, health=how, line=line, concurrency=ports.concurrency, now=now)


def _health(ports: Ports, tx: Transaction, now: datetime) -> Mapping[str, ProviderHealth]:
    buckets = provider_calls.since(tx, bucket_start(now - WINDOW))
    pauses = provider_calls.pauses(tx, now)
    return {
        key: judge(
            key,
            (bucket for bucket in buckets if bucket.provider_key == key),
            paused_until=pauses.get(key),
            now=now,
        )
        for key in (provider.traits.key for provider in ports.providers)
    }
