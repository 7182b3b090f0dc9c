"""Hosted pages reached only over two further origins, as those of brokers, Keycloak and vendors are."""

from collections.abc import Mapping

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from portal.sandbox.state import SandboxState

PAGES: Mapping[str, str] = {
    "/oidc/authorize": "oidc",
    "/oidc/end-session": "oidc",
    "/podero/connect": "podero",
    "/nox/ui": "nox",
    "/telematica/connect": "telematica",
}
"""Where a browser arrives, and which variants say what happens there."""


class LeadingOn:
    """Answers the first visit to a hosted page with 302 to the next origin, until the last one shows the page."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state

    def install(self, app: Flask) -> None:
        app.before_request(self._next_origin)

    def _next_origin(self) -> Response | None:
        """A form is taken wherever it is posted, for no browser posts one again on the way."""
        whose = PAGES.get(request.path)
        if whose is None or request.method != "GET" or self.state.variant(whose, "leads_on") == "no":
            return None
        origins = (self.state.config.url, *self.state.further_origins)
        here = f"{request.scheme}://{request.host}"
        ahead = origins[origins.index(here) + 1 :] if here in origins else origins[1:]
        return redirect(f"{ahead[0]}{request.full_path}", 302) if ahead else None
