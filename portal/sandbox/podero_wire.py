"""What calls to Podero carry: tokens, ids and bodies, and the refusals of those that carry something else."""

import re
from typing import Any, Literal, TypeVar
from uuid import UUID

from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from portal.sandbox.api_door import RefusalError, json_body
from portal.sandbox.state import ProviderUser, SandboxState

Language = Literal["en", "sv", "de", "hu", "it", "et", "pl", "ro"]
SkipTo = Literal["ev", "iv", "wb", "hp"]
PriceZone = Literal[
    "AT", "AT_HOURLY", "BE", "CH", "EE", "DE_LU", "HU", "IT_CNOR", "IT_CSUD", "IT_NORD", "IT_PUN", "IT_SARD",
    "IT_SICI", "IT_SUD", "PT", "RO", "SE_1", "SE_2", "SE_3", "SE_4", "UK",
]  # fmt: skip


class ApiBody(BaseModel):
    """A request body: unknown keys are ignored, known ones must have their type."""

    model_config = ConfigDict(extra="ignore", strict=True)


class OnboardingInput(ApiBody):
    """What opens an onboarding session."""

    success_url: str = Field(max_length=8000)
    cancel_url: str = Field(max_length=8000)
    user_id: UUID = Field(strict=False)
    language: Language = "en"
    price_zone_default: PriceZone | None = None
    is_smart_optimization_active_default: bool | None = None
    skip_to: SkipTo | None = None
    external_metadata: dict[str, Any] | None = None


class UserInput(ApiBody):
    """What creates a user."""

    role: Literal["admin", "staff", "user", "guest"]
    email: str = Field(pattern=re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$"), max_length=254)
    external_user_id: str | None = Field(default=None, max_length=255)


class UserChange(ApiBody):
    """What may change about a user."""

    email: str | None = Field(default=None, max_length=254)
    external_user_id: str | None = Field(default=None, max_length=255)


class AuthSessionInput(ApiBody):
    """What starts signing in to one device again."""

    success_url: str | None = None
    cancel_url: str | None = None


class ResolveInput(ApiBody):
    """What starts the cure of a cue; camelCase here and nowhere else in this API."""

    model_config = ConfigDict(alias_generator=to_camel)

    success_url: str
    cancel_url: str | None = None
    language: str | None = None
    location: dict[str, Any] | None = None
    client_info: dict[str, Any] | None = None


class CueStateInput(ApiBody):
    """The outcome of a cue, as a partner reports it."""

    state: Literal["success", "fail"]
    payload: dict[str, Any] | None = None


Model = TypeVar("Model", bound=ApiBody)


def require_token(state: SandboxState) -> None:
    """Raises RefusalError unless the call carries a bearer token that is still good."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    with state.lock:
        good_until = state.tokens.get(token, 0) if scheme.lower() == "bearer" else 0
    if state.now() >= good_until:
        raise RefusalError(401, {"detail": "Unauthorized"})


def require_org(state: SandboxState, org_id: str) -> None:
    """Raises RefusalError unless the call is authorised and about our one organisation."""
    require_token(state)
    require_uuid("org_id", org_id)
    if org_id != state.config.podero_org_id:
        raise RefusalError(403, {"detail": "Forbidden"})


def require_uuid(name: str, value: str) -> None:
    try:
        UUID(value)
    except ValueError:
        detail = [{"type": "uuid_parsing", "loc": ["path", name], "msg": "Input should be a valid UUID"}]
        raise RefusalError(422, {"detail": detail}) from None


def find_user(state: SandboxState, user_id: str) -> ProviderUser:
    require_uuid("user_id", user_id)
    for user in state.users:
        if user.provider == "podero" and user.id == user_id:
            return user
    raise not_found()


def not_found() -> RefusalError:
    return RefusalError(404, {"detail": "Not Found"})


def read_body(model: type[Model]) -> Model:
    """The body as the endpoint wants it. Raises RefusalError as Django Ninja words it."""
    if not request.get_data():
        detail = [{"type": "missing", "loc": ["body", "payload"], "msg": "Field required"}]
        raise RefusalError(422, {"detail": detail})
    sent = json_body()
    if sent is None:
        raise RefusalError(400, {"detail": "Cannot parse request body"})
    try:
        return model.model_validate(sent)
    except ValidationError as error:
        faults: list[dict[str, Any]] = [
            {"type": fault["type"], "loc": ("body", "payload", *fault["loc"]), "msg": fault["msg"]}
            for fault in error.errors()
        ]
        raise RefusalError(422, {"detail": faults}) from None
