"""How a customer walks through an issuer's pages and back, over plain HTTP."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

from portal.identity.claims import ClaimNames
from portal.identity.oidc import OidcConfig

PORTAL = "http://localhost:8000"
CALLBACK = f"{PORTAL}/sign-in/callback"
HOME = f"{PORTAL}/"
BROWSER = "the-browser-of-anna"


def now() -> datetime:
    return datetime.now(UTC)


def config_for(issuer: str, client_id: str, client_secret: str) -> OidcConfig:
    return OidcConfig(
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        redirect_uri=CALLBACK,
        post_logout_redirect_uri=HOME,
        claim_names=ClaimNames(price_zone="price_zone"),
        timeout=5.0,
    )


def answer_in(url: str) -> dict[str, str]:
    """The parameters an issuer sends back."""
    assert url.startswith(CALLBACK + "?"), "not our callback"
    return dict(parse_qsl(urlsplit(url).query))


def walk(visitor: requests.Session, url: str, forms: list[dict[str, str]]) -> dict[str, str]:
    """From the authorization URL through the issuer's forms, in order, to the answer it sends back."""
    waiting = list(forms)
    response = visitor.get(url, allow_redirects=False, timeout=10)
    for _ in range(20):
        location = response.headers.get("Location")
        if location:
            url = urljoin(url, location)
            if url.startswith(PORTAL):
                return answer_in(url)
            response = visitor.get(url, allow_redirects=False, timeout=10)
            continue
        assert response.status_code == 200, response.status_code
        found = re.search(r'<form[^>]*action="([^"]*)"', response.text)
        url = urljoin(url, unescape(found.group(1))) if found else url
        response = visitor.post(url, data=waiting.pop(0), allow_redirects=False, timeout=10)
    raise AssertionError("the issuer never came to an end")
