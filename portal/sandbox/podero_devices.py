"""Podero's devices: the four lists, signing in again, cues; and what its Connect UI does with a session."""

import secrets
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request

from portal.sandbox.api_door import RefusalError
from portal.sandbox.brands import PODERO
from portal.sandbox.podero import KINDS, LANGUAGES, SEGMENTS, connect_url, open_session
from portal.sandbox.podero_wire import (
    AuthSessionInput,
    CueStateInput,
    ResolveInput,
    find_user,
    not_found,
    read_body,
    require_org,
    require_token,
    require_uuid,
)
from portal.sandbox.state import LinkedDevice, LinkSession, SandboxState, iso
from portal.sandbox.vendor_accounts import Kind, VendorDevice

CUE_LIFE = 3600
SILENCE = 2 * 24 * 3600
MODEL_TYPES = {
    "hp": ("hp_atw", "Heat pump"),
    "ev": ("ev", "Electric vehicle"),
    "iv": ("iv", "Solar inverter"),
    "wb": ("wb", "Wallbox"),
}


class PoderoDevices:
    """Device endpoints, and the provider's side of its Connect UI."""

    key = "podero"
    name = "Podero"
    links_several = False

    def __init__(self, state: SandboxState) -> None:
        self.state = state

    def blueprint(self) -> Blueprint:
        routes = Blueprint("podero_devices", __name__, url_prefix="/podero/api/partners/v2.0")
        segments = ",".join(f"'{segment}'" for segment in SEGMENTS.values())
        devices = f"/org/<org_id>/users/<user_id>/<any({segments}):segment>"
        routes.add_url_rule(devices, view_func=self.list_devices)
        routes.add_url_rule(f"{devices}/<device_id>", view_func=self.read_device)
        routes.add_url_rule(f"{devices}/<device_id>", view_func=self.delete_device, methods=["DELETE"])
        routes.add_url_rule(f"{devices}/<device_id>/auth_session", view_func=self.auth_session, methods=["POST"])
        routes.add_url_rule("/cues/<cue_id>/resolve", view_func=self.resolve_cue, methods=["POST"])
        routes.add_url_rule("/cues/<cue_id>/state", view_func=self.report_cue, methods=["POST"])
        return routes

    def list_devices(self, org_id: str, user_id: str, segment: str) -> Response:
        require_org(self.state, org_id)
        with self.state.lock:
            user = find_user(self.state, user_id)
            with_deleted = request.args.get("include_deleted") == "true"
            full = self.state.variant("podero", "lists_have_actions") == "yes"
            rows = [
                self._row(device, with_actions=full)
                for device in self.state.owned("podero", user.id, removed=with_deleted)
                if SEGMENTS[device.device_type] == segment
            ]
        return jsonify(rows)

    def read_device(self, org_id: str, user_id: str, segment: str, device_id: str) -> Response:
        require_org(self.state, org_id)
        with self.state.lock:
            with_deleted = request.args.get("include_deleted") == "true"
            device = self._find(user_id, segment, device_id, removed=with_deleted)
            return jsonify(self._row(device, with_actions=True))

    def delete_device(self, org_id: str, user_id: str, segment: str, device_id: str) -> Response:
        require_org(self.state, org_id)
        if self.state.variant("podero", "delete_supported") != "yes":
            raise RefusalError(405, {"detail": "Method not allowed"})
        with self.state.lock:
            self.state.change(self._find(user_id, segment, device_id), removed=True)
        return Response(status=204)

    def auth_session(self, org_id: str, user_id: str, segment: str, device_id: str) -> Response:
        require_org(self.state, org_id)
        if segment == "heat-pumps" and self.state.variant("podero", "heat_pump_auth_session") == "404":
            raise not_found()
        sent = read_body(AuthSessionInput)
        with self.state.lock:
            device = self._find(user_id, segment, device_id)
            if self.state.variant("podero", "auth_session_url") == "null":
                return jsonify(authentication_url=None, device_id=None, session_id=None)
            link = self._reopen(device, sent.success_url, sent.cancel_url, "")
        return jsonify(authentication_url=connect_url(self.state, link), device_id=device.id, session_id=link.token)

    def resolve_cue(self, cue_id: str) -> Response:
        require_token(self.state)
        sent = read_body(ResolveInput)
        language = (sent.language or "").partition("-")[0].lower()
        with self.state.lock:
            device = self._cue_device(cue_id)
            link = self._reopen(device, sent.success_url, sent.cancel_url, language if language in LANGUAGES else "en")
        return jsonify(redirect_url=connect_url(self.state, link))

    def report_cue(self, cue_id: str) -> Response:
        sent = read_body(CueStateInput)
        with self.state.lock:
            self._cue_device(cue_id)
            if sent.state == "success":
                del self.state.cues[cue_id]
        return jsonify(action_id=cue_id)

    def find(self, token: str) -> LinkSession | None:
        link = self.state.links.get(token)
        return link if link is not None and link.provider == "podero" else None

    def device_types(self) -> dict[str, Kind]:
        return KINDS

    def vendors(self, link: LinkSession) -> dict[str, str]:
        return PODERO[link.device_type or ""]

    def finish(self, link: LinkSession, chosen: tuple[VendorDevice, ...]) -> str | None:
        device = self._adopt(link, chosen[0])
        link.details["object_id"] = device.id
        if link.success_url is None or self.state.variant("podero", "return_device_id") == "no":
            return link.success_url
        joint = "&" if "?" in link.success_url else "?"
        return f"{link.success_url}{joint}{urlencode({'deviceId': device.id})}"

    def cancel(self, link: LinkSession) -> str | None:
        return link.cancel_url

    def settled(self, link: LinkSession) -> None:
        """Nobody is told: the portal asks."""

    def changed(self, device: LinkedDevice) -> None:
        """Nothing is pushed: whoever asks sees it."""
        for cue_id in [cue for cue, (device_id, _, _) in self.state.cues.items() if device_id == device.id]:
            del self.state.cues[cue_id]

    def _adopt(self, link: LinkSession, physical: VendorDevice) -> LinkedDevice:
        device = self.state.linked("podero", link.owner, physical)
        if device is None:
            new_id = str(uuid4())
            device = self.state.add_device("podero", link.owner, link.device_type or "", physical, new_id)
            device.details["price_zone"] = link.details.get("price_zone_default")
            device.details["smart"] = bool(link.details.get("is_smart_optimization_active_default"))
        self.state.change(device, working=True)
        device.changed_at = self.state.now()
        self.changed(device)
        return device

    def _reopen(
        self, device: LinkedDevice, success_url: str | None, cancel_url: str | None, language: str
    ) -> LinkSession:
        link = open_session(self.state, device.owner, success_url, cancel_url, language)
        link.device_id = device.id
        link.device_type = device.device_type
        link.vendor = device.physical.vendor
        link.vendor_fixed = True
        return link

    def _find(self, user_id: str, segment: str, device_id: str, *, removed: bool = False) -> LinkedDevice:
        require_uuid("device_id", device_id)
        user = find_user(self.state, user_id)
        for device in self.state.owned("podero", user.id, removed=removed):
            if device.id == device_id and SEGMENTS[device.device_type] == segment:
                return device
        raise not_found()

    def _cue_device(self, cue_id: str) -> LinkedDevice:
        device_id, secret, good_until = self.state.cues.get(cue_id, ("", "", 0))
        given = request.args.get("secret", "")
        if not secret or not secrets.compare_digest(given.encode(), secret.encode()) or self.state.now() >= good_until:
            raise not_found()
        for device in self.state.devices:
            if device.id == device_id and device.removed_at is None:
                return device
        raise not_found()

    def _actions(self, device: LinkedDevice) -> list[dict[str, Any]]:
        now = self.state.now()
        if device.seems_working(now) or self.state.variant("podero", "reauth_signal") != "actions":
            return self._other_actions(device)
        held = [
            (cue_id, secret)
            for cue_id, (device_id, secret, good_until) in self.state.cues.items()
            if device_id == device.id and good_until > now + CUE_LIFE / 2
        ]
        cue_id, secret = held[0] if held else (str(uuid4()), secrets.token_urlsafe(24))
        self.state.cues.setdefault(cue_id, (device.id, secret, now + CUE_LIFE))
        url = f"{self.state.config.podero_base_url}/cues/{cue_id}/resolve?{urlencode({'secret': secret})}"
        return [{"code": "reauthenticate", "resolution_link": {"url": url, "required_parameters": ["successUrl"]}}]

    def _other_actions(self, device: LinkedDevice) -> list[dict[str, Any]]:
        """What is open at a device that works: nothing that a sign-in would end."""
        code = self.state.variant("podero", "other_action")
        is_open = code != "none" and device.seems_working(self.state.now())
        return [{"code": code, "resolution_link": {"url": None, "required_parameters": []}}] if is_open else []

    def _row(self, device: LinkedDevice, *, with_actions: bool) -> dict[str, Any]:
        now = self.state.now()
        works, gone = device.seems_working(now), device.seems_removed(now)
        signal = "" if works else self.state.variant("podero", "reauth_signal")
        heard = now - SILENCE if device.silent else now if works else device.changed_at
        short, long = MODEL_TYPES[device.device_type]
        vendor = PODERO[device.device_type][device.physical.vendor]
        row = {
            "id": device.id,
            "external_device_id": device.physical.serial,
            "comment": device.physical.nickname,
            "device_model": {
                "device_type": {"short_name": short, "long_name": long},
                "manufacturer": "Nibe" if vendor == "NIBE" else vendor,
                "model": device.physical.model,
                "year": None,
                "cloud_service": f"{vendor} cloud",
            },
            "owner": {"id": device.owner},
            "created_at": iso(device.created_at),
            "updated_at": iso(device.changed_at),
            "deleted_at": iso(device.removed_at) if gone and device.removed_at is not None else None,
            "price_zone": device.details.get("price_zone"),
            "connection_status": "error" if signal == "connection_status" else "ok",
            "monitoring_status": "ok",
            "steering_status": "unknown",
            "is_authenticated": signal not in ("actions", "is_authenticated"),
            "lifecycle_state": "error" if signal == "lifecycle" else "authenticated",
            "lifecycle_error": "authentication_failed" if signal == "lifecycle" else "",
            "action_needed": signal in ("actions", "action_needed") or bool(self._other_actions(device)),
            "authorization_url": None,
            "is_smart_optimization_active": device.details.get("smart", False),
            "current_state_last_updated_at": iso(heard),
        }
        return {**row, "actions": self._actions(device)} if with_actions else row
