"""Leaving for the Connect UI, after a click that waits only a moment for the provider."""

from flask import Blueprint, abort, url_for
from flask.typing import ResponseReturnValue

from portal.domain.link_session import LinkSession, Reason
from portal.journey import link, outcome
from portal.web import onward
from portal.web.guards import customer, customers
from portal.web.page import see_other
from portal.web.surface import is_in_webview
from portal.web.wiring import portal

# Of its own: agents see the attempts' pages, and never the address of a Connect UI.
blueprint = Blueprint("departures", __name__, url_prefix="/link-sessions")

PATIENCE = 1.5
"""Seconds a customer waits for a page after a click."""


@blueprint.get("/<link_session_id>/leave")
@customers("link-sessions/{link_session_id}", has_effect=True)
def leave(link_session_id: str) -> ResponseReturnValue:
    """Goes on to the Connect UI, once; after that, and after Back or a reload, the attempt's page.

    A vendor's sign-in is never opened in a webview: there the attempt's page shows the way out.
    """
    provider = outcome.provider_of(ports=portal().ports, customer=customer(), link_session_id=link_session_id)
    if provider is None:
        abort(404)
    if is_in_webview():
        return _attempts_page(link_session_id)
    connect_url = link.go_on(
        ports=portal().ports, customer=customer(), link_session_id=link_session_id, now=portal().clock()
    )
    return onward.to_provider(connect_url, provider.name) if connect_url else _attempts_page(link_session_id)


def leave_or_wait(attempt: LinkSession) -> ResponseReturnValue:
    """On to the Connect UI where the provider answers in time, else to the attempt's page, which goes on by itself."""
    moved = link.leave(ports=portal().ports, attempt=attempt, patience=PATIENCE, now=portal().clock())
    # Where the provider's own page asks for the vendor, the customer reads that first.
    has_news = moved.reason is Reason.VENDOR_ASKED
    if is_in_webview() or has_news or not moved.may_follow(portal().clock()):
        return _attempts_page(attempt.id)
    return go_on(attempt.id)


def go_on(link_session_id: str) -> ResponseReturnValue:
    """Ends a form at the page that leaves: Back and a reload find that, and never send the form once more."""
    return see_other(url_for("departures.leave", link_session_id=link_session_id))


def _attempts_page(link_session_id: str) -> ResponseReturnValue:
    return see_other(url_for("link_sessions.attempt", link_session_id=link_session_id))
