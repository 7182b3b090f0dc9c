"""Support staff sign in, and out. Named as the customer's sign-in is, so that the same pages find it."""

import structlog
from flask import Blueprint, Response, g, request, session, url_for
from flask.typing import ResponseReturnValue

from portal import i18n
from portal.identity.calls import IssuerError
from portal.identity.logout_token import LogoutRefused
from portal.identity.oidc import SignInFailed, SignInWaits
from portal.web import onward, sign_in_ends, staff_session, staff_targets
from portal.web.guards import machines
from portal.web.guards import staff as for_staff
from portal.web.page import page, see_other
from portal.web.request_log import reference
from portal.web.wiring import portal, staff

blueprint = Blueprint("sign_in", __name__)

LARGEST_LOGOUT = 20 * 1024
"""Bytes of a form that holds one token."""

log = structlog.get_logger(__name__)


@blueprint.get("/sign-in")
@for_staff
def begin() -> ResponseReturnValue:
    """Leaves for the staff's issuer; `to` is the page to come back to."""
    sign_in_ends.starts_over()
    return _to_the_issuer(request.args.get("to"))


@blueprint.get("/sign-in/callback")
@for_staff
def callback() -> ResponseReturnValue:
    """Comes back from it, in a role or not at all."""
    begun = staff().door.oidc.begun(request.args.get("state"))
    wanted = begun.target if begun else None
    try:
        token = staff().door.complete(
            args=request.args, browser=staff_session.browser(), now=portal().clock(), reference=reference()
        )
    except SignInWaits:
        return onward.later(f"{request.root_path}{request.full_path}")
    except SignInFailed as failure:
        begins_again = sign_in_ends.end_of(failure, staff().door.oidc).begins_again
        return _to_the_issuer(wanted, is_retry=True) if begins_again else _failed(failure)
    staff_session.open(token)
    return see_other(staff_targets.parse(wanted or "") or url_for("support.search"))


@blueprint.get("/sign-in/failed")
@for_staff
def failed() -> ResponseReturnValue:
    """Says that it did not work."""
    return page("support/sign_in_failed.html")


@blueprint.post("/sign-out")
@for_staff
def sign_out() -> ResponseReturnValue:
    """Ends the session, and with it all that it permitted."""
    token = str(session.get(staff_session.TOKEN))
    id_token = staff().door.sign_out(staff_session.agent(), token, now=portal().clock(), reference=reference())
    g.is_on_record = True
    staff_session.close()
    elsewhere = staff().door.oidc.logout_url(id_token, i18n.current_language())
    return onward.to_sign_out(elsewhere) if elsewhere else see_other(url_for("sign_in.failed"))


@blueprint.post("/back-channel-logout")
@machines
def signed_out_by_issuer() -> ResponseReturnValue:
    """Takes the issuer's word that somebody is signed out; says yes once all of theirs has ended."""
    request.max_content_length = LARGEST_LOGOUT
    tokens = request.form.getlist("logout_token")
    try:
        if len(tokens) != 1:
            raise LogoutRefused("token_missing")
        staff().door.sign_out_for_issuer(tokens[0], now=portal().clock(), reference=reference())
    except LogoutRefused as refusal:
        log.warning("logout_refused", cause=str(refusal))
        return Response('{"error": "invalid_request"}\n', 400, content_type="application/json")
    except IssuerError as error:
        log.error("logout_not_proven", cause=str(error))
        return Response(status=503)
    return Response(status=200)


def _to_the_issuer(wanted: str | None, *, is_retry: bool = False) -> ResponseReturnValue:
    is_ours = wanted is not None and staff_targets.parse(wanted) is not None
    try:
        url = staff().door.oidc.begin(
            browser=staff_session.browser(),
            target=str(wanted) if is_ours else "support",
            language=i18n.current_language(),
            now=portal().clock(),
            asks=staff_session.asks(),
            is_retry=is_retry,
        )
    except SignInWaits:
        return onward.later(url_for("sign_in.begin", to=wanted if is_ours else None))
    except SignInFailed as failure:
        return _failed(failure)
    return see_other(url)


def _failed(failure: SignInFailed) -> ResponseReturnValue:
    log.warning("staff_sign_in_failed", reason=str(failure))
    return see_other(url_for("sign_in.failed"))
