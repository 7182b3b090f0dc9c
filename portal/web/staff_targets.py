"""Where an agent goes on to after choosing a language: the page on which they chose it, always one of the staff's."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

PAGES = frozenset(
    {"support", "assist", "audit", "timeline", "welcome", "privacy", "connect", "link_sessions", "devices"}
)
"""The families of pages that may be gone on to. Nothing else ever becomes a Location."""

LONGEST = 2000


def here() -> str:
    """This page as an address below the application; after a form, the page that the form stands on."""
    if request.method != "GET" and request.blueprint == "assist":
        offer = url_for("assist.offer", **(request.view_args or {}))
        return offer.removeprefix(request.root_path)
    return request.full_path.rstrip("?")


def parse(text: str, *, grant_id: str | None = None) -> str | None:
    """The URL of such an address; None for what is no page of the staff's, or not of this permission."""
    found = _match(text[:LONGEST])
    if found is None:
        return None
    path, query, grant = found
    return f"{request.root_path}{quote(path)}{query}" if grant == grant_id else None


def _match(text: str) -> tuple[str, str, str | None] | None:
    """The path, what follows it, and the permission in it."""
    try:
        parts = urlsplit(text)
        adapter = current_app.url_map.bind_to_environ(request.environ)
        endpoint, values = adapter.match(parts.path, method="GET")
    except (ValueError, HTTPException, RoutingException):
        return None
    if parts.scheme or parts.netloc or endpoint.partition(".")[0] not in PAGES:
        return None
    # A language in the address would be chosen once more, over the one that was chosen on the page.
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name != "lang"]
    return parts.path, f"?{urlencode(kept)}" if kept else "", values.get("grant")
