"""The page of one attempt: waiting, outcome, and all devices."""

from typing import Any

from flask import Blueprint, Response, abort, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain.link_session import Purpose, State
from portal.journey import outcome, strays, which_device
from portal.journey.outcome import AttemptView
from portal.web import departures
from portal.web.guards import customer, customers
from portal.web.outcomes_in_app import words_of
from portal.web.page import fragment, page, round_of_polling, see_other, wants_fragment
from portal.web.surface import is_in_webview
from portal.web.way_out import way_out_of_webview
from portal.web.which_device import asked
from portal.web.wiring import portal

blueprint = Blueprint("link_sessions", __name__, url_prefix="/link-sessions")

POLLS = (2, 4, 8, 15, 30, 30, 30, 30)
"""Seconds before each look of the page by itself. After the last one it rests, and the customer looks again by hand."""

SOON, SELDOM = 2, 15
"""Seconds between two looks at an attempt whose turn is next, and at one that has to wait for long."""

ELSEWHERE = (3,) * 20 + (10,) * 90
"""Seconds before each look while the customer is in another browser: a quarter of an hour's worth."""

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
    given: dict[str, Any] = {"view": view, "words": words_of(view), "new": _new(view), "asks": asked(view)}
    return page("link_sessions/attempt.html", **given, **_next_look(view, 0))


@blueprint.post("/<link_session_id>/continue")
@customers("link-sessions/{link_session_id}")
def go_on(link_session_id: str) -> ResponseReturnValue:
    """Follows the link that the attempt's page was waiting for."""
    _must_be_known(link_session_id)
    return departures.go_on(link_session_id)


@blueprint.post("/<link_session_id>/keep")
@customers("link-sessions/{link_session_id}")
def keep(link_session_id: str) -> ResponseReturnValue:
    """Keeps the device of the other account, beside the one that was to be reconnected or in its place."""
    _must_be_known(link_session_id)
    which_device.keep(ports=portal().ports, customer=customer(), link_session_id=link_session_id, now=portal().clock())
    return see_other(url_for("link_sessions.attempt", link_session_id=link_session_id))


@blueprint.post("/<link_session_id>/let-go")
@customers("link-sessions/{link_session_id}")
def let_go(link_session_id: str) -> ResponseReturnValue:
    """Has the access to the device of the other account ended."""
    _must_be_known(link_session_id)
    is_going = strays.let_go(
        ports=portal().ports, customer=customer(), link_session_id=link_session_id, now=portal().clock()
    )
    if not is_going:
        return see_other(url_for("link_sessions.attempt", link_session_id=link_session_id))
    return see_other(url_for("devices.overview"))


@blueprint.post("/<link_session_id>/same")
@customers("link-sessions/{link_session_id}")
def same(link_session_id: str) -> ResponseReturnValue:
    """The device that was found is one from before."""
    _must_be_known(link_session_id)
    which_device.say_same(
        ports=portal().ports,
        customer=customer(),
        link_session_id=link_session_id,
        found=request.form.get("found"),
        before=request.form.get("before"),
        now=portal().clock(),
    )
    return see_other(url_for("link_sessions.attempt", link_session_id=link_session_id))


@blueprint.post("/<link_session_id>/another")
@customers("link-sessions/{link_session_id}")
def another(link_session_id: str) -> ResponseReturnValue:
    """The device that was found is none of those from before."""
    _must_be_known(link_session_id)
    which_device.say_another(
        ports=portal().ports, customer=customer(), link_session_id=link_session_id, now=portal().clock()
    )
    return see_other(url_for("link_sessions.attempt", link_session_id=link_session_id))


@blueprint.post("/<link_session_id>/put-away")
@customers("devices")
def put_away(link_session_id: str) -> ResponseReturnValue:
    """The customer wants to read no more of the attempt among their devices."""
    is_known = outcome.put_away(
        ports=portal().ports, customer=customer(), link_session_id=link_session_id, now=portal().clock()
    )
    if not is_known:
        abort(404)
    return see_other(url_for("devices.overview"))


def _must_be_known(link_session_id: str) -> None:
    if not outcome.is_known(ports=portal().ports, customer=customer(), link_session_id=link_session_id):
        abort(404)


def _look_again(view: AttemptView) -> Response:
    """The waiting part alone while nothing has changed; a word to load the page afresh as soon as something has."""
    if request.args.get("was") != _phase(view):
        return Response(status=204, headers={"HX-Refresh": "true"})
    return fragment("link_sessions/_progress.html", view=view, **_next_look(view, round_of_polling()))


def _new(view: AttemptView) -> frozenset[str]:
    """The ids of the devices that the attempt has just linked."""
    attempt = view.attempt
    if attempt.state is not State.LINKED or attempt.purpose is not Purpose.LINK:
        return frozenset()
    return frozenset(device.id for device in view.devices if outcome.is_of(attempt, device))


def _phase(view: AttemptView) -> str:
    """What must change for the page to say something else."""
    return "ready" if view.may_go_on else view.attempt.state.value


def _next_look(view: AttemptView, asked: int) -> dict[str, Any]:
    """What the page waits for and how: when it looks again by itself (`delay`, None when it rests), and the way out."""
    in_webview = is_in_webview()
    way_out = way_out_of_webview(view.attempt) if in_webview and view.may_go_on else None
    waits_elsewhere = in_webview and (view.attempt.state is State.DEPARTED or view.attempt.waits_for_sign_in())
    delay = _delay(view, asked, waits_elsewhere=waits_elsewhere)
    return {
        "looks": view.polls or waits_elsewhere,
        "delay": delay,
        "asked": asked + 1,
        "phase": _phase(view),
        "way_out": way_out,
    }


def _delay(view: AttemptView, asked: int, *, waits_elsewhere: bool) -> int | None:
    if view.attempt.state is State.CREATED:
        return _until_its_turn(view.wait.seconds if view.wait else None)
    pace = ELSEWHERE if waits_elsewhere else POLLS if view.polls else ()
    return pace[asked] if asked < len(pace) else None


def _until_its_turn(expected_wait: float | None) -> int:
    """Seconds until the next look at an attempt that waits for its provider: often only when it is about to go on."""
    if expected_wait is None:
        return SELDOM
    return round(min(max(expected_wait / 2, SOON), SELDOM))
