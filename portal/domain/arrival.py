"""Which attempt a return is about, where its address does not say."""

from collections.abc import Sequence
from datetime import datetime

from portal.domain.link_session import ArrivalHints, LinkSession, Reason, State


def attempt_answered(recent: Sequence[LinkSession], hints: ArrivalHints, *, came_at: datetime) -> LinkSession | None:
    """The one of a customer's recent attempts at a provider, newest first, that this return answers.

    An attempt that was answered with the same devices before comes first: that is the same return once more, unless
    such a device is being linked again. Then comes one that nothing has answered yet: the provider's events, the device
    type and the vendor tell several of them apart, and the newest is taken. Where none is open it is their newest, for
    its page.
    """
    under_way = [attempt for attempt in recent if may_be_answered(attempt, hints, came_at)]
    wanted = {(attempt.device_type, attempt.vendor_key) for attempt in under_way}
    repeated = (a for a in recent if is_repeated(a, hints, came_at) and (a.device_type, a.vendor_key) not in wanted)
    likeliest = sorted(under_way, key=lambda attempt: likeness(attempt, hints, came_at), reverse=True)
    current = (attempt for attempt in recent if attempt.reason is not Reason.SUPERSEDED)
    return next(repeated, None) or next(iter(likeliest), None) or next(current, None)


def is_repeated(attempt: LinkSession, hints: ArrivalHints, came_at: datetime) -> bool:
    """Whether it has been answered with these devices before."""
    return bool(hints.device_ids) and not attempt.can_arrive(came_at) and not hints.names_more_than(attempt.hints)


def may_be_answered(attempt: LinkSession, hints: ArrivalHints, came_at: datetime) -> bool:
    """Whether nothing speaks against it. An attempt that a newer one replaced needs devices."""
    if attempt.state is State.HELD or not attempt.takes_evidence(came_at):
        return False
    return attempt.reason is not Reason.SUPERSEDED or bool(hints.device_ids)


def likeness(attempt: LinkSession, hints: ArrivalHints, came_at: datetime) -> tuple[bool, ...]:
    """What speaks for this attempt, the strongest first."""
    confirmed = {reading.provider_device_id for reading in attempt.confirmed}
    return (
        is_repeated(attempt, hints, came_at),
        hints.device_type in {None, attempt.device_type},
        attempt.state is not State.EXPIRED,
        attempt.can_arrive(came_at),
        not confirmed.isdisjoint(hints.device_ids),
        hints.vendor_code is not None and hints.vendor_code == attempt.vendor_code,
        attempt.reason is not Reason.SUPERSEDED,
    )
