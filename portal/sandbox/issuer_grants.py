"""What the issuer remembers between its endpoints, in the shapes Authlib's server side wants them."""

import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin, InvalidRequestError, TokenMixin, scope_to_list
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode, UserInfo
from authlib.oidc.core.models import AuthorizationCodeMixin
from joserfc.jwk import KeySet, RSAKey

from portal.sandbox.customers import SAMPLE_PEOPLE, SampleAgent, SampleCustomer

SCOPES = ("openid", "profile", "email")
CODE_LIFE = 60


class PortalClient(ClientMixin):
    """A client: some pages of the portal. `base` is the address at which they are now."""

    def __init__(self, base: Callable[[], str], client_id: str, client_secret: str) -> None:
        self.base = base
        self.client_id = client_id
        self.client_secret = client_secret

    @property
    def client_metadata(self) -> dict[str, Any]:
        return {"post_logout_redirect_uris": [f"{self.base()}/"]}

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return f"{self.base()}/sign-in/callback"

    def get_allowed_scope(self, scope: Collection[str] | str) -> str:
        return " ".join(name for name in scope_to_list(scope) or () if name in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.get_default_redirect_uri()

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret.encode(), self.client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - the base's shape
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class IssuedCode(AuthorizationCodeMixin):
    """An authorization code, good once and for a minute."""

    code: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    customer: SampleCustomer | SampleAgent
    auth_time: int
    good_until: float

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time


@dataclass
class IssuedToken(TokenMixin):
    """An access token for userinfo."""

    customer: SampleCustomer | SampleAgent
    scope: str
    good_until: float

    def get_scope(self) -> str:
        return self.scope

    def is_expired(self) -> bool:
        return time.time() >= self.good_until

    def is_revoked(self) -> bool:
        return False

    def get_user(self) -> SampleCustomer | SampleAgent:
        return self.customer


@dataclass
class IssuerMemory:
    """Codes, tokens and signed-in browsers of the issuer, and its key."""

    codes: dict[str, IssuedCode] = field(default_factory=dict)
    tokens: dict[str, IssuedToken] = field(default_factory=dict)
    browsers: dict[str, tuple[str, int]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.key.ensure_kid()

    @property
    def public_keys(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}

    @property
    def key_set(self) -> KeySet:
        return KeySet([self.key])


class S256Challenge(CodeChallenge):
    """PKCE, required, and with SHA-256 only."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 - the base class has it so

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with S256 is required")
        super().validate_code_challenge(grant, redirect_uri)


class BearerCheck(BearerTokenValidator):
    """Finds the access token that came with a call to userinfo."""

    def __init__(self, memory: IssuerMemory) -> None:
        super().__init__()
        self.memory = memory

    def authenticate_token(self, token_string: str) -> IssuedToken | None:
        return self.memory.tokens.get(token_string)


class LeanIdToken(OpenIDCode):
    """An ID token that says who and nothing else; the rest is userinfo's."""

    def __init__(self, memory: IssuerMemory, issuer: str, *, tells_time: Callable[[], bool]) -> None:
        super().__init__(require_nonce=True)
        self.memory = memory
        self.issuer = issuer
        self.tells_time = tells_time

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        """Never: going back to the login page and signing in again is no replay."""
        del nonce, request
        return False

    def resolve_client_private_key(self, client: Any) -> RSAKey:
        del client
        return self.memory.key

    def get_client_algorithm(self, client: Any) -> str:
        del client
        return "RS256"

    def get_encode_header(self, client: Any) -> dict[str, str]:
        return {"alg": self.get_client_algorithm(client), "kid": str(self.memory.key.kid)}

    def get_client_claims(self, client: Any) -> dict[str, Any]:
        return {"iss": self.issuer, "aud": client.get_client_id()}

    def get_compatible_claims(self, request: Any) -> dict[str, Any]:
        """Authlib says "just now" where nothing is known; an issuer that does not tell the time says nothing."""
        claims: dict[str, Any] = super().get_compatible_claims(request)
        if not self.tells_time():
            del claims["auth_time"]
        return claims

    def generate_user_info(self, user: SampleCustomer | SampleAgent, scope: str) -> UserInfo:
        del scope
        return UserInfo(sub=user.subject)


def code_grant(memory: IssuerMemory) -> type[AuthorizationCodeGrant]:
    """The authorization code grant over this memory; Authlib wants a class, one instance a request."""

    class CodeGrant(AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012 - the base class has it so

        def save_authorization_code(self, code: str, request: Any) -> None:
            data = request.payload.data
            with memory.lock:
                memory.codes[code] = IssuedCode(
                    code=code,
                    redirect_uri=request.payload.redirect_uri or "",
                    scope=request.scope,
                    nonce=data["nonce"],
                    code_challenge=data["code_challenge"],
                    code_challenge_method=data["code_challenge_method"],
                    customer=request.user,
                    auth_time=request.user_signed_in_at,
                    good_until=time.time() + CODE_LIFE,
                )

        def query_authorization_code(self, code: str, client: Any) -> IssuedCode | None:
            del client
            with memory.lock:
                issued = memory.codes.pop(code, None)
            return issued if issued is not None and time.time() < issued.good_until else None

        def delete_authorization_code(self, authorization_code: Any) -> None:
            """It was taken out when it was found: two redemptions at once cannot both succeed."""

        def authenticate_user(self, authorization_code: IssuedCode) -> SampleCustomer | SampleAgent | None:
            return SAMPLE_PEOPLE.get(authorization_code.customer.username)

    return CodeGrant
