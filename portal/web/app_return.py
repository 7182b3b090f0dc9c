"""The way back to the retailer's app: shown in the browser that it let out, and finished in the app."""

import structlog
from flask import Blueprint, request, session, url_for
from flask.typing import ResponseReturnValue

from portal.identity import current
from portal.journey import arrive
from portal.journey.out import WayBack
from portal.web import targets
from portal.web.app_addresses import address_of
from portal.web.app_entry import open_again
from portal.web.guards import everyone
from portal.web.page import page, see_other
from portal.web.wiring import portal

blueprint = Blueprint("app_return", __name__, url_prefix="/app")

log = structlog.get_logger(__name__)

KEY = "way_back"


def to_app(way_back: WayBack) -> ResponseReturnValue:
    """Keeps what the app needs in this browser's cookie, and goes to an address that carries nothing."""
    session[KEY] = {"app_link": way_back.app_link, "ref": way_back.link_session_id, "code": way_back.code}
    return see_other(url_for("app_return.back"))


@blueprint.get("/back")
@everyone("app/back")
def back() -> ResponseReturnValue:
    """The few words that anybody may read, and the way back to the app."""
    kept = session.get(KEY)
    if not isinstance(kept, dict):
        return see_other(url_for("arrivals.neutral"))
    words = {name: kept[name] for name in ("ref", "code") if kept.get(name)}
    is_done = kept.get("code") is None
    return page("app_return/back.html", address=address_of(kept.get("app_link"), **words), is_done=is_done)


@blueprint.get("/return")
@everyone("app/again", has_effect=True, from_app=True)
def complete_by_link() -> ResponseReturnValue:
    """The app was opened by the way back, and hands over what it carries."""
    return _complete(request.args.get("ref", ""), request.args.get("code", ""))


@blueprint.post("/return")
@everyone("app/again", from_app=True)
def complete() -> ResponseReturnValue:
    """The same for an app that posts."""
    return _complete(request.form.get("ref", ""), request.form.get("code", ""))


def _complete(ref: str, code: str) -> ResponseReturnValue:
    """Only the customer whose attempt it is finishes it; whoever else brings the code learns nothing of it.

    Without a code there was nothing to finish, as after a cancel.
    """
    viewer = current.viewer()
    if viewer is None:
        return open_again(status=401)
    now = portal().clock()
    if code and not arrive.complete(ports=portal().ports, customer=viewer, link_session_id=ref, code=code, now=now):
        log.warning("completion_refused")
    return see_other(targets.parse(f"link-sessions/{ref}"))
