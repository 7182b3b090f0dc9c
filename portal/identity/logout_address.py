"""The address at which somebody is signed out of the issuer, short enough for all that is in front of it."""

import base64
import binascii
import json
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

LONGEST = 2000
"""Characters. Proxies and issuers refuse longer ones, and an ID token with many groups alone is longer."""

LONGEST_HINT = 255


def logout_address(endpoint: str, query: Mapping[str, str], id_token: str | None) -> str:
    """The endpoint with this query and the ID token, where that fits; else with a short word of who it is."""
    if not id_token:
        return _address(endpoint, query)
    whole = _address(endpoint, {**query, "id_token_hint": id_token})
    if len(whole) <= LONGEST:
        return whole
    hint = _hint(id_token)
    return _address(endpoint, {**query, "logout_hint": hint} if hint else query)


def _address(endpoint: str, query: Mapping[str, str]) -> str:
    separator = "&" if urlsplit(endpoint).query else "?"
    return f"{endpoint}{separator}{urlencode(query)}"


def _hint(id_token: str) -> str | None:
    """The issuer's own word for who is to be signed out, from a token that was verified when it came."""
    payload = id_token.split(".")[1] if id_token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        return None
    told = [claims.get(name) for name in ("login_hint", "sub")] if isinstance(claims, dict) else []
    return next((hint for hint in told if isinstance(hint, str) and 0 < len(hint) <= LONGEST_HINT), None)
