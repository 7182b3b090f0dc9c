"""The auditor's page: who of the staff came, what they asked for and what came of it."""

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from portal.domain.access import NOBODY
from portal.domain.support import MAY_AUDIT
from portal.journey import on_record
from portal.web import errors, staff_session, support_words
from portal.web.guards import staff as for_staff
from portal.web.page import page
from portal.web.wiring import portal

blueprint = Blueprint("audit", __name__, url_prefix="/audit")

LONGEST_QUERY = 100


@blueprint.get("")
@for_staff
def entries() -> ResponseReturnValue:
    """What is on record, for those who look after that."""
    if not MAY_AUDIT[staff_session.agent().role]:
        abort(errors.refused(support_words.refusal("role")))
    customer, agent = (request.args.get(name, "")[:LONGEST_QUERY].strip() for name in ("customer", "agent"))
    found = on_record.recorded(
        ports=portal().ports,
        customer=customer,
        agent=agent,
        since=None,
        before=_number_of_event(request.args.get("before", "")),
    )
    return page(
        "support/audit.html",
        recorded=found,
        customer=customer,
        agent_email=agent,
        nobody=NOBODY,
        reasons=support_words.REASONS,
        happened=support_words.happened,
    )


def _number_of_event(text: str) -> int | None:
    """A number in an address; None for what is none, or is larger than any database counts."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
