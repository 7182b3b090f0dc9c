"""The retailer's backend as these tests need it: keys of every kind, tokens with any fault, a clock that stands."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from portal.identity.app_token import TYPE, Expected

ISSUER, AUDIENCE, PEOPLE = "nordvind-app", "https://devices.nordvind.example", "https://login.nordvind.example"
EXPECTED = Expected(issuer=ISSUER, audience=AUDIENCE, subject_issuer=PEOPLE, app_links=("main", "beta"))

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECOND = int(NOW.timestamp())

KEY = ECKey.generate_key("P-256", {"kid": "good"})
SAME_NAME = ECKey.generate_key("P-256", {"kid": "good"})
FOREIGN = ECKey.generate_key("P-256", {"kid": "foreign"})
EDWARDS = OKPKey.generate_key("Ed25519", {"kid": "edwards"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
MISFITS = (
    ECKey.generate_key("P-384", {"kid": "another curve"}),
    ECKey.generate_key("secp256k1", {"kid": "a coin's curve"}),
    OKPKey.generate_key("X25519", {"kid": "for secrets"}),
    OKPKey.generate_key("Ed448", {"kid": "too long"}),
)
"""Public keys that a key set may hold, and that the allowed algorithms do not go with."""

KNOWN: tuple[Key, ...] = (KEY, EDWARDS, RSA, *MISFITS)


def claims(**differing: Any) -> dict[str, Any]:
    """The claims of a good token, some of them other ones; those given as None are left out."""
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "anna",
        "iat": SECOND,
        "exp": SECOND + 60,
        "jti": secrets.token_urlsafe(24),
        "app_link_id": "main",
        **differing,
    }
    return {name: claim for name, claim in said.items() if claim is not None}


def signed(said: object, key: Key = KEY, **header: Any) -> str:
    """A token as the backend writes it; header fields given as None are left out."""
    full = {"alg": "ES256", "typ": TYPE, "kid": key.kid, **header}
    named = {name: value for name, value in full.items() if value is not None}
    registry = JWSRegistry(algorithms=[named.get("alg", "ES256")], strict_check_header=False)
    if not isinstance(said, dict):
        return written(named, said)
    return jwt.encode(named, said, key, registry=registry)


def token(**differing: Any) -> str:
    """A good token but for these claims."""
    return signed(claims(**differing))


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def written(header: object, said: object, signature: str = "AAAA") -> str:
    """A token that nobody signed."""
    return f"{encoded(header)}.{encoded(said)}.{signature}"


def with_header(**header: Any) -> str:
    """A good token whose header was exchanged after signing."""
    _, body, signature = token().split(".")
    return f"{encoded({'alg': 'ES256', 'typ': TYPE, 'kid': KEY.kid, **header})}.{body}.{signature}"


def signed_with_public_key(said: dict[str, Any]) -> str:
    """The old trick: our public key taken for a shared secret."""
    unsigned = written({"alg": "HS256", "typ": TYPE, "kid": "good"}, said).rpartition(".")[0]
    signature = hmac.digest(KEY.as_pem(private=False), unsigned.encode(), "sha256")
    return f"{unsigned}.{encoded(signature)}"


def key_set(*keys: Key) -> str:
    """The public keys as the backend publishes them."""
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})
