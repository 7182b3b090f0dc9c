"""What is on record of customer support, for an auditor to read."""

from dataclasses import dataclass
from datetime import datetime

from portal.domain.access import AccessEvent, AccessFilter
from portal.domain.people import Customer
from portal.domain.support import Agent
from portal.journey.ports import Ports
from portal.storage import access_events, agents, customer_search, customers

ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request of the record, with the names that belong to its ids."""

    event: AccessEvent
    agent: Agent | None
    customer: Customer | None


def recorded(
    *, ports: Ports, customer: str, agent: str, since: datetime | None, before: int | None
) -> tuple[Recorded, ...]:
    """What is on record, newest first; `customer` and `agent` narrow it down by the beginning of a name or number."""
    with ports.database.read() as tx:
        customer_id = (
            next((hit.customer.id for hit in customer_search.find(tx, customer, limit=1)), "") if customer else None
        )
        actor = agents.id_of(tx, agent) or "" if agent else None
        wanted = AccessFilter(customer_id=customer_id, actor=actor, since=since)
        events = access_events.page(tx, wanted, limit=ON_A_PAGE, before=before)
        return tuple(
            Recorded(
                event,
                agents.get(tx, event.actor),
                customers.get(tx, event.customer_id) if event.customer_id else None,
            )
            for event in events
        )
