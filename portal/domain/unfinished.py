"""Which attempts stay in sight on the devices page: from the click until they are over, or put away."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from portal.domain.link_session import LinkSession, Purpose, Reason, State

KEPT_FOR = timedelta(days=1)
"""How long an attempt that was not finished stays in sight."""

LOOKED_BACK = timedelta(days=4)
"""How far back attempts can still be of matter: one that came back late may have waited for days."""

BACK = frozenset({State.ARRIVED, State.WAITING})
"""The customer is back from the Connect UI, and the provider has the word."""

UNDER_WAY = frozenset({State.CREATED, State.DEPARTED}) | BACK

OVER_FOR_GOOD = frozenset({Reason.SUPERSEDED, Reason.PERMISSION_WITHDRAWN, Reason.ALREADY_WORKING, Reason.KEPT_BOTH})
"""What a new try does not mend, or what its customer has decided themselves."""

SILENT = frozenset({State.HELD, State.LINKED})
"""Of the first nothing is said; the second has its device on the list."""


def unfinished(attempts: Sequence[LinkSession], *, now: datetime) -> tuple[LinkSession, ...]:
    """The attempts to link that their customer may still want to finish, newest first.

    Of one type and vendor it is the newest, and each whose customer is back. None that something was linked after.
    """
    begun = sorted(
        (attempt for attempt in attempts if attempt.purpose is Purpose.LINK and attempt.state not in SILENT),
        key=lambda attempt: attempt.created_at,
        reverse=True,
    )
    newest: dict[tuple[str, str], LinkSession] = {}
    for attempt in begun:
        if attempt.reason is not Reason.SUPERSEDED:
            newest.setdefault(_choice(attempt), attempt)
    told = {attempt.id for attempt in newest.values()}
    return tuple(
        attempt
        for attempt in begun
        if (attempt.state in BACK or (attempt.id in told and _is_kept(attempt, attempts, now)))
        and not is_put_away(attempt)
    )


def renewals(attempts: Iterable[LinkSession], *, now: datetime) -> dict[str, LinkSession]:
    """The newest attempt under way to reconnect each device, by the device's id."""
    begun = (
        attempt
        for attempt in sorted(attempts, key=lambda attempt: attempt.created_at)
        if attempt.purpose is Purpose.REAUTHENTICATE and attempt.state in UNDER_WAY
    )
    return {attempt.device_id: attempt for attempt in begun if attempt.device_id and not _is_old(attempt, now)}


def is_put_away(attempt: LinkSession) -> bool:
    """Whether its customer has put it away since it last came back with something."""
    news = attempt.arrived_at or attempt.created_at
    return attempt.put_away_at is not None and attempt.put_away_at >= news


def _is_kept(attempt: LinkSession, attempts: Iterable[LinkSession], now: datetime) -> bool:
    return (
        attempt.reason not in OVER_FOR_GOOD
        and not _is_old(attempt, now)
        and not any(_has_linked_since(other, attempt) for other in attempts)
    )


def _is_old(attempt: LinkSession, now: datetime) -> bool:
    """Whether it was begun too long ago; what has come back counts from when it was judged."""
    if attempt.state in BACK:
        return False
    since = attempt.created_at if attempt.arrived_at is None else attempt.ended_at or attempt.arrived_at
    return now - since >= KEPT_FOR


def _has_linked_since(other: LinkSession, attempt: LinkSession) -> bool:
    is_linked = other.state is State.LINKED and other.purpose is Purpose.LINK and _choice(other) == _choice(attempt)
    return is_linked and (other.ended_at or other.created_at) >= attempt.created_at


def _choice(attempt: LinkSession) -> tuple[str, str]:
    return attempt.device_type, attempt.vendor_key
