"""Coming back from a Connect UI. These addresses show nothing: they take the return in and send on to a clean one."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from portal.identity import current
from portal.journey.arrive import arrive
from portal.journey.take_return import Arrived
from portal.web.app_return import to_app
from portal.web.guards import everyone
from portal.web.page import page, see_other
from portal.web.wiring import portal

blueprint = Blueprint("arrivals", __name__, url_prefix="/return")


@blueprint.get("/<provider_key>/<secret>/success/")
@blueprint.get("/<provider_key>/<secret>/success")
@everyone("return", has_effect=True)
def success(provider_key: str, secret: str) -> ResponseReturnValue:
    """The attempt's own address for a return that says it went well."""
    return _arrive(provider_key, secret, "success")


@blueprint.get("/<provider_key>/<secret>/cancel/")
@blueprint.get("/<provider_key>/<secret>/cancel")
@everyone("return", has_effect=True)
def cancel(provider_key: str, secret: str) -> ResponseReturnValue:
    """The attempt's own address for a return that says it did not."""
    return _arrive(provider_key, secret, "cancel")


@blueprint.get("/<provider_key>/")
@blueprint.get("/<provider_key>")
@everyone("return", has_effect=True)
def fixed(provider_key: str) -> ResponseReturnValue:
    """The one address of a provider that knows no other."""
    return _arrive(provider_key, None, "")


@blueprint.get("")
@everyone("return")
def neutral() -> ResponseReturnValue:
    """The same few words for everybody, whatever they came back with."""
    return page("arrivals/neutral.html")


def _arrive(provider_key: str, secret: str | None, path: str) -> ResponseReturnValue:
    is_known_browser = current.is_known_browser()
    arrived = arrive(
        ports=portal().ports,
        viewer=current.viewer(),
        provider_key=provider_key,
        secret=secret,
        path=path,
        query=request.args.to_dict(flat=False),
        browser=current.browser_token(),
        is_known_browser=is_known_browser,
        now=portal().clock(),
    )
    return see_where(arrived)


def see_where(arrived: Arrived) -> ResponseReturnValue:
    """To the attempt's page, or to the neutral one; to the app, where that let this browser out."""
    if arrived.way_back is not None:
        return to_app(arrived.way_back)
    if arrived.link_session_id is None:
        return see_other(url_for("arrivals.neutral"))
    return see_other(url_for("link_sessions.attempt", link_session_id=arrived.link_session_id))
