"""Signing in at the retailer's OpenID issuer, and out again."""

import structlog
from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue

from portal import i18n
from portal.domain.people import Surface
from portal.identity import current, login_sessions
from portal.identity.oidc import NotConfirmed, SignInFailed, SignInWaits
from portal.journey.arrive import complete_pending, seen_again
from portal.web import notices, onward, sign_in_ends, targets
from portal.web.arrivals import see_where
from portal.web.guards import customers, everyone
from portal.web.page import page, see_other
from portal.web.surface import surface
from portal.web.wiring import portal

blueprint = Blueprint("sign_in", __name__)

CANCELLED, UNCONFIRMED = "cancelled", "unconfirmed"
"""Why a sign-in came to nothing, where the page has words of its own for it."""

log = structlog.get_logger(__name__)


@blueprint.get("/sign-in")
@everyone("home", has_effect=True)
def begin() -> ResponseReturnValue:
    """Leaves for the issuer; `to` names the page to come back to. No form ends here: `guards` sees to that."""
    target = targets.known(request.args.get("to"))
    if current.viewer() is not None:
        return see_other(targets.parse(target))
    sign_in_ends.starts_over()
    if current.is_known_browser():
        seen_again(ports=portal().ports, browser=current.browser_token(), now=portal().clock())
    try:
        return see_other(_issuers_address(target))
    except SignInWaits:
        return onward.later(url_for("sign_in.begin", to=target))
    except SignInFailed as failure:
        return _failed(failure, target)


@blueprint.post("/sign-in/again")
@customers("privacy")
def again() -> ResponseReturnValue:
    """Leaves for the issuer, where a customer who is signed in shows anew that it is them; `to` names the page."""
    target = targets.known(request.form.get("to"))
    try:
        return onward.to_sign_in(_issuers_address(target, confirms=True))
    except SignInWaits:
        return onward.later(targets.parse(target))
    except SignInFailed as failure:
        return _failed(failure, target)


@blueprint.get("/sign-in/callback")
@everyone("home", has_effect=True)
def callback() -> ResponseReturnValue:
    """Comes back from the issuer, and finishes what this browser had come back with before."""
    now = portal().clock()
    browser = current.browser_token()
    try:
        completed = portal().oidc.complete(args=request.args, browser=browser, now=now)
    except SignInWaits:
        return onward.later(request.full_path)
    except SignInFailed as failure:
        return _ended(failure)
    customer, token = login_sessions.sign_in(
        portal().ports.database,
        completed.identity,
        completed.id_token,
        now,
        portal().session_hours,
        confirms=completed.confirms,
    )
    current.login(token)
    arrived = complete_pending(ports=portal().ports, customer=customer, browser=browser, now=now)
    if arrived is not None:
        return see_where(arrived)
    return see_other(targets.parse(completed.target))


@blueprint.get("/sign-in/failed")
@everyone("sign-in-failed")
def failed() -> ResponseReturnValue:
    """Says that nobody was signed in, at an address that carries nothing of it but the page that was wanted."""
    target, why = targets.known(request.args.get("to")), request.args.get("why", "")
    # A change of language comes back to the same words.
    g.target = f"sign-in-{why if why in {CANCELLED, UNCONFIRMED} else 'failed'}/{target}"
    return page("sign_in/failed.html", to=target, why=why)


@blueprint.post("/sign-out")
@everyone("home")
def sign_out() -> ResponseReturnValue:
    """Ends the session here, and at the issuer where it offers that."""
    # Whoever came in from the app was never at the issuer, and the app's webview is not led there.
    is_at_issuer = surface() is Surface.BROWSER
    id_token = current.id_token()
    language = i18n.current_language()
    was_signed_in = current.viewer() is not None
    current.logout()
    elsewhere = portal().oidc.logout_url(id_token, language) if is_at_issuer else None
    notices.leave("signed_out_here" if is_at_issuer and was_signed_in and elsewhere is None else "signed_out")
    return onward.to_sign_out(elsewhere) if elsewhere else see_other(url_for("welcome.home"))


def _issuers_address(target: str, *, confirms: bool = False, is_retry: bool = False) -> str:
    """Where this browser signs in, to come back to the target. Raises SignInFailed."""
    return portal().oidc.begin(
        browser=current.browser_token(),
        target=target,
        language=i18n.current_language(),
        now=portal().clock(),
        confirms=confirms,
        asks=current.asks(),
        is_retry=is_retry,
    )


def _ended(failure: SignInFailed) -> ResponseReturnValue:
    """Where an answer leads that signed nobody in: always towards the page that was wanted."""
    end = sign_in_ends.end_of(failure, portal().oidc)
    target = targets.known(end.target)
    if current.viewer() is not None and not isinstance(failure, NotConfirmed):
        # Back or a reload after a sign-in that worked: its answer counts once.
        return see_other(targets.parse(target))
    if end.was_cancelled:
        return _failed(failure, target, why=CANCELLED)
    if isinstance(failure, NotConfirmed):
        return _failed(failure, target, why=UNCONFIRMED)
    if not end.begins_again:
        return _failed(failure, target)
    log.info("sign_in_begun_again")
    try:
        return see_other(_issuers_address(target, confirms=end.confirms, is_retry=True))
    except SignInWaits:
        return onward.later(url_for("sign_in.begin", to=target))
    except SignInFailed as again:
        return _failed(again, target)


def _failed(failure: SignInFailed, target: str, *, why: str | None = None) -> ResponseReturnValue:
    log.warning("sign_in_failed", reason=str(failure))
    return see_other(url_for("sign_in.failed", to=target, why=why))
