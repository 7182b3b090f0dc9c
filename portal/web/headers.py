"""The headers of every answer: what a browser may do with our pages, and that nobody keeps them."""

from wsgiref.headers import Headers

from flask import Flask, Response, request

from portal.web.onward import GOES_ON
from portal.web.wiring import portal

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

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
"""Nothing inline, nothing from elsewhere, and no form ends anywhere but here."""

CONTENT_SECURITY_POLICY = "; ".join(f"{name} {value}" for name, value in POLICY.items())

YEAR = 31_536_000


def init_app(app: Flask) -> None:
    app.after_request(_dress)


def dress_static(headers: Headers, _path: str, _url: str) -> None:
    """What the files carry that are served past the application."""
    for name, value in FIXED.items():
        headers[name] = value
    headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"


def _dress(response: Response) -> Response:
    headers = response.headers
    headers.extend(FIXED)
    headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    is_secret = request.endpoint in SECRET_ADDRESSES or GOES_ON in headers
    headers["Referrer-Policy"] = "no-referrer" if is_secret else "same-origin"
    if portal().site.is_https:
        headers["Strict-Transport-Security"] = f"max-age={YEAR}; includeSubDomains"
    if request.endpoint not in KEEPABLE or response.status_code >= 400:
        headers["Cache-Control"] = "no-store"
        headers["Vary"] = "Cookie, Accept-Language, HX-Request"
    return response
