"""The issuer as a relying party meets it, played by Authlib's own client."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from portal.sandbox.program import RunningSandbox


class RelyingParty:
    """A portal's sign-in, with its browser."""

    def __init__(self, sandbox: RunningSandbox, browser: Any, method: str = "client_secret_basic") -> None:
        config = sandbox.config
        self.browser = browser
        self.callback = f"{sandbox.state.portal_url}/sign-in/callback"
        self.metadata = browser.get(f"{config.issuer}/.well-known/openid-configuration").json()
        self.session = OAuth2Session(
            config.oidc_client_id,
            config.oidc_client_secret,
            token_endpoint_auth_method=method,
            scope="openid profile email",
            redirect_uri=self.callback,
            code_challenge_method="S256",
        )
        self.verifier = generate_token(48)

    def leave(self, **more: str) -> str:
        parameters = {"nonce": "nonce-1", "code_verifier": self.verifier, **more}
        url, _ = self.session.create_authorization_url(self.metadata["authorization_endpoint"], **parameters)
        return str(url)

    def arrive(self, location: str) -> dict[str, Any]:
        token: dict[str, Any] = self.session.fetch_token(
            self.metadata["token_endpoint"], authorization_response=location, code_verifier=self.verifier
        )
        return token

    def claims(self, id_token: str) -> dict[str, Any]:
        keys = KeySet.import_key_set(self.browser.get(self.metadata["jwks_uri"]).json())
        return jwt.decode(id_token, keys, algorithms=["RS256"]).claims


@pytest.fixture
def party(sandbox: RunningSandbox, visitor: Any) -> Iterator[RelyingParty]:
    relying = RelyingParty(sandbox, visitor)
    yield relying
    relying.session.close()


def query(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_anna_signs_in_and_userinfo_tells_the_rest(sandbox: RunningSandbox, visitor: Any, method: str) -> None:
    party = RelyingParty(sandbox, visitor, method)
    back = visitor.press(party.leave(), username="anna", password="demo").headers["Location"]
    assert back.startswith(f"{party.callback}?")
    assert query(back)["iss"] == sandbox.config.issuer
    token = party.arrive(back)
    claims = party.claims(token["id_token"])
    assert set(claims) == {"iss", "aud", "sub", "nonce", "exp", "iat", "auth_time", "at_hash"}
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (
        sandbox.config.issuer,
        sandbox.config.oidc_client_id,
        "nonce-1",
    )
    told = party.session.get(party.metadata["userinfo_endpoint"]).json()
    assert (told["sub"], told["name"], told["locale"]) == (claims["sub"], "Anna Lindqvist", "sv-SE")
    assert (told["price_zone"], told["email"]) == ("SE_3", "anna@example.com")
    assert told["customer_number"]
    party.session.close()


def test_a_code_is_good_once_and_only_with_its_verifier(party: RelyingParty, visitor: Any) -> None:
    back = visitor.press(party.leave(), username="anna", password="demo").headers["Location"]
    party.arrive(back)
    code = query(back)["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": party.callback}
    credentials = (party.session.client_id, party.session.client_secret)
    endpoint = party.metadata["token_endpoint"]
    again = visitor.post(endpoint, data={**form, "code_verifier": party.verifier}, auth=credentials)
    assert again.json()["error"] == "invalid_grant"
    fresh = query(visitor.look(party.leave()).headers["Location"])["code"]
    wrong = visitor.post(endpoint, data={**form, "code": fresh, "code_verifier": "x" * 43}, auth=credentials)
    assert wrong.json()["error"] == "invalid_grant"
    assert visitor.post(endpoint, data=form, auth=("device-portal", "wrong")).status_code == 401


@pytest.mark.parametrize(
    ("name", "value"),
    [("code_challenge_method", "plain"), ("code_challenge", ""), ("nonce", ""), ("response_type", "token")],
)
def test_a_request_without_its_guards_is_sent_back(party: RelyingParty, visitor: Any, name: str, value: str) -> None:
    parts = urlsplit(party.leave())
    asked = {**query(party.leave()), name: value}
    answer = visitor.look(f"{parts.scheme}://{parts.netloc}{parts.path}", params=asked)
    assert answer.status_code == 302
    assert {"error", "iss", "state"} <= set(query(answer.headers["Location"]))


@pytest.mark.parametrize(("name", "value"), [("redirect_uri", "http://elsewhere.example/"), ("client_id", "another")])
def test_a_stranger_s_address_or_client_is_never_followed(
    party: RelyingParty, visitor: Any, name: str, value: str
) -> None:
    parts = urlsplit(party.leave())
    answer = visitor.look(f"{parts.scheme}://{parts.netloc}{parts.path}", params={**query(party.leave()), name: value})
    assert answer.status_code in (400, 401)
    assert "Location" not in answer.headers


def test_the_login_page_speaks_the_asked_language(party: RelyingParty, visitor: Any) -> None:
    assert '<html lang="hu">' in visitor.look(party.leave(ui_locales="xx hu-HU")).text
    failed = visitor.press(party.leave(ui_locales="sv"), username="anna", password="wrong")
    assert "stämmer inte" in failed.text
    assert "Anna Lindqvist" in failed.text


def test_a_signed_in_browser_is_remembered_until_it_signs_out(party: RelyingParty, visitor: Any) -> None:
    assert "error=login_required" in visitor.look(party.leave(prompt="none")).headers["Location"]
    back = visitor.press(party.leave(), username="tiiu", password="demo").headers["Location"]
    token = party.arrive(back)
    assert "code=" in visitor.look(party.leave()).headers["Location"]
    assert "code=" in visitor.look(party.leave(prompt="none")).headers["Location"]
    assert visitor.look(party.leave(prompt="login")).status_code == 200
    home = party.callback.removesuffix("sign-in/callback")
    asked = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": home, "state": "s1"}
    left = visitor.look(party.metadata["end_session_endpoint"], params=asked)
    assert left.headers["Location"] == f"{home}?state=s1"
    assert visitor.look(party.leave()).status_code == 200


def test_signing_out_goes_nowhere_unregistered_and_asks_without_a_token(
    party: RelyingParty, visitor: Any, sandbox: RunningSandbox
) -> None:
    back = visitor.press(party.leave(), username="luc", password="demo").headers["Location"]
    token = party.arrive(back)
    end = party.metadata["end_session_endpoint"]
    home = f"{sandbox.state.portal_url}/"
    asked = {"client_id": sandbox.config.oidc_client_id, "post_logout_redirect_uri": home}
    assert "Do you want to sign out?" in visitor.look(end, params=asked).text
    assert visitor.press(end, **asked).headers["Location"] == home
    elsewhere = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": f"{home}elsewhere"}
    assert "signed out" in visitor.look(end, params=elsewhere).text
    assert visitor.look(end, params={"id_token_hint": "forged"}).status_code == 400


def test_userinfo_is_for_token_holders_only(party: RelyingParty, visitor: Any) -> None:
    endpoint = party.metadata["userinfo_endpoint"]
    assert visitor.get(endpoint).status_code == 401
    assert visitor.get(endpoint, headers={"Authorization": "Bearer wrong"}).status_code == 401
