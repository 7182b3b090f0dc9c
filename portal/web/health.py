"""Probes for whoever runs the portal."""

import structlog
from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from portal.web.guards import machines
from portal.web.wiring import portal

blueprint = Blueprint("health", __name__, url_prefix="/health")

log = structlog.get_logger(__name__)


@blueprint.get("/live")
@machines
def live() -> ResponseReturnValue:
    """The process answers."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/ready")
@machines
def ready() -> ResponseReturnValue:
    """The process can work: its database answers and has every table it needs."""
    database = portal().ports.database
    try:
        database.ping()
        is_ready = database.is_current()
    except Exception:  # whatever a broken database raises, the answer is the same
        log.exception("not_ready")
        is_ready = False
    text = "ready\n" if is_ready else "not ready\n"
    return Response(text, 200 if is_ready else 503, content_type="text/plain; charset=utf-8")
