"""What is done behind the pages. A task carries ids and nothing else: what is to be done stands in the database."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

HOUSE = "house"
"""The lane of work that calls no provider; every other lane is named by the provider that its work calls."""


class Step(StrEnum):
    """The steps that can be woken."""

    ADVANCE = "advance"
    READ = "read"
    REMOVE = "remove"
    TAKE_EVENT = "take_event"
    SEND = "send"
    DELETE = "delete"
    CATCH_UP = "catch_up"
    RECONCILE = "reconcile"


class Urgency(IntEnum):
    """Who comes first in a lane: somebody who waits in front of a page comes before what nobody looks at."""

    SCHEDULED = 0
    SOMEBODY_WAITS = 10


@dataclass(frozen=True, slots=True)
class Task:
    """One step to be taken soon.

    `ids` are (customer, attempt) for ADVANCE, (customer, provider) for READ, (customer, device) for REMOVE, (event,)
    for TAKE_EVENT, (letter,) for SEND and (deletion, system) for DELETE, none for CATCH_UP and RECONCILE, which come
    from a clock and not out of the queue.
    """

    step: Step
    lane: str
    ids: tuple[str, ...]
    urgency: Urgency = Urgency.SOMEBODY_WAITS


class Queue(Protocol):
    """Brings tasks to whoever does them. It may lose them: the reconciler finds what should have moved."""

    def put(self, task: Task) -> bool:
        """Never raises; False where the task is lost already."""
        ...
