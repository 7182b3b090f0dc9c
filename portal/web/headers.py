"""The headers of every answer: what a browser may do with our pages, and that nobody keeps them."""

from collections.abc import Iterable
from functools import cache, partial
from wsgiref.headers import Headers

from flask import Flask, Response, request

from portal.web.wiring import Portal, portal

KEEPABLE = frozenset({"static", "welcome.theme", "welcome.logo", "well_known.apple", "well_known.android"})
"""Endpoints whose answers are the same for everybody and may be cached."""

SECRET_ADDRESSES = frozenset(
    {
        "sign_in.callback",
        "arrivals.success",
        "arrivals.cancel",
        "arrivals.fixed",
        "app_entry.enter_by_link",
        "app_return.complete_by_link",
        "out.open_with",
    }
)
"""Endpoints whose address carries something that no other address may learn."""

FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), usb=()",
}

YEAR = 31_536_000


def init_app(app: Flask, *, leads_to_providers: bool = True) -> None:
    app.after_request(partial(_dress, leads_to_providers))


@cache
def content_security_policy(form_origins: tuple[str, ...]) -> str:
    """Nothing inline and nothing from elsewhere; forms may end at `form_origins`, because a browser holds a form's
    redirects to the same rule as the form."""
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": " ".join(("'self'", *form_origins)),
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def dress_static(headers: Headers, _path: str, _url: str) -> None:
    """What the files carry that are served past the application."""
    for name, value in FIXED.items():
        headers[name] = value
    headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"


def _dress(leads_to_providers: bool, response: Response) -> Response:
    installed, headers = portal(), response.headers
    headers.extend(FIXED)
    providers = installed.ports.providers.connect_origins() if leads_to_providers else ()
    headers["Content-Security-Policy"] = content_security_policy(_form_origins(installed, providers))
    headers["Referrer-Policy"] = "no-referrer" if request.endpoint in SECRET_ADDRESSES else "same-origin"
    if installed.site.is_https:
        headers["Strict-Transport-Security"] = f"max-age={YEAR}; includeSubDomains"
    if request.endpoint not in KEEPABLE or response.status_code >= 400:
        headers["Cache-Control"] = "no-store"
        headers["Vary"] = "Cookie, Accept-Language, HX-Request"
    return response


def _form_origins(installed: Portal, providers: Iterable[str]) -> tuple[str, ...]:
    """The Connect UIs and the issuer, of whom more is known once it has answered."""
    ours = {installed.site.origin}
    return tuple(sorted({*providers, *installed.oidc.origins()} - ours))
