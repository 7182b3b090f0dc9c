"""The control page: what the sandbox holds, and how to make the providers misbehave."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.wrappers import Response as AnyResponse

from portal.sandbox.customers import SAMPLE_AGENTS
from portal.sandbox.snapshot import snapshot
from portal.sandbox.state import FAULTY, PROVIDERS, LinkedDevice, SandboxState
from portal.sandbox.variants import VARIANTS, UnknownVariantError

FORM = "application/x-www-form-urlencoded"
CALLS_SHOWN = 30


class ChangeListener(Protocol):
    """A provider, told of what the control page does to its devices."""

    def changed(self, device: LinkedDevice) -> None: ...


class Accounts(Protocol):
    """The staff's accounts, of which the control page may sign out or switch off one."""

    def act(self, username: str, action: str) -> int | str | None: ...


class FaultsInput(BaseModel):
    """How a provider shall misbehave from now on; what is left out stays."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    delay: float = Field(default=0, ge=0, le=120)
    fail_count: int = Field(default=0, ge=0, le=100000)
    fail_status: int = Field(default=503, ge=300, le=599)
    path_contains: str = Field(default="", max_length=200)
    carry_out_first: bool = False
    retry_after: str = Field(default="1", pattern=r"^(none|date|[0-9]{1,9})$")
    lag: float = Field(default=0, ge=0, le=3600)
    stale: float = Field(default=0, ge=0, le=3600)


class Control:
    """The page at `/`, the calls under `/control`; a form is answered with the page, all else with JSON."""

    def __init__(self, state: SandboxState, listeners: Mapping[str, ChangeListener], accounts: Accounts) -> None:
        self.state = state
        self.listeners = listeners
        self.accounts = accounts

    def blueprint(self) -> Blueprint:
        routes = Blueprint("control", __name__)
        routes.add_url_rule("/", view_func=self.page)
        routes.add_url_rule("/control/state", view_func=self.show_state)
        actions = "'break','repair','silence','remove'"
        calls: dict[str, Callable[..., AnyResponse]] = {
            "/control/reset": self.reset,
            "/control/variants/<provider>": self.choose_variants,
            "/control/faults/<provider>": self.set_faults,
            "/control/expire/<provider>": self.expire,
            "/control/expire-tokens/podero": self.expire_tokens,
            "/control/users/<provider>/<external_id>/delete": self.delete_user,
            "/control/staff/<username>/<any('sign-out','switch-off','switch-on'):action>": self.change_account,
            f"/control/devices/<provider>/<device_id>/<any({actions}):action>": self.change_device,
        }
        for path, view in calls.items():
            routes.add_url_rule(path, view_func=view, methods=["POST"])
        return routes

    def page(self) -> str:
        return render_template(
            "control.html",
            language="en",
            snapshot=snapshot(self.state),
            all_variants=VARIANTS,
            calls_shown=CALLS_SHOWN,
        )

    def show_state(self) -> Response:
        return jsonify(snapshot(self.state))

    def reset(self) -> AnyResponse:
        self.state.reset()
        return self._done()

    def choose_variants(self, provider: str) -> AnyResponse:
        _require(provider in FAULTY)
        try:
            self.state.choose_variants(provider, {name: str(value) for name, value in self._sent().items()})
        except UnknownVariantError as error:
            return _invalid(str(error))
        return self._done(variants=self.state.variants[provider])

    def set_faults(self, provider: str) -> AnyResponse:
        _require(provider in FAULTY)
        try:
            wanted = FaultsInput.model_validate(self._sent())
        except ValidationError as error:
            return _invalid("; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors()))
        self.state.set_faults(provider, wanted.model_dump(exclude_unset=True))
        return self._done()

    def expire(self, provider: str) -> AnyResponse:
        _require(provider in PROVIDERS)
        return self._done(expired=self.state.expire_links(provider))

    def expire_tokens(self) -> AnyResponse:
        with self.state.lock:
            self.state.tokens.clear()
        return self._done()

    def change_device(self, provider: str, device_id: str, action: str) -> AnyResponse:
        """Acts on every link to this device, for access to it lapses for everybody."""
        with self.state.lock:
            devices = [
                device
                for device in self.state.devices
                if device.provider == provider and device.id == device_id and device.removed_at is None
            ]
            _require(bool(devices))
            for device in devices:
                self._act(device, action)
        return self._done()

    def change_account(self, username: str, action: str) -> AnyResponse:
        """Signs one of the staff out, or switches the account off or on; the portal is told before the answer is."""
        _require(username in SAMPLE_AGENTS)
        return self._done(told=self.accounts.act(username, action))

    def delete_user(self, provider: str, external_id: str) -> AnyResponse:
        """The provider forgets the customer whom the portal knows by this id, and tells nobody."""
        with self.state.lock:
            known = [u for u in self.state.users if (u.provider, u.external_id) == (provider, external_id)]
            _require(bool(known))
            self.state.remove_user(known[0])
        return self._done()

    def _act(self, device: LinkedDevice, action: str) -> None:
        if action == "silence":
            device.silent = True
            return
        if action == "remove":
            self.state.change(device, removed=True)
        else:
            device.silent = False
            self.state.change(device, working=action == "repair")
        self.listeners[device.provider].changed(device)

    def _sent(self) -> dict[str, Any]:
        if request.mimetype == FORM:
            return {name: value for name, value in request.form.items() if name != "from"}
        sent = request.get_json(silent=True)
        return sent if isinstance(sent, dict) else {"body": "must be a JSON object"}

    def _done(self, **told: Any) -> AnyResponse:
        if request.mimetype == FORM:
            return redirect(url_for("control.page"), 303)
        return jsonify(done=True, **told)


def _require(known: bool) -> None:
    if not known:
        abort(404)


def _invalid(message: str) -> Response:
    response = jsonify(error=message)
    response.status_code = 400
    return response
