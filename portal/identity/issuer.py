"""The OpenID issuer as we reach it: its discovery document, its keys and the calls to its endpoints."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from joserfc.jwk import Key

from portal.identity.calls import Caller, IssuerError
from portal.identity.kept import Kept
from portal.identity.signatures import read_keys

ALGORITHMS = ("RS256", "PS256", "ES256")
"""What an ID token may be signed with. Whatever else the issuer lists is ignored, `none` and shared keys above all."""

KINDS = frozenset({"RSA", "EC"})


@dataclass(frozen=True, slots=True)
class Metadata:
    """What we need of the discovery document, every address in it checked."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    algorithms: tuple[str, ...]
    names_itself_in_answers: bool
    client_secret_post: bool


class Issuer:
    """One pinned issuer. Safe for many threads; every call has a deadline, follows no redirect and trusts no proxy."""

    def __init__(
        self,
        issuer: str,
        *,
        timeout: float,
        ca_bundle: str | None,
        discovery_url: str | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self.discovery_url = discovery_url or issuer.rstrip("/") + "/.well-known/openid-configuration"
        self.caller = Caller(timeout=timeout, ca_bundle=ca_bundle)
        self._metadata = Kept(self._fetch_metadata, ticks, self.caller.place)
        self._keys = Kept(self._fetch_keys, ticks, self.caller.place)

    def metadata(self) -> Metadata:
        """The discovery document. Raises IssuerError."""
        return self._metadata.get()

    def keys(self, *, insist: bool = False) -> tuple[Key, ...]:
        """The keys that ID tokens are signed with. Raises IssuerError."""
        return self._keys.get(insist=insist)

    def document(self) -> dict[str, Any]:
        """The discovery document as it is now, whatever it says. Raises IssuerError."""
        with self.caller.client() as client:
            return self.caller.call(client, "GET", self.discovery_url, withhold_token=True)

    def _fetch_metadata(self) -> Metadata:
        return read_metadata(self.document(), self.issuer)

    def _fetch_keys(self) -> tuple[Key, ...]:
        jwks_uri = self.metadata().jwks_uri
        with self.caller.client() as client:
            document = self.caller.call(client, "GET", jwks_uri, withhold_token=True)
        return read_keys(document, KINDS)


def read_metadata(document: Mapping[str, Any], issuer: str) -> Metadata:
    """The discovery document of exactly this issuer. Raises IssuerError."""
    if document.get("issuer") != issuer:
        raise IssuerError("discovery_of_another_issuer")
    signed = document.get("id_token_signing_alg_values_supported")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Metadata(
        issuer=issuer,
        authorization_endpoint=endpoint(document, "authorization_endpoint", issuer),
        token_endpoint=endpoint(document, "token_endpoint", issuer),
        jwks_uri=endpoint(document, "jwks_uri", issuer),
        userinfo_endpoint=optional_endpoint(document, "userinfo_endpoint", issuer),
        end_session_endpoint=optional_endpoint(document, "end_session_endpoint", issuer),
        algorithms=tuple(name for name in ALGORITHMS if isinstance(signed, list) and name in signed) or ("RS256",),
        names_itself_in_answers=document.get("authorization_response_iss_parameter_supported") is True,
        client_secret_post=isinstance(methods, list)
        and "client_secret_basic" not in methods
        and "client_secret_post" in methods,
    )


def endpoint(document: Mapping[str, Any], name: str, issuer: str) -> str:
    """An address in the discovery document, no less secure than the issuer itself. Raises IssuerError."""
    value = document.get(name)
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        host = parts.hostname if parts else None
    except ValueError:
        parts, host = None, None
    if parts is None or not host or "@" in parts.netloc or parts.fragment:
        raise IssuerError("discovery_without_endpoint")
    own = urlsplit(issuer)
    # Plain http is for an issuer on this very machine (the settings see to that), and then for the same host only.
    if parts.scheme != "https" and (parts.scheme, own.scheme, host) != ("http", "http", own.hostname):
        raise IssuerError("discovery_with_unsafe_endpoint")
    return str(value)


def optional_endpoint(document: Mapping[str, Any], name: str, issuer: str) -> str | None:
    return endpoint(document, name, issuer) if document.get(name) else None
