"""The signed token with which an issuer says that somebody is signed out (OpenID Connect Back-Channel Logout)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from portal.identity.id_token import KEY_TYPES, LEEWAY
from portal.identity.issuer import Metadata
from portal.identity.signatures import Keys, Unproven, proven, seconds

TYPES = frozenset({"logout+jwt", "application/logout+jwt"})
EVENT = "http://schemas.openid.net/event/backchannel-logout"

OLDEST = 120
"""Seconds after which what an issuer said is no news any more."""

LONGEST = 255


class LogoutRefused(Exception):
    """A token that signs nobody out. The text is one of our own fixed words, for the log alone."""


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """A proven token. It names a person, a session of theirs at the issuer, or both."""

    issuer: str
    token_id: str
    issued_at: datetime
    subject: str | None
    session: str | None


def read_logout_token(token: object, *, metadata: Metadata, client_id: str, keys: Keys, now: datetime) -> LogoutToken:
    """What a genuine and fresh token for this client says. Raises LogoutRefused, and whatever `keys` raises."""
    algorithms = {name: KEY_TYPES[name] for name in metadata.algorithms}
    try:
        _, claims = proven(token, algorithms=algorithms, types=TYPES, keys=keys)
    except Unproven as error:
        raise LogoutRefused(f"token_{error}") from None
    if claims.get("iss") != metadata.issuer:
        raise LogoutRefused("token_of_another_issuer")
    audience = claims.get("aud")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise LogoutRefused("token_for_another_client")
    issued_at = _issued_at(claims, now.timestamp())
    _check_event(claims)
    token_id = _name(claims, "jti")
    subject, session = _name(claims, "sub"), _name(claims, "sid")
    if token_id is None:
        raise LogoutRefused("token_without_id")
    if subject is None and session is None:
        raise LogoutRefused("token_about_nobody")
    return LogoutToken(metadata.issuer, token_id, issued_at, subject, session)


def _issued_at(claims: Mapping[str, Any], now: float) -> datetime:
    """When it was said, which must be just now. Raises LogoutRefused."""
    told = {name: seconds(claims.get(name)) for name in ("iat", "exp", "nbf")}
    issued = told["iat"]
    if issued is None or any(told[name] is None for name in ("exp", "nbf") if name in claims):
        raise LogoutRefused("token_without_times")
    if now - issued > OLDEST or now >= (told["exp"] or now + 1) + LEEWAY:
        raise LogoutRefused("token_expired")
    if max(issued, told["nbf"] or 0) > now + LEEWAY:
        raise LogoutRefused("token_from_the_future")
    return datetime.fromtimestamp(issued, UTC)


def _check_event(claims: Mapping[str, Any]) -> None:
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise LogoutRefused("token_of_another_event")
    # An ID token has one, which the same keys sign.
    if "nonce" in claims:
        raise LogoutRefused("token_type")


def _name(claims: Mapping[str, Any], claim: str) -> str | None:
    """A claim that names something; None where it is not there. Raises LogoutRefused for what is no name."""
    told = claims.get(claim)
    if claim in claims and not (isinstance(told, str) and 1 <= len(told) <= LONGEST and told.isprintable()):
        raise LogoutRefused("token_unreadable")
    return told
