"""The code by which a customer lets customer support help: shown to them once, and typed in by the agent."""

import secrets
from datetime import datetime

from portal.domain.people import Customer
from portal.domain.support import CODE_LIFETIME
from portal.journey.acts import Act, open_grant, record
from portal.journey.ports import Ports
from portal.storage import audit, support_codes, support_grants

DIGITS = 6


def give(*, ports: Ports, customer: Customer, now: datetime) -> str:
    """A new code; whatever was given before is good no more."""
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    with ports.database.write() as tx:
        support_codes.give(tx, customer.id, code, expires_at=now + CODE_LIFETIME)
    return code


def take(*, ports: Ports, act: Act, typed: str) -> bool:
    """Opens the help for as long as the permission lasts; False for a code that is not this customer's, or too many."""
    code = "".join(typed.split())
    with ports.database.write() as tx:
        grant = open_grant(tx, act)
        if grant is None:
            return False
        is_right = support_grants.count_try(tx, grant.id) and support_codes.take(tx, act.customer_id, code, now=act.now)
        if is_right:
            support_grants.let_assist(tx, grant.id, now=act.now)
            audit.record(
                tx,
                at=act.now,
                actor="customer",
                customer_id=act.customer_id,
                action="support.allowed",
                object_type="support_grant",
                object_id=grant.id,
            )
        outcome = "allowed" if is_right else "refused"
        record(tx, act, "assist.code", outcome, object_type="support_grant", object_id=grant.id)
    return is_right
