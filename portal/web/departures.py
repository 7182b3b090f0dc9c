"""Leaving for the Connect UI, after a click that waits only a moment for the provider."""

from flask import url_for
from flask.typing import ResponseReturnValue

from portal.domain.link_session import LinkSession
from portal.journey import link
from portal.web.guards import customer
from portal.web.page import see_other
from portal.web.surface import is_in_webview
from portal.web.wiring import portal

PATIENCE = 1.5
"""Seconds a customer waits for a page after a click."""


def leave_or_wait(attempt: LinkSession) -> ResponseReturnValue:
    """To the Connect UI where the provider answers in time, else to the attempt's page, which goes on by itself."""
    moved = link.leave(ports=portal().ports, attempt=attempt, patience=PATIENCE, now=portal().clock())
    if is_in_webview() or not moved.may_follow(portal().clock()):
        return see_other(url_for("link_sessions.attempt", link_session_id=attempt.id))
    return follow_or_show(attempt.id)


def follow_or_show(link_session_id: str) -> ResponseReturnValue:
    """To the Connect UI where a link waits to be followed, else to the attempt's page.

    A vendor's sign-in is never opened in a webview: there the attempt's page shows the way out.
    """
    if is_in_webview():
        return see_other(url_for("link_sessions.attempt", link_session_id=link_session_id))
    connect_url = link.go_on(
        ports=portal().ports, customer=customer(), link_session_id=link_session_id, now=portal().clock()
    )
    return see_other(connect_url or url_for("link_sessions.attempt", link_session_id=link_session_id))
