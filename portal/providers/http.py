"""The one way out to a provider: how many calls at once, when none, which again, and what is told of them."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urlsplit

import structlog

from portal.providers.answers import Answer
from portal.providers.breaker import Breaker, Concern, Entry
from portal.providers.deadline import Watch
from portal.providers.exchange import Lost, NotSent, Request, exchange, prepared, trust
from portal.providers.protocol import (
    Observer,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
)

log = structlog.get_logger(__name__)

COME_BACK_LATER = frozenset({408, 425, 429})
ASKS_FOR_PEACE = frozenset({429, 503})
UNSTATED_PEACE = 1.0
"""Seconds to leave a provider in peace that says "too many" and not for how long."""

LONGEST_PEACE = 600.0
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
"""Methods that do no harm twice."""

LONGEST_PAUSES = (0.25, 0.5)
"""Before the second and the third try of a call."""

SPREAD = random.Random()  # noqa: S311 - spreads callers out, guards nothing


class ComeBackLater(ProviderUnavailable):
    """Not now, and nothing was done; `retry_after` are the seconds to wait, None where the provider names none."""

    def __init__(self, message: str, retry_after: float | None, *, is_untried: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.is_untried = is_untried


def failed_there(answer: Answer) -> bool:
    """Whether a status tells of an outage."""
    return answer.status >= 500


class Gateway:
    """Calls one provider, each call on its own connection: a kept one that died leaves a POST's outcome unknown.

    `is_outage` tells an answer of a provider in trouble from one that concerns this call alone.
    """

    def __init__(
        self,
        provider: str,
        *,
        ca_bundle: str | None = None,
        connect_timeout: float = 1.0,
        deadline: float = 8.0,
        cap: int = 1024 * 1024,
        concurrency: int = 64,
        observer: Observer | None = None,
        is_outage: Callable[[Answer], bool] = failed_there,
        breaker: Breaker | None = None,
        pauses: Sequence[float] = LONGEST_PAUSES,
    ) -> None:
        self._provider = provider
        self._trusted = trust(ca_bundle)
        self._connect_timeout = connect_timeout
        self._deadline = deadline
        self._cap = cap
        self._places = BoundedSemaphore(concurrency)
        self._observer = observer
        self._is_outage = is_outage
        self._breaker = breaker or Breaker()
        self._pauses = pauses

    @property
    def deadline(self) -> float:
        """Seconds that one call may take, its repetitions included."""
        return self._deadline

    def call(
        self,
        name: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        needs_json: bool = True,
        repeatable: bool = False,
        removes: bool = False,
        cap: int | None = None,
        about: str | None = None,
    ) -> Answer:
        """One call within the deadline, whatever its status but a redirect.

        `needs_json`: a success with another body is an UnexpectedAnswer. `repeatable`: doing it twice does no harm,
        though the method does not say so. `removes`: it ends something, which does no harm twice either. `about`: the
        customer that it is made for, None where it is for all of them, as the token's is. Raises ProviderError; of what
        is not repeatable, or removes, OutcomeUnknown.
        """
        place = f"{self._provider} {name}"
        request = prepared(place, method, url, headers=headers, query=query, json=json, form=form)
        until = time.monotonic() + self._deadline
        concern = None if about is None else Concern(name, about, urlsplit(url).path)

        def attempt() -> Answer:
            call = Watch(until, self._connect_timeout)
            with self._entered(place, until, concern) as entry:
                answer = self._made(name, request, call, entry, cap=cap or self._cap, needs_json=needs_json)
            self._leave_in_peace(answer, concern)
            return answer

        if (repeatable or method in REPEATABLE) and not removes:
            return self._repeated(attempt, (NotSent, Lost), until)
        try:
            answer = self._repeated(attempt, (NotSent, Lost) if removes else (NotSent,), until)
        except Lost as error:
            raise OutcomeUnknown(str(error)) from None
        return replace(answer, may_be_done=self._is_outage(answer) and answer.status not in ASKS_FOR_PEACE)

    def settled(self, name: str, answer: Answer) -> Answer:
        """The answer where it is a success. Raises ComeBackLater, OutcomeUnknown or ProviderRefused."""
        if answer.is_success:
            return answer
        message = f"{self._provider} {name}: status {answer.status}"
        if answer.may_be_done:
            raise OutcomeUnknown(message)
        if answer.status >= 500 or answer.status in COME_BACK_LATER:
            raise ComeBackLater(message, answer.retry_after)
        raise ProviderRefused(message)

    def _repeated(
        self, attempt: Callable[[], Answer], again_after: tuple[type[ProviderError], ...], until: float
    ) -> Answer:
        """The attempt, made again after these failures: at uneven times, and while there is time."""
        for longest in self._pauses:
            pause = SPREAD.uniform(0, longest)
            try:
                return attempt()
            except again_after:
                if time.monotonic() + pause >= until:
                    raise
            time.sleep(pause)
        return attempt()

    @contextmanager
    def _entered(self, place: str, until: float, concern: Concern | None) -> Iterator[Entry]:
        """Within: one of the places for calls under way, while calls are let through."""
        self._refuse(place, self._breaker.look(concern))
        if not self._places.acquire(timeout=max(until - time.monotonic(), 0)):
            raise ProviderUnavailable(f"{place}: too many calls under way")
        try:
            entry = self._breaker.enter(concern)
            self._refuse(place, entry)
            yield entry
        finally:
            self._places.release()

    def _refuse(self, place: str, entry: Entry) -> None:
        if entry.wait:
            raise ComeBackLater(f"{place}: held back", entry.wait, is_untried=entry.is_asked)

    def _made(self, name: str, request: Request, call: Watch, entry: Entry, *, cap: int, needs_json: bool) -> Answer:
        started = time.monotonic()
        place = f"{self._provider} {name}"
        try:
            answer = exchange(place, request, trusted=self._trusted, call=call, cap=cap, needs_json=needs_json)
        except ProviderError as error:
            ms = self._noted(entry, started, failed=True)
            log.warning("provider_call_failed", call=name, ms=ms, failure=str(error), provider=self._provider)
            raise
        ms = self._noted(entry, started, failed=self._is_outage(answer))
        log.info("provider_call", call=name, ms=ms, status=answer.status, provider=self._provider)
        return answer

    def _noted(self, entry: Entry, started: float, *, failed: bool) -> int:
        """The milliseconds that the call took, after breaker and observer know of it."""
        milliseconds = round((time.monotonic() - started) * 1000)
        self._tell(lambda observer: observer.seen(self._provider, failed=failed, milliseconds=milliseconds))
        self._hold_back(self._breaker.leave(entry, failed=failed), "it fails")
        return milliseconds

    def _leave_in_peace(self, answer: Answer, concern: Concern | None) -> None:
        """Obeys a Retry-After, if not for hours: nobody's mistake should cut a provider off for longer.

        "Too many" may be the quota of one customer or one device: then the others go on.
        """
        stated = UNSTATED_PEACE if answer.retry_after is None and answer.status == 429 else answer.retry_after
        if answer.status not in ASKS_FOR_PEACE or not stated:
            return
        seconds = min(stated, LONGEST_PEACE)
        if concern is None or answer.status != 429:
            self._breaker.leave_in_peace(seconds)
        elif not self._breaker.leave_alone(concern, seconds):
            log.warning("call_held_back", provider=self._provider, call=concern.call, seconds=round(seconds, 1))
            return
        self._hold_back(seconds, "it asks for it")

    def _hold_back(self, seconds: float, why: str) -> None:
        if seconds:
            log.warning("provider_held_back", provider=self._provider, seconds=round(seconds, 1), why=why)
            self._tell(lambda observer: observer.paused(self._provider, seconds=seconds))

    def _tell(self, tell: Callable[[Observer], Any]) -> None:
        if self._observer is None:
            return
        try:
            tell(self._observer)
        except Exception as error:  # noqa: BLE001 - whatever ails the observer, the call was made
            log.warning("provider_observer_failed", provider=self._provider, cause=type(error).__name__)
