"""Customer support: finding a customer, and the permission to see for a while what they see."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from portal.domain.access import MANY_CUSTOMERS, AccessFilter
from portal.domain.people import Customer
from portal.domain.reference import as_typed
from portal.domain.support import (
    GRANT_LIFETIME,
    MAY_VIEW,
    MOST_AT_ONCE,
    SHIFT,
    Agent,
    EndCause,
    NotAllowed,
    Reason,
    SupportGrant,
    check_may_view,
)
from portal.journey.ports import Ports
from portal.storage import (
    access_events,
    agents,
    audit,
    customer_search,
    customers,
    references,
    support_codes,
    support_grants,
)
from portal.storage.customer_words import words_of
from portal.storage.database import Transaction
from portal.storage.ids import new_id
from portal.storage.references import ErrorPage

log = structlog.get_logger(__name__)

ON_A_PAGE = 20
LONGEST_TICKET = 60

SEARCH_DIGEST = 16
"""Letters of the digest by which a search is on record."""


@dataclass(frozen=True, slots=True)
class Found:
    """Some of the customers that a query finds. `more_after` is what the next page begins after.

    `error` is the error page whose number was asked for.
    """

    customers: tuple[Customer, ...]
    more_after: tuple[str, str] | None
    error: ErrorPage | None = None


class CodeRefused(Exception):
    """The customer wants to be asked first, and the code is not theirs, or not good any more."""


@dataclass(frozen=True, slots=True)
class Viewing:
    """A permission that is open, and the customer it is for."""

    grant: SupportGrant
    customer: Customer


def find(*, ports: Ports, query: str, after: tuple[str, str] | None) -> Found:
    """The customers of whom every word of the query begins a name, a number or an address.

    A reference number of an attempt or of an error page, or a provider's own reference, finds its customer.
    """
    reference = as_typed(query)
    with ports.database.read() as tx:
        error = references.error_page(tx, reference) if reference else None
        named = references.customers_of_attempts(tx, reference=reference, provider_reference=query) if query else ()
        by_number = [customers.get(tx, one) for one in (*named, *((error.customer_id,) if error else ()))]
        if by_number:
            return Found(tuple(one for one in by_number if one is not None), None, error)
        found = customer_search.find(tx, query, limit=ON_A_PAGE + 1, after=after)
    shown = found[:ON_A_PAGE]
    more_after = (shown[-1].word, shown[-1].customer.id) if len(found) > ON_A_PAGE else None
    return Found(tuple(hit.customer for hit in shown), more_after)


def customer(*, ports: Ports, customer_id: str) -> Customer | None:
    with ports.database.read() as tx:
        return customers.get(tx, customer_id)


def begin(
    *,
    ports: Ports,
    agent: Agent,
    customer_id: str,
    reason: Reason,
    ticket: str,
    code: str = "",
    many_customers: int,
    request_reference: str,
    now: datetime,
) -> SupportGrant | None:
    """A permission for this agent; None for an unknown customer. Raises NotAllowed, CodeRefused.

    A customer who wants to be asked first has read out the `code`; it lets the agent help as well. More than
    `many_customers` in a shift are an alarm, once in the shift; nothing is refused for it.
    """
    with ports.database.write() as tx:
        tx.in_turn(agent.id)
        tx.in_turn(customer_id)
        subject = customers.get(tx, customer_id)
        if subject is None:
            return None
        check_may_view(agent, subject, is_staff=agents.is_known(tx, subject.identity))
        if len(support_grants.open_of(tx, agent.id, now=now)) >= MOST_AT_ONCE:
            raise NotAllowed("too_many")
        is_asked = subject.support_asks_first
        is_right = not is_asked or support_codes.take(tx, subject.id, "".join(code.split()), now=now)
        grant = SupportGrant(
            id=new_id(),
            agent_id=agent.id,
            customer_id=subject.id,
            reason=reason,
            ticket=ticket[:LONGEST_TICKET],
            created_at=now,
            expires_at=now + GRANT_LIFETIME,
            assists_since=now if is_asked else None,
        )
        seen = 0
        if is_right:
            support_grants.keep(tx, grant)
            seen = _too_many(tx, agent, grant, many_customers, request_reference)
    if not is_right:
        # Only now: that it was tried has to be kept.
        raise CodeRefused
    if seen:
        log.warning("many_customers_viewed", agent=agent.id, customers=seen, hours=SHIFT // timedelta(hours=1))
    return grant


def _too_many(tx: Transaction, agent: Agent, grant: SupportGrant, many: int, request_reference: str) -> int:
    """Of how many customers the alarm on record tells, where this permission was one too many; else 0."""
    seen = support_grants.customers_seen(tx, agent.id, since=grant.created_at - SHIFT)
    if seen <= many or _was_told(tx, agent, grant.created_at):
        return 0
    _tell_auditors(tx, agent, grant, seen, request_reference)
    return seen


def _was_told(tx: Transaction, agent: Agent, now: datetime) -> bool:
    """Whether there was an alarm in this shift already."""
    alarms = AccessFilter(actor=agent.id, actions=(MANY_CUSTOMERS,), since=now - SHIFT)
    return bool(access_events.page(tx, alarms, limit=1))


def _tell_auditors(tx: Transaction, agent: Agent, grant: SupportGrant, seen: int, request_reference: str) -> None:
    """Puts the alarm on record, with the permission that was one too many."""
    access_events.record(
        tx,
        at=grant.created_at,
        actor=agent.id,
        actor_role=agent.role,
        customer_id=grant.customer_id,
        grant_id=grant.id,
        reason=grant.reason,
        ticket=grant.ticket,
        action=MANY_CUSTOMERS,
        outcome=f"alarm {seen}",
        request_reference=request_reference,
    )


def viewing(*, ports: Ports, agent: Agent, grant_id: str, now: datetime) -> Viewing | None:
    """The agent's own permission with its customer, as long as it is open and still allowed."""
    with ports.database.read() as tx:
        grant = support_grants.get(tx, agent.id, grant_id)
        subject = customers.get(tx, grant.customer_id) if grant and grant.is_open(now) else None
    if grant is None or subject is None or not MAY_VIEW[agent.role]:
        return None
    return Viewing(grant, subject)


def open_of(*, ports: Ports, agent: Agent, now: datetime) -> tuple[Viewing, ...]:
    """What the agent may look at now."""
    with ports.database.read() as tx:
        found = [
            (grant, customers.get(tx, grant.customer_id)) for grant in support_grants.open_of(tx, agent.id, now=now)
        ]
    return tuple(Viewing(grant, subject) for grant, subject in found if subject is not None)


def renew(*, ports: Ports, viewing: Viewing, now: datetime) -> bool:
    """As long again, once; False where that is over, or where the customer has to be asked again."""
    if not viewing.grant.may_renew(now):
        return False
    with ports.database.write() as tx:
        tx.in_turn(viewing.customer.id)
        subject = customers.get(tx, viewing.customer.id)
        if subject is None or subject.support_asks_first:
            return False
        return support_grants.renew(tx, viewing.grant.renewed(now))


def end(*, ports: Ports, viewing: Viewing, now: datetime) -> None:
    with ports.database.write() as tx:
        support_grants.end(tx, viewing.grant.agent_id, grant_id=viewing.grant.id, cause=EndCause.BUTTON, now=now)


def have_it_ask_first(*, ports: Ports, customer: Customer, asks: bool, now: datetime) -> None:
    """Whether customer support has to ask this customer first. Whoever looks without a code stops at once."""
    with ports.database.write() as tx:
        if not customers.have_support_ask_first(tx, customer.id, asks=asks):
            return
        if asks:
            support_grants.end_of_customer(tx, customer.id, cause=EndCause.CUSTOMER, now=now)
        audit.record(
            tx,
            at=now,
            actor="customer",
            customer_id=customer.id,
            action="support.asks_first" if asks else "support.need_not_ask",
            object_type="customer",
            object_id=customer.id,
        )


def looks_at(*, ports: Ports, customer: Customer, limit: int = 50) -> tuple[SupportGrant, ...]:
    """When customer support looked, and why, for the customer to read."""
    with ports.database.read() as tx:
        return support_grants.of_customer(tx, customer.id, limit=limit)


def record(
    *,
    ports: Ports,
    agent: Agent,
    viewing: Viewing | None,
    customer_id: str | None,
    about: tuple[str, str] | None,
    action: str,
    outcome: str,
    request_reference: str,
    now: datetime,
    searched: str | None = None,
) -> None:
    """Writes down what an agent asked for and about which customer; `about` is the kind and the id of the object.

    What was `searched` for is kept as a digest: who looked for the same, and how often for something else, can be told,
    and no name stays for good.
    """
    grant = viewing.grant if viewing else None
    with ports.database.write() as tx:
        if searched:
            about = ("search", tx.digest(" ".join(words_of((searched,))))[:SEARCH_DIGEST])
        access_events.record(
            tx,
            at=now,
            actor=agent.id,
            actor_role=agent.role,
            customer_id=grant.customer_id if grant else customer_id,
            grant_id=grant.id if grant else None,
            reason=grant.reason if grant else None,
            ticket=grant.ticket if grant else None,
            action=action,
            object_type=about[0] if about else None,
            object_id=about[1] if about else None,
            outcome=outcome,
            request_reference=request_reference,
        )
