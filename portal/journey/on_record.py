"""What is on record of customer support, for an auditor to read."""

from dataclasses import dataclass
from datetime import datetime

from portal.domain.access import AccessEvent, AccessFilter
from portal.domain.people import Customer
from portal.domain.support import Agent
from portal.journey.ports import Ports
from portal.storage import access_events, agents, customers

ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Sought:
    """What an auditor looks for; what is empty narrows nothing down.

    `customer` are words that begin a name, a number or an address, `agent` is an address; either may be an id. From
    `since` on, and before `until`.
    """

    customer: str = ""
    agent: str = ""
    since: datetime | None = None
    until: datetime | None = None
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the record, with the names that belong to its ids."""

    event: AccessEvent
    agent: Agent | None
    customer: Customer | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """Some of the record, the latest first. `more_before` is the number that the next page comes before."""

    entries: tuple[Entry, ...]
    more_before: int | None


def recorded(*, ports: Ports, sought: Sought, before: int | None) -> Recorded:
    """What is on record of what is sought, of all customers whom the words find."""
    with ports.database.read() as tx:
        wanted = AccessFilter(
            customers=sought.customer or None,
            actor=(agents.id_of(tx, sought.agent) or sought.agent) if sought.agent else None,
            since=sought.since,
            until=sought.until,
            actions=sought.actions,
        )
        events = access_events.page(tx, wanted, limit=ON_A_PAGE + 1, before=before)
        shown = tuple(
            Entry(
                event,
                agents.get(tx, event.actor),
                customers.get(tx, event.customer_id) if event.customer_id else None,
            )
            for event in events[:ON_A_PAGE]
        )
    return Recorded(shown, shown[-1].event.number if len(events) > ON_A_PAGE else None)
