"""The pages of customer support itself: finding a customer, asking for the permission to look, ending it."""

import unicodedata

from flask import Blueprint, abort, request, session, url_for
from flask.typing import ResponseReturnValue

from portal import i18n
from portal.domain.people import Customer
from portal.domain.support import MAY_VIEW, NotAllowed, Reason
from portal.journey import support
from portal.journey.support import Viewing
from portal.web import errors, staff_session, staff_targets, support_words
from portal.web.guards import staff as for_staff
from portal.web.page import page, see_other
from portal.web.request_log import reference
from portal.web.wiring import portal, staff
from portal.web.words import gettext

blueprint = Blueprint("support", __name__)

LONGEST_QUERY = 100
LONGEST_TICKET = 60
LONGEST_CODE = 20


@blueprint.get("/")
@for_staff
def search() -> ResponseReturnValue:
    """Finds customers, and shows of them no more than is needed to know which is meant."""
    query = _line(request.args.get("q", "")[:LONGEST_QUERY])
    may_view = MAY_VIEW[staff_session.agent().role]
    found = support.find(ports=portal().ports, query=query, after=_after()) if may_view else None
    open_now = support.open_of(ports=portal().ports, agent=staff_session.agent(), now=portal().clock())
    return page("support/search.html", query=query, found=found, open_now=open_now, agent=staff_session.agent())


@blueprint.get("/customers/<customer_id>")
@for_staff
def customer(customer_id: str) -> ResponseReturnValue:
    """Asks why this customer is to be looked at."""
    return _ask(_customer(customer_id))


@blueprint.post("/customers/<customer_id>")
@for_staff
def begin(customer_id: str) -> ResponseReturnValue:
    """Permits it, for a reason and a ticket."""
    subject = _customer(customer_id)
    ticket = _line(request.form.get("ticket", ""))[:LONGEST_TICKET]
    code = request.form.get("code", "").strip()[:LONGEST_CODE]
    reason = next((reason for reason in staff().reasons if reason == request.form.get("reason")), None)
    errors = {}
    if reason is None:
        errors["reason"] = gettext("Choose why you need to view this customer.")
    if not ticket:
        errors["ticket"] = gettext("Enter the ticket number.")
    if subject.support_asks_first and not code:
        errors["code"] = gettext("Enter the code that the customer reads out.")
    if errors or reason is None:
        return _ask(subject, status=422, errors=errors, ticket=ticket, reason=reason)
    try:
        grant = support.begin(
            ports=portal().ports,
            agent=staff_session.agent(),
            customer_id=subject.id,
            reason=reason,
            ticket=ticket,
            code=code,
            many_customers=staff().many_customers,
            request_reference=reference(),
            now=portal().clock(),
        )
    except support.CodeRefused:
        wrong = {"code": support_words.wrong_code()}
        return _ask(_customer(customer_id), status=422, errors=wrong, ticket=ticket, reason=reason)
    except NotAllowed as refusal:
        return page("support/not_allowed.html", status=403, text=support_words.refusal(str(refusal)))
    if grant is None:
        abort(404)
    return see_other(url_for("devices.overview", grant=grant.id))


@blueprint.post("/grants/<grant_id>/renew")
@for_staff
def renew(grant_id: str) -> ResponseReturnValue:
    """As long again, once."""
    found = _viewing(grant_id)
    if found is None or not support.renew(ports=portal().ports, viewing=found, now=portal().clock()):
        return see_other(url_for("support.over"))
    return see_other(url_for("devices.overview", grant=grant_id))


@blueprint.post("/grants/<grant_id>/end")
@for_staff
def end(grant_id: str) -> ResponseReturnValue:
    """Ends the permission."""
    found = _viewing(grant_id)
    if found is not None:
        support.end(ports=portal().ports, viewing=found, now=portal().clock())
    return see_other(url_for("support.over"))


@blueprint.post("/grants/<grant_id>/language")
@for_staff
def language(grant_id: str) -> ResponseReturnValue:
    """Shows the customer's pages in the agent's own language, or in the customer's again."""
    session[staff_session.OWN_LANGUAGE] = request.form.get("own") == "yes"
    page_of_it = staff_targets.parse(request.form.get("to", ""), grant_id=grant_id)
    return see_other(page_of_it or url_for("devices.overview", grant=grant_id))


@blueprint.post("/language")
@for_staff
def own_language() -> ResponseReturnValue:
    """The language of the support pages."""
    i18n.choose(request.form.get("language", ""))
    return see_other(staff_targets.parse(request.form.get("to", "")) or url_for("support.search"))


@blueprint.get("/over")
@for_staff
def over() -> ResponseReturnValue:
    """Says that a permission has ended."""
    return page("support/over.html")


def _after() -> tuple[str, str] | None:
    """What this page of customers begins after."""
    word, customer_id = (_line(request.args.get(name, "")[:LONGEST_QUERY]) for name in ("word", "after"))
    return (word, customer_id) if word and customer_id else None


def _line(text: str) -> str:
    """What was typed, as one line that can be shown and stored: no marks of direction, no stacks of accents."""
    composed = unicodedata.normalize("NFC", text)
    kept = (letter if letter.isprintable() else " " for letter in composed if unicodedata.category(letter) != "Mn")
    return " ".join("".join(kept).split())


def _ask(
    subject: Customer,
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    ticket: str = "",
    reason: Reason | None = None,
) -> ResponseReturnValue:
    return page(
        "support/customer.html",
        status=status,
        subject=subject,
        reasons=[(one, support_words.REASONS[one]) for one in staff().reasons],
        errors=errors or {},
        ticket=ticket,
        reason=reason,
    )


def _customer(customer_id: str) -> Customer:
    if not MAY_VIEW[staff_session.agent().role]:
        abort(errors.refused(support_words.refusal("role")))
    found = support.customer(ports=portal().ports, customer_id=customer_id)
    if found is None:
        abort(404)
    return found


def _viewing(grant_id: str) -> Viewing | None:
    return support.viewing(ports=portal().ports, agent=staff_session.agent(), grant_id=grant_id, now=portal().clock())
