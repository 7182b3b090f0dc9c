"""The OpenID issuer as we reach it: its discovery document, its keys and the calls to its endpoints."""

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from authlib.integrations.requests_client import OAuth2Session
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

T = TypeVar("T")

ALGORITHMS = ("RS256", "PS256", "ES256")
"""What an ID token may be signed with. Whatever else the issuer lists is ignored, `none` and shared keys above all."""

ASYMMETRIC = {"RSA", "EC"}
SHORTEST_RSA = 2048
LARGEST_ANSWER = 256 * 1024
FRESH, USABLE = 600.0, 86_400.0
"""Seconds after which an answer is fetched anew, and for which it serves while the issuer cannot be reached."""

PAUSE, PAUSE_AFTER_FAILURE = 60.0, 5.0
"""Seconds between two fetches that strangers can bring about, and after one that failed."""


class IssuerError(Exception):
    """The issuer did not answer as it must. The text is one of our own fixed words, for the log."""


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


class _Kept(Generic[T]):
    """A value worth keeping. Its age counts for freshness, and in an outage it serves until it is no longer usable."""

    def __init__(self, fetch: Callable[[], T], ticks: Callable[[], float]) -> None:
        self._fetch = fetch
        self._ticks = ticks
        self._lock = threading.Lock()
        self._fetched_at = self._tried_at = -math.inf
        self.value: T | None = None

    def get(self, *, insist: bool = False) -> T:
        """The value, fetched where it is old; `insist` fetches a fresh one too, but at most once in PAUSE."""
        # Whoever has something to go on with does not wait for the one who fetches.
        if self._is_due(insist) and self._lock.acquire(blocking=insist or not self._is_younger(USABLE)):
            try:
                self._fetch_if_due(insist)
            finally:
                self._lock.release()
        if self.value is None or not self._is_younger(USABLE):
            raise IssuerError("issuer_unreachable")
        return self.value

    def _fetch_if_due(self, insist: bool) -> None:
        if not self._is_due(insist):
            return
        try:
            value = self._fetch()
        except IssuerError:
            self._tried_at = self._ticks()
            if not self._is_younger(USABLE):
                raise
        else:
            self.value = value
            self._fetched_at = self._tried_at = self._ticks()

    def _is_due(self, insist: bool) -> bool:
        failed = self._fetched_at != self._tried_at
        since = self._ticks() - self._tried_at
        if insist:
            return since >= (PAUSE_AFTER_FAILURE if failed else PAUSE)
        return not self._is_younger(FRESH) and since >= PAUSE_AFTER_FAILURE

    def _is_younger(self, age: float) -> bool:
        return self._ticks() - self._fetched_at < age


class Issuer:
    """One pinned issuer. Safe for many threads; every call has a deadline, follows no redirect and trusts no proxy."""

    def __init__(
        self, issuer: str, *, timeout: float, ca_bundle: str | None, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self.issuer = issuer
        self._timeout = timeout
        self._ca_bundle = ca_bundle
        self._metadata = _Kept(self._fetch_metadata, ticks)
        self._keys = _Kept(self._fetch_keys, ticks)
        self._asking = threading.Lock()

    def metadata(self) -> Metadata:
        """The discovery document. Raises IssuerError."""
        return self._metadata.get()

    def known_metadata(self) -> Metadata | None:
        """The discovery document if it was ever read; never waits, but has it read behind."""
        if self._metadata.value is None and self._asking.acquire(blocking=False):
            threading.Thread(target=self._ask, daemon=True).start()
        return self._metadata.value

    def keys(self, *, insist: bool = False) -> tuple[Key, ...]:
        """The keys that ID tokens are signed with. Raises IssuerError."""
        return self._keys.get(insist=insist)

    def client(self, **options: Any) -> OAuth2Session:
        """Authlib's client with our manners."""
        client = OAuth2Session(default_timeout=self._timeout, **options)
        client.trust_env = False
        client.verify = self._ca_bundle or True
        return client

    def call(self, client: OAuth2Session, method: str, url: str, **options: Any) -> dict[str, Any]:
        """The JSON object that answers a call with 200. Raises IssuerError."""
        started = time.monotonic()
        try:
            with client.request(method, url, allow_redirects=False, stream=True, **options) as response:
                body = b""
                for piece in response.iter_content(8192):
                    body += piece
                    if len(body) > LARGEST_ANSWER or time.monotonic() - started > self._timeout:
                        raise IssuerError("answer_too_long")
                status = response.status_code
        except (OSError, ValueError):
            raise IssuerError("issuer_unreachable") from None
        if status != 200:
            raise IssuerError(f"answer_status_{status}")
        return json_object(body)

    def _ask(self) -> None:
        try:
            with contextlib.suppress(IssuerError):
                self.metadata()
        finally:
            self._asking.release()

    def _fetch_metadata(self) -> Metadata:
        url = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        with self.client() as client:
            document = self.call(client, "GET", url, withhold_token=True)
        return read_metadata(document, self.issuer)

    def _fetch_keys(self) -> tuple[Key, ...]:
        jwks_uri = self.metadata().jwks_uri
        with self.client() as client:
            document = self.call(client, "GET", jwks_uri, withhold_token=True)
        return read_keys(document)


def json_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises IssuerError."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise IssuerError("answer_not_json")
    return document


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


def read_keys(document: Mapping[str, Any]) -> tuple[Key, ...]:
    """The public signing keys of a key set; what cannot be one is passed over."""
    listed = document.get("keys")
    found = (read_key(jwk) for jwk in listed) if isinstance(listed, list) else ()
    return tuple(key for key in found if key is not None)


def read_key(jwk: object) -> Key | None:
    """A public key for signatures, or None."""
    if not isinstance(jwk, dict) or jwk.get("kty") not in ASYMMETRIC or jwk.get("use", "sig") != "sig":
        return None
    public = {name: jwk[name] for name in ("kty", "n", "e", "crv", "x", "y", "kid", "alg") if name in jwk}
    if public["kty"] == "RSA" and len(str(public.get("n", ""))) * 6 < SHORTEST_RSA:
        return None
    try:
        return JWKRegistry.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
