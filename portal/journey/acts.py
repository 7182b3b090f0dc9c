"""What customer support does for a customer beside looking: permitted each time anew, and on record with the act."""

from dataclasses import dataclass
from datetime import datetime

from portal.domain.support import Agent, NotAllowed, SupportGrant, may_assist
from portal.journey.support import Viewing
from portal.storage import access_events, support_grants
from portal.storage.database import Transaction

SUPPORT = "support"
"""The actor on the customer's record: who it was, only the record of support says."""


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts for whom: the agent, their permission with its customer, and the request it is asked for with."""

    agent: Agent
    viewing: Viewing
    request_reference: str
    now: datetime

    @property
    def customer_id(self) -> str:
        return self.viewing.customer.id


def check_permitted(tx: Transaction, act: Act) -> None:
    """Whether the permission is still open and reaches so far. Raises NotAllowed."""
    grant = open_grant(tx, act)
    if grant is None or not may_assist(act.agent, grant):
        raise NotAllowed("assist")


def open_grant(tx: Transaction, act: Act) -> SupportGrant | None:
    """The permission as it stands now."""
    tx.in_turn(act.customer_id)
    grant = support_grants.get(tx, act.agent.id, act.viewing.grant.id)
    return grant if grant is not None and grant.is_open(act.now) else None


def record(tx: Transaction, act: Act, action: str, outcome: str, *, object_type: str, object_id: str) -> None:
    """Puts an act on the record of support. Called last in its transaction, as every event is."""
    grant = act.viewing.grant
    access_events.record(
        tx,
        at=act.now,
        actor=act.agent.id,
        actor_role=act.agent.role,
        customer_id=grant.customer_id,
        grant_id=grant.id,
        reason=grant.reason,
        ticket=grant.ticket,
        action=action,
        outcome=outcome,
        object_type=object_type,
        object_id=object_id,
        request_reference=act.request_reference,
    )
