"""Signing in at the retailer's OpenID issuer: authorization code flow with PKCE, all that is on the way kept here."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import structlog
from joserfc.jwk import Key

from portal.domain.people import Identity
from portal.identity.answers import is_fresh, read_answer, read_token
from portal.identity.calls import IssuerBusy, IssuerError, json_object
from portal.identity.claims import ClaimNames, claim_at, read_identity
from portal.identity.id_token import KEY_TYPES, verified_claims
from portal.identity.issuer import Issuer, Metadata
from portal.identity.logout_address import logout_address
from portal.identity.logout_token import LogoutToken, read_logout_token
from portal.identity.signatures import Unproven, proven
from portal.storage import sign_ins
from portal.storage.database import Database

log = structlog.get_logger(__name__)

PATIENCE = timedelta(hours=1)
"""How long a customer may take at the issuer."""

LONGEST_ANSWER = 4096

SHOW_ANEW = {"prompt": "login", "max_age": "0"}
"""The second makes the issuer say when it was, which the first alone does not."""

ASK = {"prompt": "login"}

NOT_FOR_US = frozenset({"answer_status_401", "answer_status_403"})
"""An issuer that lets nobody read its userinfo with this access token."""

ANY_TYPE = frozenset({"", "jwt"})

OF_THE_SIGN_IN = ("acr", "amr", "auth_time", "iat", "sid")


class SignInFailed(Exception):
    """A sign-in that ends here. The text is a fixed word for the log; nothing of it is for customers."""


class SignInWaits(SignInFailed):
    """Too many are signing in for the issuer to keep up. Nothing is used up: the same works a little later."""


class NotConfirmed(SignInFailed):
    """Somebody came back who was to show anew who they are, and the issuer does not say that they have."""


@dataclass(frozen=True, slots=True)
class OidcConfig:
    """The retailer's issuer and our registration there; `redirect_uri` and the other are registered word for word."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str
    post_logout_redirect_uri: str
    scope: str = "openid profile email"
    claim_names: ClaimNames = field(default_factory=ClaimNames)
    acr_values: tuple[str, ...] = ()
    discovery_url: str | None = None
    timeout: float = 5.0
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """Who came back from the issuer, and what they were after. `confirms`: they have just shown that it is them."""

    identity: Identity
    claims: Mapping[str, Any]
    id_token: str
    target: str
    language: str
    confirms: bool = False


class Oidc:
    """The door to one issuer."""

    def __init__(self, config: OidcConfig, database: Database) -> None:
        self._config = config
        self._database = database
        self._issuer = Issuer(
            config.issuer, discovery_url=config.discovery_url, timeout=config.timeout, ca_bundle=config.ca_bundle
        )

    def begin(
        self,
        *,
        browser: str,
        target: str,
        language: str,
        now: datetime,
        confirms: bool = False,
        asks: bool = False,
        is_retry: bool = False,
    ) -> str:
        """Where to send the customer to sign in; `target` names the page to come back to. Raises SignInFailed.

        `confirms`: though they may be signed in there, they are to show anew that it is them. `asks`: the issuer lets
        nobody in without a question. `is_retry`: started by itself, after a sign-in that came to nothing.
        """
        try:
            metadata = self._issuer.metadata()
        except IssuerBusy as error:
            raise SignInWaits(str(error)) from None
        except IssuerError as error:
            raise SignInFailed(str(error)) from None
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        with self._database.write() as tx:
            sign_ins.purge(tx, now)
            sign_ins.begin(
                tx,
                state=state,
                browser=browser,
                nonce=nonce,
                code_verifier=verifier,
                target=target,
                language=language,
                now=now,
                expires_at=now + PATIENCE,
                confirms=confirms,
                is_retry=is_retry,
            )
        shown = SHOW_ANEW if confirms else ASK if asks else {}
        return self._authorization_url(
            metadata, state=state, nonce=nonce, code_verifier=verifier, ui_locales=language, **shown
        )

    def _authorization_url(self, metadata: Metadata, **asked: str) -> str:
        config = self._config
        if config.acr_values:
            asked["acr_values"] = " ".join(config.acr_values)
        with self._issuer.caller.client(
            client_id=config.client_id,
            redirect_uri=config.redirect_uri,
            scope=config.scope,
            code_challenge_method="S256",
        ) as client:
            url, _ = client.create_authorization_url(metadata.authorization_endpoint, **asked)
        return str(url)

    def complete(self, *, args: Mapping[str, str], browser: str, now: datetime) -> Completed:
        """Who came back, proven. Each sign-in completes once, in the browser that began it. Raises SignInFailed."""
        if any(len(text) > LONGEST_ANSWER for text in args.values()):
            raise SignInFailed("answer_too_long")
        try:
            # Before anything is used up: without a place the same answer is as good a moment later.
            with self._issuer.caller.place():
                return self._complete(args, browser, now)
        except IssuerBusy as error:
            raise SignInWaits(str(error)) from None

    def _complete(self, args: Mapping[str, str], browser: str, now: datetime) -> Completed:
        sign_in = self._take(args.get("state"), browser, now)
        try:
            metadata = self._issuer.metadata()
            code = read_answer(args, metadata)
            token = self._exchange(metadata, code, sign_in.code_verifier)
            access_token, id_token = read_token(token)
            claims = verified_claims(
                id_token,
                metadata=metadata,
                client_id=self._config.client_id,
                nonce=sign_in.nonce,
                access_token=access_token,
                keys=self._keys,
                now=now,
            )
            if sign_in.confirms and not is_fresh(claims, sign_in.begun_at):
                raise NotConfirmed("not_confirmed" if "auth_time" in claims else "issuer_without_auth_time")
            told = self._told(claims, metadata, access_token)
        except IssuerError as error:
            raise SignInFailed(str(error)) from None
        identity = read_identity(told, metadata.issuer, self._config.claim_names)
        return Completed(identity, told, id_token, sign_in.target, sign_in.language, sign_in.confirms)

    def logout_url(self, id_token: str | None, language: str) -> str | None:
        """Where the customer is signed out of the issuer too; None where it does not offer that, or does not answer."""
        try:
            metadata = self._issuer.metadata()
        except IssuerError:
            return None
        if metadata.end_session_endpoint is None:
            return None
        query = {
            "client_id": self._config.client_id,
            "post_logout_redirect_uri": self._config.post_logout_redirect_uri,
            "ui_locales": language,
        }
        return logout_address(metadata.end_session_endpoint, query, id_token)

    def begun(self, state: str | None) -> sign_ins.Begun | None:
        """What the sign-in of this state was for, for who came back and is not signed in by it."""
        if not state or len(state) > LONGEST_ANSWER:
            return None
        with self._database.read() as tx:
            return sign_ins.begun(tx, state)

    def read_logout(self, token: str, *, now: datetime) -> LogoutToken:
        """Whom the issuer says to be signed out. Raises LogoutRefused, and IssuerError while it cannot be proven."""
        return read_logout_token(
            token,
            metadata=self._issuer.metadata(),
            client_id=self._config.client_id,
            keys=self._keys,
            now=now,
        )

    def _take(self, state: str | None, browser: str, now: datetime) -> sign_ins.SignIn:
        if not state:
            raise SignInFailed("no_state")
        with self._database.write() as tx:
            sign_in = sign_ins.take(tx, state=state, browser=browser, now=now)
        if sign_in is None:
            raise SignInFailed("unknown_state")
        return sign_in

    def _exchange(self, metadata: Metadata, code: str, code_verifier: str) -> Mapping[str, Any]:
        config = self._config
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": config.redirect_uri,
            "code_verifier": code_verifier,
        }
        method, word = (
            ("client_secret_post", str) if metadata.client_secret_post else ("client_secret_basic", quote_plus)
        )
        # RFC 6749 2.3.1 wants both words form-encoded in the Basic way, which Authlib leaves to us.
        with self._issuer.caller.client(
            client_id=word(config.client_id), client_secret=word(config.client_secret)
        ) as client:
            auth = client.client_auth(method)
            headers = {"Accept": "application/json"}
            return self._issuer.caller.call(
                client, "POST", metadata.token_endpoint, data=form, headers=headers, auth=auth, withhold_token=True
            )

    def _told(self, claims: Mapping[str, Any], metadata: Metadata, access_token: str | None) -> Mapping[str, Any]:
        """All that the issuer says. How this sign-in went is what its proof says, whatever is said beside it."""
        proven = {name: claims[name] for name in OF_THE_SIGN_IN if name in claims}
        address = self._config.claim_names.email
        if "email_verified" in claims and claim_at(claims, address) is not None:
            # What the ID token says of an address is not lifted by what is said beside it.
            kept = (address, address.partition(".")[0], "email_verified")
            proven |= {name: claims[name] for name in kept if name in claims}
        return {**claims, **self._userinfo(metadata, access_token, claims["sub"]), **proven}

    def _userinfo(self, metadata: Metadata, access_token: str | None, subject: str) -> Mapping[str, Any]:
        """What the issuer says of the person beside the ID token; many keep e-mail and locale here only."""
        if metadata.userinfo_endpoint is None or access_token is None:
            return {}
        with self._issuer.caller.client(token={"access_token": access_token, "token_type": "Bearer"}) as client:
            try:
                body = self._issuer.caller.body(client, "GET", metadata.userinfo_endpoint)
            except IssuerError as error:
                if str(error) not in NOT_FOR_US:
                    raise
                # The ID token has proven who it is; what is only said here stays unknown.
                log.warning("userinfo_refused", cause=str(error))
                return {}
        told = self._signed_userinfo(body, metadata) if body[:2] == b"ey" else json_object(body)
        if told.get("sub") != subject:
            raise IssuerError("userinfo_of_somebody_else")
        return told

    def _signed_userinfo(self, body: bytes, metadata: Metadata) -> Mapping[str, Any]:
        """The claims of a signed answer (OpenID Connect Core 5.3.2). Raises IssuerError."""
        algorithms = {name: KEY_TYPES[name] for name in metadata.algorithms}
        try:
            _, claims = proven(
                body.decode("ascii", "replace").strip(), algorithms=algorithms, types=ANY_TYPE, keys=self._keys
            )
        except Unproven as error:
            raise IssuerError(f"userinfo_{error}") from None
        audience = claims.get("aud", self._config.client_id)
        named = audience if isinstance(audience, list) else [audience]
        if claims.get("iss", metadata.issuer) != metadata.issuer or self._config.client_id not in named:
            raise IssuerError("userinfo_for_another_client")
        return claims

    def _keys(self, insist: bool) -> tuple[Key, ...]:
        return self._issuer.keys(insist=insist)
