"""Viewing as a customer: the same pages under a permission's own address, for an agent, with nothing that acts.

The permission stands in the path, so several tabs with several customers never mix; nothing of whom an agent looks at
is kept in their session.
"""

from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, g, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import SecurityError

from portal.domain.people import LoginSession
from portal.domain.support import Agent
from portal.identity import current
from portal.journey import support
from portal.web import (
    connect,
    devices,
    link_sessions,
    onward,
    privacy,
    staff_session,
    staff_targets,
    support_timeline,
    welcome,
)
from portal.web.guards import SAFE, csrf, is_for_machines, refuse_other_sites, say_signed_out
from portal.web.page import page, see_other, wants_fragment
from portal.web.wiring import portal, staff

PREFIX = "/as/<grant>"
NOBODY = "-"
"""Stands for a permission in addresses that are the same for all: the colours, the logo."""

OBSERVED = (
    welcome.blueprint,
    privacy.blueprint,
    connect.blueprint,
    link_sessions.blueprint,
    devices.blueprint,
    support_timeline.blueprint,
)
FOR_ALL = frozenset({"static", "welcome.theme", "welcome.logo"})
BEFORE_SIGN_IN = frozenset({"sign_in.begin", "sign_in.callback", "sign_in.failed"})


def init_app(app: Flask, own_pages: tuple[Blueprint, ...]) -> None:
    """Registers the staff's own pages, and the customer's under a permission."""
    for blueprint in own_pages:
        app.register_blueprint(blueprint)
    for blueprint in OBSERVED:
        app.register_blueprint(blueprint, url_prefix=f"{PREFIX}{blueprint.url_prefix or ''}")
    app.url_value_preprocessor(_take_grant)
    app.url_defaults(_give_grant)
    app.before_request(_enforce)
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    csrf.init_app(app)
    current.init_view_as(app, observed)


def observed() -> LoginSession | None:
    """The customer whose pages these are, as if they were signed in for as long as the permission lasts."""
    found = staff_session.viewing()
    if found is None:
        return None
    return LoginSession(found.grant.id, found.customer, found.grant.created_at, found.grant.expires_at)


def _take_grant(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.grant_id = (values or {}).pop("grant", None)


def _give_grant(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint.partition(".")[0] in {blueprint.name for blueprint in OBSERVED}:
        is_for_all = endpoint in FOR_ALL
        values.setdefault("grant", NOBODY if is_for_all else g.get("grant_id") or NOBODY)


def _enforce() -> ResponseReturnValue | None:
    if request.endpoint in FOR_ALL | BEFORE_SIGN_IN or is_for_machines() or _is_of_another_host():
        return None
    now = portal().clock()
    token = session.get(staff_session.TOKEN)
    found = staff().door.agent(token, now=now) if isinstance(token, str) else None
    if request.endpoint is None:
        # There is no such page, which everybody may know; that an agent asked for it is on record all the same.
        g.agent = found
        return None
    if found is None:
        return _to_sign_in()
    g.agent = found
    if g.get("grant_id") is not None:
        return _enforce_view(found, now)
    if request.method not in SAFE:
        refuse_other_sites()
        csrf.protect()
    return None


def _to_sign_in() -> ResponseReturnValue:
    # The search is where everybody begins, a permission is over by then, and a form would be sent once more.
    is_page = request.method in SAFE and request.endpoint not in {"support.search", "support.over"}
    is_worth_it = is_page and "grant_id" not in (request.view_args or {})
    wanted = staff_targets.here() if is_worth_it else ""
    url = url_for("sign_in.begin", to=wanted if staff_targets.parse(wanted) else None)
    if wants_fragment():
        return say_signed_out(url)
    return see_other(url) if request.method in SAFE else onward.to_sign_in(url)


def _is_of_another_host() -> bool:
    return isinstance(request.routing_exception, SecurityError)


def _enforce_view(found: Agent, now: datetime) -> ResponseReturnValue | None:
    """Only what is permitted now, and only to look."""
    if g.grant_id == NOBODY:
        return see_other(url_for("support.search"))
    g.viewing = support.viewing(ports=portal().ports, agent=found, grant_id=str(g.grant_id), now=now)
    if g.viewing is None:
        return see_other(url_for("support.over"))
    g.portal, g.observed = staff().showing, g.viewing
    if request.method not in SAFE:
        return page("support/view_only.html", status=403)
    g.customer = g.viewing.customer
    return None
