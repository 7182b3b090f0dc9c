"""What every call to a provider's API passes: the call log, the faults asked for, the provider's error format."""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from portal.sandbox.faults import Strike, Traffic, retry_after_header
from portal.sandbox.state import SandboxState, iso

SECRET_PARAMETERS = ("secret", "token", "code", "id_token_hint")
OIDC_CALLS = ("/oidc/token", "/oidc/userinfo", "/oidc/jwks", "/oidc/.well-known/")


class RefusalError(Exception):
    """A call the provider refuses, with the status and the body it answers."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.body = body


def provider_of(path: str) -> str | None:
    """Whose API this path belongs to; None for hosted pages and the control page."""
    if path.startswith("/podero/api/"):
        return "podero"
    if path.startswith(("/nox/v2/", "/v1/devices")):
        return "nox"
    if path.startswith("/telematica/v1/"):
        return "telematica"
    if path.startswith(OIDC_CALLS):
        return "oidc"
    return None


def error_body(path: str, status: int, message: str) -> dict[str, Any]:
    """An error without particulars, as the owner of the path writes it."""
    match provider_of(path):
        case "podero":
            return {"detail": message}
        case "nox":
            return {"error": message} if path.startswith("/nox/") else {"message": message}
        case "telematica":
            return {"message": message, "error": "INTERNAL_ERROR", "statusCode": status}
        case _:
            return {"error": "server_error", "error_description": message}


@dataclass(frozen=True, slots=True)
class Visit:
    """One call, between its coming and its answer."""

    provider: str
    traffic: Traffic
    strike: Strike


class ApiDoor:
    """Stands in front of every API of the sandbox."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state

    def install(self, app: Flask) -> None:
        app.before_request(self._let_in)
        app.after_request(self._let_out)
        app.teardown_request(self._forget)
        app.register_error_handler(RefusalError, _refused)
        app.register_error_handler(HTTPException, _http_error)

    def _let_in(self) -> Response | None:
        provider = provider_of(request.path)
        if provider is None:
            return None
        with self.state.lock:
            visit = Visit(provider, self.state.traffic[provider], self.state.faults[provider].strike(request.path))
            visit.traffic.enter()
        g.visit = visit
        return None if visit.strike.carry_out_first else self._suffer(visit.strike)

    def _let_out(self, response: Response) -> Response:
        visit: Visit | None = g.get("visit")
        if visit is None:
            return response
        struck = self._suffer(visit.strike) if visit.strike.carry_out_first else None
        answer = struck or response
        with self.state.lock:
            self.state.calls[visit.provider].append(_call_view(self.state.now(), answer.status_code))
        return answer

    def _forget(self, error: BaseException | None) -> None:
        """The last of a call, before its answer is on the wire, so that who has the answer is not counted."""
        del error
        visit: Visit | None = g.pop("visit", None)
        if visit is not None:
            with self.state.lock:
                visit.traffic.leave()

    def _suffer(self, strike: Strike) -> Response | None:
        if strike.delay:
            time.sleep(strike.delay)
        if strike.status is None:
            return None
        answer = _answer(strike.status, "Simulated failure")
        if strike.status in (429, 503):
            answer.headers.update(retry_after_header(strike.retry_after, self.state.now()))
        return answer


def json_body() -> object:
    """The JSON that was sent; None where there is none or it is not JSON."""
    body: object = request.get_json(silent=True)
    return body


def _refused(refusal: RefusalError) -> Response:
    response = jsonify(refusal.body)
    response.status_code = refusal.status
    return response


def _http_error(error: HTTPException) -> Response | HTTPException:
    provider = provider_of(request.path)
    if provider == "oidc":
        return error
    if provider is None:
        return Response(f"{error.code} {error.name}\n", status=error.code, mimetype="text/plain")
    return _answer(error.code or 500, error.name)


def _answer(status: int, message: str) -> Response:
    response = jsonify(error_body(request.path, status, message))
    response.status_code = status
    return response


def _call_view(now: float, status: int) -> dict[str, Any]:
    query = [(name, "…" if name in SECRET_PARAMETERS else value) for name, value in request.args.items(multi=True)]
    return {
        "at": iso(now),
        "method": request.method,
        "path": request.path,
        "query": urlencode(query),
        "status": status,
        "body": None if "token" in request.path else _sent_json(),
    }


def _sent_json() -> object:
    try:
        return json.loads(request.get_data() or b"null")
    except ValueError:
        return None
