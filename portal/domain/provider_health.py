"""How a provider is doing, judged from what the calls of the last minutes came to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

BUCKET_SECONDS = 10
WINDOW = timedelta(minutes=2)
"""How long a call counts."""

RECENT = timedelta(seconds=30)
"""What happened since then decides alone, where it is enough to decide by: a recovery is not held back by the past."""

FEWEST_CALLS = 3
"""Fewer calls are chance."""

FAILING_FROM = 0.5
SLOW_FROM = 1.5
"""Seconds that a call takes on average; about then a customer begins to wonder."""

ASSUMED_LATENCY = 2.0
"""Seconds for a call where none was made lately: who asks how long it takes has waited a moment already."""


class HealthState(StrEnum):
    """What customers are told of a provider: nothing, that it takes longer, or that it cannot be reached."""

    OK = "ok"
    SLOW = "slow"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Bucket:
    """The calls to one provider that ended within ten seconds; `milliseconds` is what they took together."""

    provider_key: str
    since: datetime
    calls: int
    failures: int
    milliseconds: int


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How one provider is doing. `latency_seconds` is None where nobody called it lately.

    `paused_until`: no call is made before then.
    """

    provider_key: str
    state: HealthState = HealthState.OK
    success_rate: float = 1.0
    latency_seconds: float | None = None
    paused_until: datetime | None = None

    @property
    def is_busy(self) -> bool:
        """Whether it is left alone because it asks for that: no call has failed, so nobody can say that it is away."""
        return self.paused_until is not None and self.success_rate == 1.0


def bucket_start(moment: datetime) -> datetime:
    """When the bucket of this moment begins."""
    return moment.replace(second=moment.second // BUCKET_SECONDS * BUCKET_SECONDS, microsecond=0)


def judge(
    provider_key: str, buckets: Iterable[Bucket], *, paused_until: datetime | None, now: datetime
) -> ProviderHealth:
    """How this provider is doing by its own buckets. Unknown is no alarm."""
    counted = _counted(tuple(buckets), now)
    calls = sum(bucket.calls for bucket in counted)
    failed = sum(bucket.failures for bucket in counted) / calls if calls else 0.0
    latency = sum(bucket.milliseconds for bucket in counted) / calls / 1000 if calls else None
    is_paused = paused_until is not None and paused_until > now
    state = HealthState.OK
    if is_paused or (calls >= FEWEST_CALLS and failed >= FAILING_FROM):
        state = HealthState.FAILING
    elif latency is not None and calls >= FEWEST_CALLS and latency > SLOW_FROM:
        state = HealthState.SLOW
    return ProviderHealth(provider_key, state, 1.0 - failed, latency, paused_until if is_paused else None)


def failing(health: Mapping[str, ProviderHealth]) -> frozenset[str]:
    """The keys of the providers that cannot be reached."""
    return frozenset(key for key, one in health.items() if one.state is HealthState.FAILING)


def expected_wait(
    health: ProviderHealth, *, in_front: int, concurrency: int, under_way_for: float = 0.0
) -> float | None:
    """Seconds until an attempt with so many in front of it has had its turn; None where nobody can say.

    `under_way_for`: the age of the oldest that has its turn now.
    """
    if health.state is HealthState.FAILING:
        return None
    latency = max(ASSUMED_LATENCY if health.latency_seconds is None else health.latency_seconds, under_way_for)
    return max(latency, (in_front + 1) * latency / concurrency)


def _counted(buckets: tuple[Bucket, ...], now: datetime) -> tuple[Bucket, ...]:
    recent = _since(buckets, now - RECENT)
    if sum(bucket.calls for bucket in recent) >= FEWEST_CALLS:
        return recent
    return _since(buckets, now - WINDOW)


def _since(buckets: tuple[Bucket, ...], moment: datetime) -> tuple[Bucket, ...]:
    return tuple(bucket for bucket in buckets if bucket.since >= bucket_start(moment))
