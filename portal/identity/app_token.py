"""The signed token with which the retailer's backend names a customer of its app, and what it must be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.domain.people import Identity
from portal.identity.claims import ClaimNames, read_identity
from portal.identity.signatures import Keys, Unproven, proven, seconds

TYPE = "portal-handoff+jwt"
ALGORITHMS: Mapping[str, str] = {"ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}
LONGEST_LIFE = 60
LEEWAY = 30
"""Seconds that the backend's clock may differ from ours."""

TOKEN_ID = re.compile(r"[A-Za-z0-9._~+/=-]{22,128}")
"""No shorter than 128 random bits in base64."""

TARGET = re.compile(r"[a-zA-Z0-9_/-]{1,200}")


class TokenRefused(Exception):
    """A token that lets nobody in. The text is one of our own fixed words, for the log alone."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say. `subject_issuer` is whose subjects it names; `app_links` the ways back to the app."""

    issuer: str
    audience: str
    subject_issuer: str
    app_links: tuple[str, ...]
    claim_names: ClaimNames = field(default_factory=ClaimNames)


@dataclass(frozen=True, slots=True)
class AppToken:
    """A proven token. `target` is the name of a page, not yet looked up."""

    issuer: str
    token_id: str
    identity: Identity
    app_link: str
    target: str | None


def read_app_token(token: object, *, expected: Expected, keys: Keys, now: datetime) -> AppToken:
    """The claims of a genuine and fresh token. Raises TokenRefused, and whatever `keys` raises."""
    try:
        _, claims = proven(token, algorithms=ALGORITHMS, types={TYPE}, keys=keys)
    except Unproven as error:
        raise TokenRefused(f"token_{error}") from None
    _check_parties(claims, expected)
    _check_times(claims, now.timestamp())
    token_id = claims.get("jti")
    if not isinstance(token_id, str) or not TOKEN_ID.fullmatch(token_id):
        raise TokenRefused("token_without_id")
    return AppToken(
        issuer=expected.issuer,
        token_id=token_id,
        identity=read_identity(claims, expected.subject_issuer, expected.claim_names),
        app_link=_app_link(claims, expected),
        target=_target(claims),
    )


def _check_parties(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise TokenRefused("token_of_another_issuer")
    if claims.get("aud") not in (expected.audience, [expected.audience]):
        raise TokenRefused("token_for_another_audience")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise TokenRefused("token_without_subject")
    # Both belong to other kinds of tokens, which the same keys may sign.
    if "nonce" in claims or "events" in claims:
        raise TokenRefused("token_type")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires, issued, begins = (seconds(claims.get(name)) for name in ("exp", "iat", "nbf"))
    if expires is None or issued is None or ("nbf" in claims and begins is None):
        raise TokenRefused("token_without_times")
    if not 0 < expires - issued <= LONGEST_LIFE:
        raise TokenRefused("token_lives_too_long")
    if now >= expires + LEEWAY:
        raise TokenRefused("token_expired")
    if max(issued, begins or 0) > now + LEEWAY:
        raise TokenRefused("token_from_the_future")


def _app_link(claims: Mapping[str, Any], expected: Expected) -> str:
    """The way back that the token names, or the only one there is."""
    named = claims.get("app_link_id", expected.app_links[0] if len(expected.app_links) == 1 else None)
    if named not in expected.app_links:
        raise TokenRefused("token_with_unknown_app_link")
    return str(named)


def _target(claims: Mapping[str, Any]) -> str | None:
    """The page to open; one that cannot be a name of ours is as good as none."""
    target = claims.get("target")
    return target if isinstance(target, str) and TARGET.fullmatch(target) else None
