"""The page of one attempt: waiting, outcome, and all devices."""

from typing import Any

from flask import Blueprint, Response, abort, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain.link_session import State
from portal.journey import outcome
from portal.journey.outcome import AttemptView
from portal.web.departures import follow_or_show
from portal.web.guards import customer, customers
from portal.web.outcomes import outcome as words_for
from portal.web.page import fragment, page, round_of_polling, see_other, wants_fragment
from portal.web.wiring import portal

blueprint = Blueprint("link_sessions", __name__, url_prefix="/link-sessions")

POLLS = (2, 4, 8, 15, 30, 30, 30, 30)
"""Seconds before each look of the page by itself. After the last one it rests, and the customer looks again by hand."""

SOON, SELDOM = 2, 15
"""Seconds between two looks at an attempt whose turn is next, and at one that has to wait for long."""

PATIENCE = 1.0
"""Seconds a look waits for news: enough for a provider that answers as it should."""


@blueprint.get("/<link_session_id>")
@customers("link-sessions/{link_session_id}")
def attempt(link_session_id: str) -> ResponseReturnValue:
    """How the attempt stands, what to do next, and the devices."""
    view = outcome.look(
        ports=portal().ports,
        customer=customer(),
        link_session_id=link_session_id,
        now=portal().clock(),
        patience=PATIENCE,
        whole=not wants_fragment(),
    )
    if view is None:
        abort(404)
    if wants_fragment():
        return _look_again(view)
    return page("link_sessions/attempt.html", view=view, words=words_for(view), **_next_look(view, 0))


@blueprint.post("/<link_session_id>/continue")
@customers("link-sessions/{link_session_id}")
def go_on(link_session_id: str) -> ResponseReturnValue:
    """Follows the link that the attempt's page was waiting for."""
    _must_be_known(link_session_id)
    return follow_or_show(link_session_id)


@blueprint.post("/<link_session_id>/keep")
@customers("link-sessions/{link_session_id}")
def keep(link_session_id: str) -> ResponseReturnValue:
    """Keeps the device of the other account beside the one that was to be reconnected."""
    _must_be_known(link_session_id)
    outcome.keep_both(ports=portal().ports, customer=customer(), link_session_id=link_session_id, now=portal().clock())
    return see_other(url_for("link_sessions.attempt", link_session_id=link_session_id))


def _must_be_known(link_session_id: str) -> None:
    if not outcome.is_known(ports=portal().ports, customer=customer(), link_session_id=link_session_id):
        abort(404)


def _look_again(view: AttemptView) -> Response:
    """The waiting part alone while nothing has changed; a word to load the page afresh as soon as something has."""
    if request.args.get("was") != view.attempt.state or view.may_go_on:
        return Response(status=204, headers={"HX-Refresh": "true"})
    return fragment("link_sessions/_progress.html", view=view, **_next_look(view, round_of_polling()))


def _next_look(view: AttemptView, asked: int) -> dict[str, Any]:
    """When the page looks again by itself, and which look that will be; `delay` is None when it rests."""
    if view.attempt.state is State.CREATED:
        return {"delay": _until_its_turn(view.expected_wait), "asked": asked + 1}
    delay = POLLS[asked] if view.polls and asked < len(POLLS) else None
    return {"delay": delay, "asked": asked + 1}


def _until_its_turn(expected_wait: float | None) -> int:
    """Seconds until the next look at an attempt that waits for its provider: often only when it is about to go on."""
    if expected_wait is None:
        return SELDOM
    return round(min(max(expected_wait / 2, SOON), SELDOM))
