"""The backend of the retailer's app: a key pair of its own, signed tokens, and the portal's codes for them."""

import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

TYPE = "portal-handoff+jwt"
LIFE = 60
PATIENCE = 10


class NotLetIn(Exception):
    """The portal did not take a token."""


@dataclass(frozen=True)
class AppBackend:
    """One retailer's backend. `audience` is what its portal calls itself, `app_link` the way back that it names."""

    key: ECKey
    portal_url: str
    audience: str
    issuer: str = "nordvind-app"
    app_link: str = "main"

    def token(self, subject: str, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A signed token for this person; claims that are given as None are left out."""
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "iat": now,
            "exp": now + LIFE,
            "jti": secrets.token_urlsafe(24),
            "app_link_id": self.app_link,
            **claims,
        }
        named = {"alg": "ES256", "typ": TYPE, "kid": self.key.kid, **(header or {})}
        return jwt.encode(named, {name: claim for name, claim in said.items() if claim is not None}, self.key)

    def change(self, token: str) -> requests.Response:
        """What the portal answers to a token."""
        return requests.post(f"{self.portal_url}/app/tickets", data={"token": token}, timeout=PATIENCE)

    def code(self, subject: str, **claims: Any) -> str:
        """The one-time code with which the app lets this person in. Raises NotLetIn."""
        answer = self.change(self.token(subject, **claims))
        if answer.status_code != 201:
            raise NotLetIn(f"the portal answered {answer.status_code} to the token: {answer.text[:200]}")
        return str(answer.json()["code"])


def make_key(folder: Path) -> tuple[Path, Path]:
    """A fresh key pair: the private key for the backend, and the key set that the portal is told of."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    private, public = folder / "app-key.json", folder / "app-jwks.json"
    private.touch(mode=0o600)
    private.write_text(json.dumps(key.as_dict(private=True)), encoding="utf-8")
    public.write_text(json.dumps({"keys": [key.as_dict(private=False)]}), encoding="utf-8")
    return private, public


def read_key(private: Path) -> ECKey:
    """The private key that `make_key` wrote."""
    return ECKey.import_key(json.loads(private.read_text("utf-8")))


def portal_environment(public: Path, issuer: str, app_link: str) -> dict[str, str]:
    """The settings with which a portal lets this app in; `issuer` is the OpenID issuer, which knows the same people."""
    return {
        "PORTAL_APP__ISSUER": "nordvind-app",
        "PORTAL_APP__JWKS_FILE": str(public),
        "PORTAL_APP__SUBJECT_ISSUER": issuer,
        "PORTAL_APP__LINKS": f"main={app_link}",
        "PORTAL_APP__SCHEMES": "main=example.nordvind.app",
    }
