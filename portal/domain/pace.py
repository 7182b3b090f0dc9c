"""How often devices are read by themselves: the longer nobody has looked, the more seldom."""

from datetime import datetime, timedelta

OFTENEST = timedelta(minutes=5)
SELDOMEST = timedelta(hours=24)
"""A customer is told of a lapsed access within a day, however long they have stayed away."""

GIVEN_UP = timedelta(days=90)
"""Nobody has looked for so long: the devices rest until somebody does."""

MOST_DOUBLINGS = 6


def next_reading(*, looked_at: datetime, failures: int, now: datetime) -> datetime | None:
    """When to read next, None where it is not to be done by itself any more.

    The pause is half the time since the customer looked, doubled for each time in a row that the provider could not be
    asked.
    """
    since = now - looked_at
    if since > GIVEN_UP:
        return None
    doublings = min(failures, MOST_DOUBLINGS)
    pause = max(OFTENEST, since / 2) * (1 << doublings)
    return now + min(pause, SELDOMEST)
