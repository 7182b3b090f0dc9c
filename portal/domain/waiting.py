"""What an attempt waits for on its way to a link, and how long that will take: nobody is blamed who is not at fault."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.domain.link_session import LEASE, LinkSession, Reason, State
from portal.domain.provider_health import HealthState, ProviderHealth, expected_wait

LATE = timedelta(seconds=10)
"""After so long a customer who is back wonders why nothing is said of their device; the provider has had its turn."""


class Cause(StrEnum):
    """What keeps an attempt waiting: a provider that fails, is busy or slow, those who came before, or ourselves."""

    PROVIDER_AWAY = "provider_away"
    PROVIDER_BUSY = "provider_busy"
    PROVIDER_SLOW = "provider_slow"
    OTHERS = "others"
    US = "us"


@dataclass(frozen=True, slots=True)
class Wait:
    """Why an attempt waits, and the seconds until its turn or the next try; None where nobody can say."""

    cause: Cause
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Who waits for a provider: how many came earlier, and since when the oldest of those under way is there."""

    in_front: int = 0
    under_way_since: datetime | None = None


def wait_for_link(
    attempt: LinkSession, *, health: ProviderHealth | None, line: Line, concurrency: int, now: datetime
) -> Wait:
    """What an attempt that has no link yet waits for; `health` is None where its provider is switched off."""
    if health is None:
        return Wait(Cause.US)
    if attempt.reason is Reason.PROVIDER_BUSY or (attempt.tries == 0 and health.is_busy):
        return Wait(Cause.PROVIDER_BUSY, _seconds_of_peace(health, now))
    if attempt.tries > 0 or health.state is HealthState.FAILING:
        return Wait(Cause.PROVIDER_AWAY, _seconds_of_peace(health, now))
    since = line.under_way_since
    # The calls that are over tell of a moment ago; those under way tell sooner that it has become slow.
    under_way_for = (now - since).total_seconds() if since is not None else 0.0
    seconds = expected_wait(
        health, in_front=line.in_front, concurrency=concurrency, under_way_for=max(under_way_for, 0.0)
    )
    if attempt.is_under_way(now):
        return Wait(Cause.PROVIDER_SLOW, seconds)
    has_crowd = since is not None and line.in_front >= concurrency
    return Wait(Cause.OTHERS if has_crowd else Cause.US, seconds)


def wait_after(attempt: LinkSession, *, health: ProviderHealth | None, now: datetime) -> Wait | None:
    """What an attempt waits for that has left, or failed for want of its provider; None for nothing unusual."""
    if attempt.state is State.ARRIVED and now - (attempt.arrived_at or attempt.created_at) > LATE:
        return Wait(Cause.US)
    if health is None or health.paused_until is None:
        return None
    if attempt.reason is Reason.PROVIDER_UNAVAILABLE:
        return Wait(Cause.PROVIDER_AWAY, _seconds_of_peace(health, now))
    if attempt.reason is Reason.PROVIDER_BUSY:
        return Wait(Cause.PROVIDER_BUSY, _seconds_of_peace(health, now))
    return None


def taken_in_hand(claimed_until: datetime) -> datetime:
    """When somebody began with what is theirs until then."""
    return claimed_until - LEASE


def _seconds_of_peace(health: ProviderHealth, now: datetime) -> float | None:
    """For how long its provider is not called, where that is known."""
    return None if health.paused_until is None else (health.paused_until - now).total_seconds()
