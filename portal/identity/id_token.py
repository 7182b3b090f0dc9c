"""What an ID token must be before it says who somebody is."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from authlib.oidc.core.util import create_half_hash

from portal.identity.calls import IssuerError
from portal.identity.issuer import Metadata
from portal.identity.signatures import Keys, Unproven, proven, seconds

LEEWAY = 60
"""Seconds that the issuer's clock may differ from ours."""

KEY_TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}


def verified_claims(
    token: object,
    *,
    metadata: Metadata,
    client_id: str,
    nonce: str,
    access_token: str | None,
    keys: Keys,
    now: datetime,
) -> dict[str, Any]:
    """The claims of a genuine, fresh ID token for this client and this sign-in. Raises IssuerError."""
    algorithms = {name: KEY_TYPES[name] for name in metadata.algorithms}
    try:
        algorithm, claims = proven(token, algorithms=algorithms, types={"", "jwt"}, keys=keys)
    except Unproven as error:
        raise IssuerError(f"id_token_{error}") from None
    _check_parties(claims, metadata.issuer, client_id)
    _check_times(claims, now.timestamp())
    _check_binding(claims, nonce, access_token, algorithm)
    return claims


def _check_parties(claims: Mapping[str, Any], issuer: str, client_id: str) -> None:
    if claims.get("iss") != issuer:
        raise IssuerError("id_token_of_another_issuer")
    if not is_for(claims, client_id):
        raise IssuerError("id_token_for_another_client")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise IssuerError("id_token_without_subject")
    if "events" in claims:
        raise IssuerError("id_token_type")


def is_for(claims: Mapping[str, Any], client_id: str) -> bool:
    """Whether a token is for this client (OpenID Connect Core 3.1.3.7, 3 to 5).

    Issuers name sibling clients in `aud` as well, some always. Then `azp` says who asked, and that must be us.
    """
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if client_id not in named or claims.get("azp", client_id) != client_id:
        return False
    return len(named) == 1 or "azp" in claims


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires, issued, begins = (seconds(claims.get(name)) for name in ("exp", "iat", "nbf"))
    if expires is None or issued is None or ("nbf" in claims and begins is None):
        raise IssuerError("id_token_without_times")
    if now >= expires + LEEWAY:
        raise IssuerError("id_token_expired")
    if max(issued, begins or 0) > now + LEEWAY:
        raise IssuerError("id_token_from_the_future")


def _check_binding(claims: Mapping[str, Any], nonce: str, access_token: str | None, algorithm: str) -> None:
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise IssuerError("id_token_of_another_sign_in")
    if "at_hash" not in claims or access_token is None:
        return
    expected = create_half_hash(access_token, algorithm)
    half = claims["at_hash"]
    if not isinstance(half, str) or expected is None or not hmac.compare_digest(half.encode(), expected):
        raise IssuerError("id_token_of_another_access_token")
