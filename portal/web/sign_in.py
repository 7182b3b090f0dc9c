"""Signing in at the retailer's OpenID issuer, and out again."""

import structlog
from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from portal import i18n
from portal.domain.people import Surface
from portal.identity import current, login_sessions
from portal.identity.oidc import NotConfirmed, SignInFailed
from portal.journey.arrive import complete_pending
from portal.web import notices, targets
from portal.web.arrivals import see_where
from portal.web.guards import customers, everyone
from portal.web.page import page, see_other
from portal.web.surface import surface
from portal.web.wiring import portal

blueprint = Blueprint("sign_in", __name__)

log = structlog.get_logger(__name__)


@blueprint.get("/sign-in")
@everyone("home", has_effect=True)
def begin() -> ResponseReturnValue:
    """Leaves for the issuer; `to` names the page to come back to."""
    target = request.args.get("to", targets.DEVICES)[: targets.LONGEST]
    if current.viewer() is not None:
        return see_other(targets.parse(target))
    try:
        url = portal().oidc.begin(
            browser=current.browser_token(),
            target=target,
            language=i18n.current_language(),
            now=portal().clock(),
        )
    except SignInFailed as failure:
        return _failed(failure)
    return see_other(url)


@blueprint.post("/sign-in/again")
@customers("privacy")
def again() -> ResponseReturnValue:
    """Leaves for the issuer, where a customer who is signed in shows anew that it is them; `to` names the page."""
    try:
        url = portal().oidc.begin(
            browser=current.browser_token(),
            target=request.form.get("to", targets.DEVICES)[: targets.LONGEST],
            language=i18n.current_language(),
            now=portal().clock(),
            confirms=True,
        )
    except SignInFailed as failure:
        return _failed(failure)
    return see_other(url)


@blueprint.get("/sign-in/callback")
@everyone("home", has_effect=True)
def callback() -> ResponseReturnValue:
    """Comes back from the issuer, and finishes what this browser had come back with before."""
    now = portal().clock()
    browser = current.browser_token()
    try:
        completed = portal().oidc.complete(args=request.args, browser=browser, now=now)
    except NotConfirmed as failure:
        return _failed(failure)
    except SignInFailed as failure:
        if current.viewer() is not None:
            # Back or a reload after a sign-in that worked: its answer counts once.
            return see_other(url_for("devices.overview"))
        return _failed(failure)
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
    """Says that signing in did not work, at an address that carries nothing of the attempt."""
    return page("sign_in/failed.html")


@blueprint.post("/sign-out")
@everyone("home")
def sign_out() -> ResponseReturnValue:
    """Ends the session here, and at the issuer where it offers that."""
    # Whoever came in from the app was never at the issuer, and the app's webview is not led there.
    is_at_issuer = surface() is Surface.BROWSER
    id_token = current.id_token()
    language = i18n.current_language()
    current.logout()
    notices.leave("signed_out")
    elsewhere = portal().oidc.logout_url(id_token, language) if is_at_issuer else None
    return see_other(elsewhere or url_for("welcome.home"))


def _failed(failure: SignInFailed) -> ResponseReturnValue:
    log.warning("sign_in_failed", reason=str(failure))
    return see_other(url_for("sign_in.failed"))
