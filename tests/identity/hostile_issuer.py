"""An OpenID issuer that lies in one chosen way; honest in everything else."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey
from joserfc.jws import JWSRegistry

CLIENT_ID = "portal"
ACCESS_TOKEN = "an-access-token"
Claims = dict[str, Any]

GOOD_KEY = RSAKey.generate_key(2048, {"kid": "good"}, private=True)
EC_KEY = ECKey.generate_key("P-256", {"kid": "curve"}, private=True)
STOLEN_NAME_KEY = RSAKey.generate_key(2048, {"kid": "good"}, private=True)
FOREIGN_KEY = RSAKey.generate_key(2048, {"kid": "foreign"}, private=True)


class HostileIssuer:
    """Change its attributes before use, to choose the lie. `calls` are the paths it was asked for."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.calls: list[str] = []
        self.down = False
        self.delay = 0.0
        self.keys: list[Key] = [GOOD_KEY, EC_KEY]
        self.discovery: Claims = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "none", "HS256"],
        }
        self.nonce = ""
        self.claims: Callable[[Claims], Claims] = lambda claims: claims
        self.token: Callable[[Claims], Any] = lambda answer: answer
        self.userinfo: Any = {"sub": "anna", "email": "anna@example.com", "name": "Anna", "locale": "sv-SE"}
        self.userinfo_status = 200
        self.sign: Callable[[Claims], str] = signed
        self.raw: dict[str, tuple[int, dict[str, str], bytes]] = {}

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def approve(self, url: str) -> dict[str, str]:
        """The customer says yes at this authorization URL."""
        query = parse_qs(urlsplit(url).query)
        self.nonce = query["nonce"][0]
        return {"state": query["state"][0], "code": "a-code"}

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        self.calls.append(path)
        if path in self.raw:
            return self.raw[path]
        status = self.userinfo_status if path == "/userinfo" else 200
        documents = {
            "/.well-known/openid-configuration": lambda: self.discovery,
            "/jwks": lambda: {"keys": [key.as_dict(private=False) for key in self.keys]},
            "/userinfo": lambda: self.userinfo,
            "/token": self._token,
        }
        return status, {"Content-Type": "application/json"}, json.dumps(documents[path]()).encode()

    def _token(self) -> Any:
        moment = int(time.time())
        honest = {
            "iss": self.url,
            "sub": "anna",
            "aud": CLIENT_ID,
            "iat": moment,
            "exp": moment + 300,
            "nonce": self.nonce,
            "at_hash": half_hash(ACCESS_TOKEN),
        }
        answer = {
            "access_token": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.sign(self.claims(honest)),
        }
        return self.token(answer)


def signed(claims: Claims, key: Key = GOOD_KEY, algorithm: str = "RS256", **header: Any) -> str:
    """An ID token as an issuer writes it."""
    full = {"alg": algorithm, "kid": key.kid, **header}
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jwt.encode(
        {name: value for name, value in full.items() if value is not None}, claims, key, registry=registry
    )


def saying_twice(claims: Claims, name: str, value: str) -> str:
    """A genuine token in which a claim stands a second time."""
    payload = f"{json.dumps(claims)[:-1]}, {json.dumps(name)}: {json.dumps(value)}}}"
    header = {"alg": "RS256", "kid": GOOD_KEY.kid}
    return jws.serialize_compact(header, payload.encode(), GOOD_KEY, algorithms=["RS256"])


def half_hash(token: str) -> str:
    """`at_hash` for the algorithms whose names end in 256."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).decode().rstrip("=")


def unsigned(claims: Claims, algorithm: str = "none") -> str:
    """A token that asks to be believed."""
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join((*encoded, ""))


def signed_with_public_key(claims: Claims) -> str:
    """The old trick: the issuer's public key taken for a shared secret."""
    return signed(claims, OctKey.import_key(GOOD_KEY.as_pem(private=False)), "HS256", kid="good")


def retouched(token: str) -> str:
    """The same token, its claims exchanged after signing."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "mallory"}).encode()).decode().rstrip("=")
    return f"{header}.{other}.{signature}"


def _handler_of(issuer: HostileIssuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            time.sleep(issuer.delay)
            if issuer.down:
                self.close_connection = True
                return
            status, headers, body = issuer.answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            with contextlib.suppress(OSError):  # whoever asked may have hung up, as they should
                self.end_headers()
                self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Nothing."""

    return Handler
