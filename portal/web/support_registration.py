"""Puts the support pages into an application, with a record of every request: no record, no page."""

import structlog
from flask import Flask, Response, g, request

from portal.domain.support import Agent
from portal.journey import support
from portal.journey.support import Viewing
from portal.web import (
    errors,
    headers,
    health,
    request_log,
    staff_sign_in,
    staff_targets,
    support_assist,
    support_audit,
    view_as,
)
from portal.web import support as pages
from portal.web.registration import DeviceTypeConverter
from portal.web.request_log import reference
from portal.web.support_banner import banner
from portal.web.wiring import acting

log = structlog.get_logger(__name__)

OBJECTS = {"link_session_id": "link_session", "device_id": "device", "grant_id": "support_grant"}
"""What an address is about, by the name of its part."""

LONGEST_ID = 100


def init_pages(app: Flask, *, has_host: bool) -> None:
    """Registers the staff's pages and the customer's, their headers, errors, banner and record.

    With a host of its own the application answers the probes there as well.
    """
    app.url_map.converters["device_type"] = DeviceTypeConverter
    request_log.init_app(app)
    headers.init_app(app)
    probes = (health.blueprint,) if has_host else ()
    own_pages = (pages, support_audit, support_assist, staff_sign_in)
    view_as.init_app(app, (*(each.blueprint for each in own_pages), *probes))
    errors.init_app(app)
    app.context_processor(lambda: {"banner": banner(), "agent": g.get("agent"), "here": staff_targets.here})
    app.after_request(_record)


def _record(response: Response) -> Response:
    """Writes down who asked for what about whom, before anything of it is sent."""
    agent: Agent | None = g.get("agent")
    if agent is None or request.endpoint in view_as.FOR_ALL or g.get("is_on_record"):
        return response
    viewing: Viewing | None = g.get("viewing") or g.get("about")
    try:
        support.record(
            ports=acting().ports,
            agent=agent,
            viewing=viewing,
            customer_id=_named("customer_id"),
            about=_object(viewing),
            action=f"{request.method} {request.endpoint or '-'}",
            outcome=str(response.status_code),
            request_reference=reference(),
            now=acting().clock(),
            searched=request.args.get("q") if request.endpoint == "support.search" else None,
        )
    except Exception as error:  # noqa: BLE001 - whatever ails the record, nothing is shown without it
        log.error("support_not_recorded", cause=type(error).__name__)
        return Response("503\n", 503, content_type="text/plain; charset=utf-8")
    return response


def _object(viewing: Viewing | None) -> tuple[str, str] | None:
    """What kind of thing the request was about, and which: the one that was asked for, be it there or not."""
    asked = g.get("grant_id") if viewing is None else None
    if asked and asked != view_as.NOBODY:
        return "support_grant", str(asked)[:LONGEST_ID]
    return next(((kind, found) for name, kind in OBJECTS.items() if (found := _named(name))), None)


def _named(name: str) -> str | None:
    """An id in the address, which anybody may have written."""
    found = (request.view_args or {}).get(name)
    return str(found)[:LONGEST_ID] if found is not None else None
