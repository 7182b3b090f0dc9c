"""Gives every request a reference number and writes one line about it, without its query or its secrets."""

import secrets
import time

import structlog
from flask import Flask, Response, g, request

from portal.domain.reference import LENGTH, spelled

log = structlog.get_logger(__name__)


def reference() -> str:
    """The number of this request, as its pages and its log lines name it."""
    if "reference" not in g:
        g.reference = spelled(secrets.token_bytes(LENGTH))
    return str(g.reference)


def init_app(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.monotonic()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(reference=reference())


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = reference()
    log.info(
        "request",
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        ms=round((time.monotonic() - g.get("began", time.monotonic())) * 1000),
    )
    return response
