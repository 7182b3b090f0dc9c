"""Where the portal is shown: in a browser, or in a webview. A property of the login session, never of an address."""

import re

from flask import g, request

from portal.domain.people import Surface
from portal.identity import current

# Apple's webviews leave out the word that its browsers end with, an iPad's while it calls itself a Macintosh;
# Android's say so themselves.
WEBVIEW = re.compile(r"; wv\)|\((?:iPhone|iPad|iPod|Macintosh)[^)]*\) AppleWebKit/(?!.*Safari/)")
STANDALONE = re.compile(r"^Mozilla/")


def surface() -> Surface:
    """The surface of this request. A page that relies on nothing is made for a browser, which has all there is."""
    return Surface.BROWSER if g.get("bare") or current.app_link() is None else Surface.APP


def is_in_webview() -> bool:
    """Whether a vendor's sign-in must not be opened here: in the retailer's app, or in any other that shows pages.

    An agent who looks goes out nowhere, whatever their browser is: a way out on their page would be the customer's.
    """
    return g.get("observed") is None and (surface() is Surface.APP or is_webview(request.user_agent.string))


def is_webview(user_agent: str) -> bool:
    """Whether a browser says of itself that it is a part of some app."""
    return WEBVIEW.search(user_agent) is not None


def is_told_by_another_site() -> bool:
    """Whether a page of another site led here. An app leads here by itself; a browser that does not say is not one."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"none", "same-origin"}
    user_agent = request.user_agent.string
    return STANDALONE.match(user_agent) is not None and not is_webview(user_agent)
