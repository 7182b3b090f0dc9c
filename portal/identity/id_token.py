"""What an ID token must be before it says who somebody is."""

import hmac
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from authlib.oidc.core.util import create_half_hash
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

from portal.identity.issuer import IssuerError, Metadata

LARGEST_TOKEN = 16 * 1024
LEEWAY = 60
"""Seconds that the issuer's clock may differ from ours."""

Keys = Callable[[bool], tuple[Key, ...]]
"""The issuer's keys; True asks for fresh ones."""

KEY_TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}


def verified_claims(
    token: object,
    *,
    metadata: Metadata,
    client_id: str,
    nonce: str,
    access_token: str,
    keys: Keys,
    now: datetime,
) -> dict[str, Any]:
    """The claims of a genuine, fresh ID token for this client and this sign-in. Raises IssuerError."""
    if not isinstance(token, str) or not token or len(token) > LARGEST_TOKEN or token.count(".") != 2:
        raise IssuerError("id_token_missing")
    header = _header(token, metadata)
    algorithm = str(header["alg"])
    try:
        claims = jwt.decode(token, _key(header, keys), algorithms=[algorithm], registry=_registry(algorithm)).claims
    except (JoseError, ValueError, TypeError, RecursionError):
        raise IssuerError("id_token_forged") from None
    _check_parties(claims, metadata.issuer, client_id)
    _check_times(claims, now.timestamp())
    _check_binding(claims, nonce, access_token, algorithm)
    return claims


def _header(token: str, metadata: Metadata) -> Mapping[str, Any]:
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError, TypeError, RecursionError):
        raise IssuerError("id_token_forged") from None
    if header.get("alg") not in metadata.algorithms or "crit" in header:
        raise IssuerError("id_token_algorithm")
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise IssuerError("id_token_type")
    return header


def _registry(algorithm: str) -> jws.JWSRegistry:
    # Keys named or carried in the header are not looked at: the registry only lets such headers be present.
    return jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)


def _key(header: Mapping[str, Any], keys: Keys) -> Key:
    """The key that the token names, or the only one of its kind; an unknown name asks the issuer once more."""
    kid, kind = header.get("kid"), KEY_TYPES[str(header["alg"])]
    for insist in (False, True):
        fitting = [key for key in keys(insist) if key.key_type == kind and (kid is None or key.kid == kid)]
        if len(fitting) == 1:
            return fitting[0]
    raise IssuerError("id_token_key_unknown")


def _check_parties(claims: Mapping[str, Any], issuer: str, client_id: str) -> None:
    if claims.get("iss") != issuer:
        raise IssuerError("id_token_of_another_issuer")
    if claims.get("aud") not in (client_id, [client_id]) or claims.get("azp", client_id) != client_id:
        raise IssuerError("id_token_for_another_client")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise IssuerError("id_token_without_subject")
    if "events" in claims:
        raise IssuerError("id_token_type")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires, issued, begins = (_seconds(claims.get(name)) for name in ("exp", "iat", "nbf"))
    if expires is None or issued is None or ("nbf" in claims and begins is None):
        raise IssuerError("id_token_without_times")
    if now >= expires + LEEWAY:
        raise IssuerError("id_token_expired")
    if max(issued, begins or 0) > now + LEEWAY:
        raise IssuerError("id_token_from_the_future")


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _check_binding(claims: Mapping[str, Any], nonce: str, access_token: str, algorithm: str) -> None:
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise IssuerError("id_token_of_another_sign_in")
    if "at_hash" not in claims:
        return
    expected = create_half_hash(access_token, algorithm)
    half = claims["at_hash"]
    if not isinstance(half, str) or expected is None or not hmac.compare_digest(half.encode(), expected):
        raise IssuerError("id_token_of_another_access_token")
