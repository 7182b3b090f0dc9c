"""How often devices are read by themselves: the longer nobody has looked, the more seldom, but once a day for ever."""

from datetime import datetime, timedelta

OFTENEST = timedelta(minutes=5)
SELDOMEST = timedelta(hours=24)
"""A customer is told of a lapsed access within a day, however long they have stayed away."""

UNREAD_AGAIN = timedelta(hours=1)
"""The longest pause where how a device is could not be read."""

MOST_DOUBLINGS = 6
SPREAD_PART = 1 / 8
"""The part of a pause that may be left out, so that what was read at once is not read at once for ever."""


def next_reading(
    *, looked_at: datetime, failures: int, now: datetime, unread: bool = False, spread: float = 0.0
) -> datetime:
    """When to read next.

    The pause is half the time since the customer looked, doubled for each time in a row that the provider could not be
    asked. `spread` is chance, from 0 to 1.
    """
    doublings = min(failures, MOST_DOUBLINGS)
    pause = max(OFTENEST, (now - looked_at) / 2) * (1 << doublings)
    longest = UNREAD_AGAIN if unread else SELDOMEST
    return now + min(pause, longest) * (1 - SPREAD_PART * spread)
