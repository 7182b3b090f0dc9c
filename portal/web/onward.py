"""The page of ours from which a browser goes on to another host.

Browsers hold every redirect that follows a form against `form-action`, however often it leads on. So no form of ours
ends in a redirect to another host: it ends here, at a page that goes on by itself and has a link to do so by hand.
"""

from flask import Response
from werkzeug.urls import iri_to_uri

from portal.web.page import page
from portal.web.wiring import is_for_staff
from portal.web.words import gettext

AGAIN_IN = 5
"""Seconds until a sign-in that has to wait is tried again."""

GOES_ON = "Refresh"
"""The header by which a page goes on. Its address may be a secret, which no other page may learn."""


def to_provider(connect_url: str, name: str) -> Response:
    """To the Connect UI of the provider of this name."""
    return _page(
        connect_url,
        title=gettext("Taking you to %(provider)s", provider=name),
        label=gettext("Continue to %(provider)s", provider=name),
    )


def to_sign_in(url: str) -> Response:
    """To where somebody signs in."""
    return _page(url, title=gettext("Taking you to sign in"), label=gettext("Sign in"))


def to_sign_out(url: str) -> Response:
    """To the issuer, which signs them out too."""
    return _page(url, title=gettext("Signing you out"), label=gettext("Sign out"))


def later(url: str) -> Response:
    """Signing in has to wait: the page asks again by itself, at this address of ours."""
    layout = "support/notice.html" if is_for_staff() else "layouts/notice.html"
    response = page("onward/later.html", status=503, layout=layout, url=url)
    response.headers[GOES_ON] = f"{AGAIN_IN};url={url}"
    response.headers["Retry-After"] = str(AGAIN_IN)
    return response


def _page(url: str, *, title: str, label: str) -> Response:
    layout = "support/notice.html" if is_for_staff() else "layouts/notice.html"
    response = page("onward/onward.html", layout=layout, url=url, title=title, label=label)
    response.headers[GOES_ON] = f"0;url={url if url.isascii() else iri_to_uri(url)}"
    return response
