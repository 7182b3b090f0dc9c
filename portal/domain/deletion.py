"""A customer's wish to be forgotten, and how far it has come in each system."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

PORTAL = "portal"
"""What the portal itself holds, as one of the systems; every other one is named by its provider."""

TRIED_FOR = timedelta(days=3)
"""How long a provider that fails is asked again; then the rest goes without it."""

TOMBSTONE_LASTS = timedelta(days=40)
"""How long a late word of a forgotten customer is known for what it is: longer than it is delivered again."""

KEPT_FOR = timedelta(days=400)
"""How long the list of what was done is kept, which names nobody."""


class Progress(StrEnum):
    """How far it has come in one system. NOT_OFFERED: it has no call for it. GIVEN_UP: it failed for too long."""

    UNDER_WAY = "under_way"
    DONE = "done"
    NOT_OFFERED = "not_offered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Deletion:
    """One customer's deletion. `customer_id` is opaque, and nobody's name once it is over."""

    id: str
    customer_id: str
    asked_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeletionStep:
    """What was done in one system, since when it stands so, and how often it was tried."""

    system: str
    progress: Progress
    changed_at: datetime
    tries: int
