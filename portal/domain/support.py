"""Support staff, and their time-boxed permission to see what one customer sees."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from portal.domain.people import Customer


class Role(StrEnum):
    """What an agent may do beside signing in. A lead may all that an agent may."""

    AGENT = "agent"
    LEAD = "lead"
    AUDITOR = "auditor"


class Reason(StrEnum):
    """Why an agent looks; the customer reads it, too."""

    CONNECTING = "connecting"
    RECONNECTING = "reconnecting"
    DEVICE_DATA = "device_data"
    ACCOUNT = "account"
    PRIVACY = "privacy"
    OTHER = "other"


class EndCause(StrEnum):
    """Why a permission ended before its time."""

    BUTTON = "button"
    SIGNED_OUT = "signed_out"
    ROLE_LOST = "role_lost"
    CUSTOMER = "customer"


MAY_VIEW: Mapping[Role, bool] = {Role.AGENT: True, Role.LEAD: True, Role.AUDITOR: False}
MAY_AUDIT: Mapping[Role, bool] = {Role.AGENT: False, Role.LEAD: False, Role.AUDITOR: True}
MAY_ASSIST_UNASKED: Mapping[Role, bool] = {Role.AGENT: False, Role.LEAD: True, Role.AUDITOR: False}
"""Who may help a customer without a code that the customer reads out."""

GRANT_LIFETIME = timedelta(minutes=15)
"""How long a permission lasts; once it may be made to last as long again."""

CODE_LIFETIME = timedelta(minutes=10)
"""How long the code is good by which a customer lets an agent help."""

MOST_TRIES = 5
"""How many codes may be typed in with one permission, and how many wrong ones a code outlives."""

SHIFT = timedelta(hours=10)
"""For how long the customers are counted whom an agent looks at: very many are told to the auditors."""

MOST_AT_ONCE = 3
"""How many permissions an agent may hold at the same time."""


class NotAllowed(Exception):
    """An agent may not look at this customer, or not help. The text is one of our own fixed words."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One of the retailer's support staff, as their own issuer names them. (issuer, subject) is the key."""

    id: str
    issuer: str
    subject: str
    name: str | None
    email: str | None
    role: Role


@dataclass(frozen=True, slots=True)
class SupportGrant:
    """The permission of one agent to see what one customer sees, for a reason and a ticket, until it ends.

    `assists_since`: the customer lets the agent help, too. `code_tries` is how many codes were typed in for that.
    """

    id: str
    agent_id: str
    customer_id: str
    reason: Reason
    ticket: str
    created_at: datetime
    expires_at: datetime
    renewed_at: datetime | None = None
    ended_at: datetime | None = None
    end_cause: EndCause | None = None
    assists_since: datetime | None = None
    code_tries: int = 0

    def is_open(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.expires_at

    def lasted(self, now: datetime) -> timedelta:
        """How long it has been open, as far as that has come."""
        return min(self.ended_at or self.expires_at, max(now, self.created_at)) - self.created_at

    def may_renew(self, now: datetime) -> bool:
        return self.is_open(now) and self.renewed_at is None

    def renewed(self, now: datetime) -> "SupportGrant":
        """As long again from now, once."""
        return replace(self, renewed_at=now, expires_at=now + GRANT_LIFETIME)


def check_may_view(agent: Agent, customer: Customer, *, is_staff: bool) -> None:
    """Whether this agent may look at this customer: never at themselves, never at a colleague. Raises NotAllowed."""
    if not MAY_VIEW[agent.role]:
        raise NotAllowed("role")
    identity = customer.identity
    has_my_email = bool(identity.email) and (identity.email or "").casefold() == (agent.email or "").casefold()
    if has_my_email or (identity.issuer, identity.subject) == (agent.issuer, agent.subject):
        raise NotAllowed("self")
    if is_staff:
        raise NotAllowed("colleague")


def may_assist(agent: Agent, grant: SupportGrant) -> bool:
    """Whether this agent may act for the customer of an open permission: a lead, or whom the customer lets."""
    return MAY_ASSIST_UNASKED[agent.role] or (MAY_VIEW[agent.role] and grant.assists_since is not None)
