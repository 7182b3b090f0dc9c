"""A verified webhook, in our words. It wakes a step; it never carries authority of its own."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.domain.device import DeviceReading


class EventKind(StrEnum):
    """What a provider tells us happened."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    CHANGED = "changed"
    IGNORED = "ignored"


class EventState(StrEnum):
    """How far an event in the inbox has come. QUARANTINED and DEAD stay for an operator to see."""

    RECEIVED = "received"
    DONE = "done"
    QUARANTINED = "quarantined"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One event of one provider. `pseudonym` names the customer as we named them to the provider.

    CONNECTED carries full readings, DISCONNECTED carries ids only; CHANGED says that the provider should be asked anew.
    `link_session_id` is our attempt, where the event echoes it.
    """

    provider_key: str
    event_id: str
    kind: EventKind
    occurred_at: datetime
    pseudonym: str | None = None
    readings: tuple[DeviceReading, ...] = ()
    device_ids: tuple[str, ...] = ()
    link_session_id: str | None = None
