"""Podero's Partner API v2.0: tokens, users and onboarding sessions."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request

from portal.sandbox.api_door import RefusalError, json_body
from portal.sandbox.podero_wire import (
    OnboardingInput,
    UserChange,
    UserInput,
    find_user,
    not_found,
    read_body,
    require_org,
    require_token,
)
from portal.sandbox.state import LinkSession, ProviderUser, SandboxState, iso, new_token
from portal.sandbox.vendor_accounts import Kind

TOKEN_LIFE = 36000
LANGUAGES = ("en", "sv", "de", "hu", "it", "et", "pl", "ro")
KINDS = {"hp": Kind.HEAT_PUMP, "ev": Kind.VEHICLE, "iv": Kind.INVERTER, "wb": Kind.CHARGER}
SEGMENTS = {"hp": "heat-pumps", "ev": "electric-vehicles", "iv": "inverters", "wb": "wallboxes"}


class PoderoApi:
    """The part of the API that concerns the organisation and its users; devices are next door."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state

    def blueprint(self) -> Blueprint:
        routes = Blueprint("podero", __name__, url_prefix="/podero/api/partners/v2.0")
        routes.add_url_rule("/auth/token", view_func=self.issue_token, methods=["POST"])
        routes.add_url_rule("/device-onboarding", view_func=self.open_onboarding, methods=["POST"])
        routes.add_url_rule("/device-onboarding/<session_id>", view_func=self.read_onboarding)
        users = "/org/<org_id>/users"
        routes.add_url_rule(users, view_func=self.list_users)
        routes.add_url_rule(users, view_func=self.create_user, methods=["POST"])
        routes.add_url_rule(f"{users}/by-ext-id/<external_id>", view_func=self.user_by_external_id)
        routes.add_url_rule(f"{users}/<user_id>", view_func=self.read_user)
        routes.add_url_rule(f"{users}/<user_id>", view_func=self.change_user, methods=["PUT"])
        routes.add_url_rule(f"{users}/<user_id>", view_func=self.delete_user, methods=["DELETE"])
        return routes

    def issue_token(self) -> Response:
        config = self.state.config
        expected = base64.b64encode(f"{config.podero_client_id}:{config.podero_client_secret}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            raise RefusalError(401, {"error": "invalid_client"})
        wanted_type = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
        if request.mimetype != wanted_type[self.state.variant("podero", "token_body")]:
            raise RefusalError(415, {"detail": "Unsupported Media Type"})
        sent = json_body() if request.mimetype == "application/json" else request.form
        if not isinstance(sent, dict) or sent.get("grant_type") != "client_credentials":
            raise RefusalError(400, {"error": "unsupported_grant_type"})
        token = new_token()
        with self.state.lock:
            self.state.tokens[token] = self.state.now() + TOKEN_LIFE
        return jsonify(access_token=token, expires_in=TOKEN_LIFE, token_type="Bearer", scope="read write")

    def open_onboarding(self) -> Response:
        require_token(self.state)
        sent = read_body(OnboardingInput)
        with self.state.lock:
            user = self._customer(str(sent.user_id))
            details = sent.model_dump(mode="json", exclude={"success_url", "cancel_url", "user_id", "language"})
            link = open_session(self.state, user.id, sent.success_url, sent.cancel_url, sent.language)
            link.device_type = sent.skip_to
            link.details = {**details, "object_id": None}
        return jsonify(self._onboarding_view(link))

    def read_onboarding(self, session_id: str) -> Response:
        require_token(self.state)
        with self.state.lock:
            link = self.state.links.get(session_id)
            if link is None or link.provider != "podero" or link.device_id is not None:
                raise not_found()
            return jsonify(self._onboarding_view(link))

    def list_users(self, org_id: str) -> Response:
        require_org(self.state, org_id)
        with self.state.lock:
            return jsonify([self._user_view(user) for user in self.state.users if user.provider == "podero"])

    def create_user(self, org_id: str) -> Response:
        require_org(self.state, org_id)
        sent = read_body(UserInput)
        with self.state.lock:
            self._refuse_duplicate(sent.email, sent.external_user_id)
            user = ProviderUser(
                id=str(uuid4()),
                provider="podero",
                external_id=sent.external_user_id,
                email=sent.email,
                role=sent.role,
                joined_at=self.state.now(),
            )
            self.state.users.append(user)
            response = jsonify(self._user_view(user))
        response.status_code = int(self.state.variant("podero", "create_status"))
        return response

    def user_by_external_id(self, org_id: str, external_id: str) -> Response:
        require_org(self.state, org_id)
        with self.state.lock:
            for user in self.state.users:
                if user.provider == "podero" and user.external_id == external_id:
                    return jsonify(self._user_view(user))
        raise not_found()

    def read_user(self, org_id: str, user_id: str) -> Response:
        require_org(self.state, org_id)
        with self.state.lock:
            return jsonify(self._user_view(find_user(self.state, user_id)))

    def change_user(self, org_id: str, user_id: str) -> Response:
        require_org(self.state, org_id)
        sent = read_body(UserChange)
        with self.state.lock:
            user = find_user(self.state, user_id)
            if "email" in sent.model_fields_set:
                user.email = sent.email
            if "external_user_id" in sent.model_fields_set:
                user.external_id = sent.external_user_id
            return jsonify(self._user_view(user))

    def delete_user(self, org_id: str, user_id: str) -> Response:
        require_org(self.state, org_id)
        with self.state.lock:
            user = find_user(self.state, user_id)
            self.state.remove_user(user)
        return Response(status=204)

    def _customer(self, user_id: str) -> ProviderUser:
        """The user a body names; an unknown one may be as wrong a body as any other."""
        for user in self.state.users:
            if user.provider == "podero" and user.id == user_id:
                return user
        status = int(self.state.variant("podero", "unknown_user_status"))
        detail = [{"type": "value_error", "loc": ["body", "payload", "user_id"], "msg": "Unknown user"}]
        raise RefusalError(status, {"detail": detail if status == 422 else "Not Found"})

    def _refuse_duplicate(self, email: str, external_id: str | None) -> None:
        former = self.state.former_users if self.state.variant("podero", "deleted_user_ids") == "taken" else []
        known = [user for user in (*self.state.users, *former) if user.provider == "podero"]
        same_email = any((user.email or "").lower() == email.lower() for user in known)
        same_id = external_id is not None and any(user.external_id == external_id for user in known)
        if same_email or same_id:
            field = "email" if same_email else "external_user_id"
            status = int(self.state.variant("podero", "conflict_status"))
            message = f"A user with this {field} already exists."
            detail = [{"type": "value_error", "loc": ["body", field], "msg": message}]
            raise RefusalError(status, {"detail": detail if status == 422 else message})

    def _onboarding_view(self, link: LinkSession) -> dict[str, Any]:
        return {
            "authentication_url": connect_url(self.state, link),
            "id": link.token,
            "user": link.owner,
            "success_url": link.success_url,
            "cancel_url": link.cancel_url,
            "language": link.language,
            "expiration_date": (datetime.fromtimestamp(link.created_at, UTC) + timedelta(days=1)).date().isoformat(),
            **link.details,
        }

    def _user_view(self, user: ProviderUser) -> dict[str, Any]:
        devices = self.state.owned("podero", user.id)
        counts = {short: sum(device.device_type == short for device in devices) for short in SEGMENTS}
        empty = (
            "first_name",
            "last_name",
            "street_and_number",
            "street_add_info",
            "zip_code",
            "town",
            "country",
        )
        return {
            "id": user.id,
            "organization_id": self.state.config.podero_org_id,
            "external_user_id": user.external_id,
            "role": user.role,
            "email": user.email,
            "num_inverters": counts["iv"],
            "num_heat_pumps": counts["hp"],
            "num_electric_vehicles": counts["ev"],
            "num_wallboxes": counts["wb"],
            "is_onboarded": bool(devices),
            **dict.fromkeys(empty),
            "latitude": None,
            "longitude": None,
            "last_login": None,
            "joined_at": iso(user.joined_at),
        }


def open_session(
    state: SandboxState, owner: str, success_url: str | None, cancel_url: str | None, language: str
) -> LinkSession:
    """A session for Connect UI, open until the end of the next day."""
    now = datetime.fromtimestamp(state.now(), UTC)
    end = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=2)
    link = LinkSession(
        token=str(uuid4()),
        provider="podero",
        owner=owner,
        language=language,
        success_url=success_url,
        cancel_url=cancel_url,
        created_at=now.timestamp(),
        expires_at=end.timestamp(),
    )
    return state.open_link(link)


def connect_url(state: SandboxState, link: LinkSession) -> str:
    return f"{state.config.url}/podero/connect?onboarding_session_id={link.token}"
