"""The retailer's OpenID issuer: discovery, login page, tokens, userinfo and sign-out."""

import secrets
import time
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2 import OAuth2Error
from authlib.oidc.rpinitiated import EndSessionEndpoint
from flask import Blueprint, Flask, Response, jsonify, make_response, render_template, request
from joserfc.jwk import KeySet

from portal.sandbox.customers import PASSWORD, SAMPLE_AGENTS, SAMPLE_CUSTOMERS, SAMPLE_PEOPLE
from portal.sandbox.issuer_grants import (
    SCOPES,
    BearerCheck,
    IssuedToken,
    IssuerMemory,
    LeanIdToken,
    PortalClient,
    S256Challenge,
    code_grant,
)
from portal.sandbox.state import SandboxState
from portal.sandbox.texts import all_texts, first_known

COOKIE = "sandbox_issuer"
TOKEN_LIFE = 3600


class Issuer:
    """The endpoints under `/oidc`."""

    def __init__(self, app: Flask, state: SandboxState) -> None:
        self.state = state
        self.memory = IssuerMemory()
        self.url = state.config.issuer
        config = state.config
        self.client = PortalClient(lambda: state.portal_url, config.oidc_client_id, config.oidc_client_secret)
        self.staff_client = PortalClient(lambda: state.support_url, config.staff_client_id, config.staff_client_secret)
        # Any: the published types of Authlib's server side lag behind it
        self.server: Any = AuthorizationServer(app, query_client=self._query_client, save_token=self._save_token)
        self.server.register_grant(
            code_grant(self.memory),
            [LeanIdToken(self.memory, self.url, tells_time=self._tells_time), S256Challenge(required=True)],
        )
        self.server.register_endpoint(self._end_session_endpoint())
        self.protector = ResourceProtector()
        self.protector.register_token_validator(BearerCheck(self.memory))

    def blueprint(self) -> Blueprint:
        routes = Blueprint("issuer", __name__, url_prefix="/oidc")
        routes.add_url_rule("/.well-known/openid-configuration", view_func=self.discovery)
        routes.add_url_rule("/jwks", view_func=self.jwks)
        routes.add_url_rule("/authorize", view_func=self.authorize, methods=["GET", "POST"])
        routes.add_url_rule("/token", view_func=self.token, methods=["POST"])
        routes.add_url_rule("/userinfo", view_func=self.userinfo, methods=["GET", "POST"])
        routes.add_url_rule("/end-session", view_func=self.end_session, methods=["GET", "POST"])
        return routes

    def discovery(self) -> Response:
        return jsonify(
            issuer=self.url,
            authorization_endpoint=f"{self.url}/authorize",
            token_endpoint=f"{self.url}/token",
            userinfo_endpoint=f"{self.url}/userinfo",
            end_session_endpoint=f"{self.url}/end-session",
            jwks_uri=f"{self.url}/jwks",
            scopes_supported=SCOPES,
            response_types_supported=["code"],
            response_modes_supported=["query"],
            grant_types_supported=["authorization_code"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"],
            token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
            code_challenge_methods_supported=["S256"],
            ui_locales_supported=sorted(all_texts()),
            authorization_response_iss_parameter_supported=True,
            backchannel_logout_supported=True,
            backchannel_logout_session_supported=False,
        )

    def jwks(self) -> Response:
        return jsonify(self.memory.public_keys)

    def authorize(self) -> Response:
        username, signed_in_at = self._browser()
        customer = SAMPLE_PEOPLE.get(username)
        try:
            grant = self.server.get_consent_grant(end_user=customer)
        except OAuth2Error as error:
            return self._named(self.server.handle_error_response(None, error))
        if request.method == "POST":
            return self._log_in(grant)
        # Who is signed in as one kind of person is asked to sign in as the other: a demo has one browser for both.
        is_of_other_kind = (username in SAMPLE_AGENTS) is not self._is_for_staff()
        if customer is None or is_of_other_kind or grant.prompt == "login":
            return self._login_page()
        return self._granted(grant, customer.username, signed_in_at)

    def token(self) -> Response:
        response: Response = self.server.create_token_response()
        return response

    def userinfo(self) -> Response:
        with self.protector.acquire("openid") as token:
            return jsonify(token.get_user().userinfo())

    def end_session(self) -> Response:
        try:
            asked = self.server.validate_endpoint_request("end_session")
        except OAuth2Error as error:
            response: Response = self.server.handle_error_response(None, error)
            return response
        if asked.needs_confirmation and request.method == "GET":
            return make_response(render_template("sign_out.html", **self._words(), fields=request.args))
        response = self.server.create_endpoint_response("end_session", asked) or make_response(
            render_template("sign_out.html", **self._words(), fields=None)
        )
        response.delete_cookie(COOKIE, path="/oidc")
        return response

    def _log_in(self, grant: Any) -> Response:
        username = request.form.get("username", "").strip().lower()
        is_known = username in SAMPLE_PEOPLE and username not in self.state.switched_off
        if not is_known or request.form.get("password") != PASSWORD:
            return self._login_page(username=username, failed=True)
        now, browser = int(time.time()), secrets.token_urlsafe(32)
        with self.memory.lock:
            self.memory.browsers[browser] = (username, now)
        response = self._granted(grant, username, now)
        response.set_cookie(COOKIE, browser, path="/oidc", httponly=True, samesite="Lax")
        return response

    def _granted(self, grant: Any, username: str, signed_in_at: int) -> Response:
        grant.request.user_signed_in_at = signed_in_at if self._tells_time() else 0
        return self._named(self.server.create_authorization_response(grant_user=SAMPLE_PEOPLE[username], grant=grant))

    def _named(self, response: Response) -> Response:
        """Every answer that goes back to the client says whose it is (RFC 9207)."""
        if response.location:
            response.location = add_params_to_uri(response.location, {"iss": self.url})
        return response

    def _login_page(self, *, username: str = "", failed: bool = False) -> Response:
        return make_response(
            render_template(
                "login.html",
                **self._words(),
                username=username,
                failed=failed,
                customers=(SAMPLE_AGENTS if self._is_for_staff() else SAMPLE_CUSTOMERS).values(),
            )
        )

    def _words(self) -> dict[str, Any]:
        wanted = request.values.get("ui_locales", "").split() or list(request.accept_languages.values())
        language = first_known(wanted, all_texts())
        return {"language": language, "t": all_texts()[language]}

    def _browser(self) -> tuple[str, int]:
        return self.memory.browsers.get(request.cookies.get(COOKIE, ""), ("", 0))

    def _tells_time(self) -> bool:
        return self.state.variant("oidc", "auth_time") == "given"

    def _is_for_staff(self) -> bool:
        return request.values.get("client_id") == self.staff_client.get_client_id()

    def _query_client(self, client_id: str) -> PortalClient | None:
        return next((known for known in (self.client, self.staff_client) if known.client_id == client_id), None)

    def _save_token(self, token: dict[str, Any], asked: Any) -> None:
        self.memory.tokens[token["access_token"]] = IssuedToken(
            customer=asked.user, scope=token["scope"], good_until=time.time() + TOKEN_LIFE
        )

    def _end_session_endpoint(self) -> EndSessionEndpoint:
        memory = self.memory

        class EndSession(EndSessionEndpoint):
            def get_server_jwks(self) -> KeySet:
                return memory.key_set

            def get_algorithms(self) -> list[str]:
                return ["RS256"]

            def is_post_logout_redirect_uri_legitimate(self, *asked: Any) -> bool:
                """Without an ID token the customer has to say so: only the confirmed form counts."""
                return bool(asked) and request.method == "POST"

            def end_session(self, end_session_request: Any) -> None:
                del end_session_request
                memory.browsers.pop(request.cookies.get(COOKIE, ""), None)

        return EndSession()
