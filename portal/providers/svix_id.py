"""When an event was sent first: its id holds that, whereas each delivery has a time of its own.

Svix's ids are `msg_` and a KSUID, which begins with seconds (docs.svix.com, the example of "verifying manually": its id
and its first delivery name the same second). Where an id is none the time of the delivery is all we have.
"""

import re
from datetime import UTC, datetime, timedelta
from string import ascii_lowercase, ascii_uppercase, digits

LETTERS = digits + ascii_uppercase + ascii_lowercase
KSUID = re.compile(r"msg_([0-9A-Za-z]{27})")
RANDOM_BITS = 128
LARGEST_SECONDS = 2**32
EPOCH = 1_400_000_000

LONGEST_WAY = timedelta(days=7)
"""Deliveries go on for little more than a day, and an endpoint that fails is given up after five: older is no time."""


def first_sent_at(event_id: str, *, delivered_at: datetime) -> datetime:
    """When the event of this id was sent first, at most a week before this delivery."""
    named = KSUID.fullmatch(event_id)
    if named is None:
        return delivered_at
    number = 0
    for letter in named[1]:
        number = number * len(LETTERS) + LETTERS.index(letter)
    seconds = number >> RANDOM_BITS
    if seconds >= LARGEST_SECONDS:
        return delivered_at
    sent_at = datetime.fromtimestamp(EPOCH + seconds, UTC)
    return sent_at if delivered_at - LONGEST_WAY <= sent_at <= delivered_at else delivered_at
