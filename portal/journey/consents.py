"""Permissions that end by themselves: nothing was connected on them, and nothing can be any more."""

from datetime import datetime, timedelta

from portal.journey.history import note_consent
from portal.journey.ports import Ports
from portal.storage import consents

ENDS_AFTER = timedelta(days=1)
"""How long after an attempt and its link are over a permission waits for news that came late."""

AT_ONCE = 100
"""How many are ended in one round; the next comes in a minute."""


def end_idle(*, ports: Ports, now: datetime) -> None:
    """Ends the permissions of attempts that are over for good and linked nothing. They stay on record."""
    with ports.database.read() as tx:
        idle = consents.idle(tx, over_since=now - ENDS_AFTER, limit=AT_ONCE)
    for one in idle:
        # One after the other: each customer has a turn of their own.
        with ports.database.write() as tx:
            if consents.end(tx, one.customer_id, one.link_session_id, now=now):
                note_consent(tx, one.customer_id, one.link_session_id, "ended", now=now)
