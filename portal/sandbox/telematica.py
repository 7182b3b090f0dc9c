"""Telematica: auth sessions, the revocation of access, and its side of the consent pages."""

import hashlib
import re
import secrets
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, request

from portal.sandbox.api_door import RefusalError, json_body
from portal.sandbox.brands import TELEMATICA
from portal.sandbox.state import LinkedDevice, LinkSession, ProviderUser, SandboxState, new_token
from portal.sandbox.telematica_events import TelematicaEvents
from portal.sandbox.telematica_state import device_state
from portal.sandbox.vendor_accounts import Kind, VendorDevice

LINK_LIFE = 600
SIMULATOR = "SIMULATOR"
DEVICE_ID = re.compile(r"[0-9a-f]{24}")
KINDS = {kind.value: kind for kind in (Kind.VEHICLE, Kind.CHARGER, Kind.HVAC, Kind.INVERTER, Kind.BATTERY)}


class Telematica:
    """The API, and the provider's side of its Connect UI."""

    key = "telematica"
    name = "Telematica"
    links_several = True

    def __init__(self, state: SandboxState, events: TelematicaEvents) -> None:
        self.state = state
        self.events = events

    def blueprint(self) -> Blueprint:
        routes = Blueprint("telematica", __name__, url_prefix="/telematica/v1")
        routes.add_url_rule("/auth-sessions", view_func=self.create_session, methods=["POST"])
        routes.add_url_rule("/devices/<device_id>/revoke", view_func=self.revoke, methods=["POST"])
        routes.add_url_rule("/devices/<device_id>/state", view_func=self.read_state)
        return routes

    def create_session(self) -> Response:
        self._require_token()
        sent = self._valid_session_request(json_body())
        redirect_url = sent.get("redirectUrl") or self._registered_redirect()
        with self.state.lock:
            now = self.state.now()
            self._remember_user(sent["userId"])
            link = LinkSession(
                token=new_token(),
                provider="telematica",
                owner=sent["userId"],
                language="en",
                success_url=redirect_url,
                cancel_url=redirect_url,
                created_at=now,
                expires_at=now + LINK_LIFE,
                device_type=sent.get("deviceType", "vehicle"),
                vendor=sent.get("brand"),
                vendor_fixed=bool(sent.get("brand")),
                details={"sent": sent},
            )
            self.state.open_link(link)
        url = f"{self.state.config.url}/telematica/connect?{urlencode({'session': link.token})}"
        response = jsonify({self.state.variant("telematica", "session_key"): url})
        response.status_code = int(self.state.variant("telematica", "session_status"))
        return response

    def revoke(self, device_id: str) -> Response:
        """Without a user or a site, everybody's access to the device ends."""
        self._require_token()
        sent = json_body()
        if not DEVICE_ID.fullmatch(device_id):
            raise _refusal("INVALID_REQUEST", "deviceId is malformed")
        if not isinstance(sent, dict) or sent.get("deviceType") not in KINDS:
            raise _refusal("INVALID_REQUEST", "deviceType must be one of: " + ", ".join(KINDS))
        with self.state.lock:
            ended = [
                device
                for device in self._current(device_id)
                if device.device_type == sent["deviceType"]
                and sent.get("userId", device.owner) == device.owner
                and sent.get("siteId", device.details.get("siteId")) == device.details.get("siteId")
            ]
            if not ended:
                raise _refusal("NOT_FOUND", "Device not found")
            if self.state.variant("telematica", "revoke_lapsed") == "refused" and any(
                not device.working for device in ended
            ):
                raise _refusal("RELOGIN_REQUIRED", "The user must sign in again")
            for device in ended:
                self.state.change(device, removed=True)
                self._tell_disconnected(device)
        return jsonify(message="Access revoked")

    def read_state(self, device_id: str) -> Response:
        """A car's state, or the data of another device; what is wrong with that one is an error."""
        self._require_token()
        if not DEVICE_ID.fullmatch(device_id):
            raise _refusal("INVALID_REQUEST", "deviceId is malformed")
        with self.state.lock:
            user = request.args.get("userId")
            held = [device for device in self._current(device_id) if user in (None, device.owner)]
            if not held:
                raise _refusal("NOT_FOUND", "Device not found")
            works = held[0].seems_working(self.state.now())
            return jsonify(device_state(self.state, held[0].device_type, works=works))

    def find(self, token: str) -> LinkSession | None:
        link = self.state.links.get(token)
        return link if link is not None and link.provider == "telematica" else None

    def device_types(self) -> dict[str, Kind]:
        return KINDS

    def vendors(self, link: LinkSession) -> dict[str, str]:
        sent = link.details["sent"]
        shown = sent.get("brandSubset") or TELEMATICA[sent.get("region", "EU")][link.device_type or ""]
        hidden = {*sent.get("excludeBrands", ())}
        if sent.get("showSimulator") is not True:
            hidden.add(SIMULATOR)
        return {brand: brand for brand in shown if brand not in hidden}

    def finish(self, link: LinkSession, chosen: tuple[VendorDevice, ...]) -> str | None:
        linked = [self._adopt(link, physical) for physical in chosen]
        link.details["linked"] = linked
        ids = ",".join(device.id for device in linked)
        return f"{link.success_url}?{urlencode({'devices': ids, 'deviceType': link.device_type})}"

    def settled(self, link: LinkSession) -> None:
        """The event of a finished link; called without the lock, for the portal may call back."""
        self._tell_connected(link.owner, link.details["linked"], link.details["sent"], at_return=True)

    def cancel(self, link: LinkSession) -> str | None:
        return link.cancel_url if self.state.variant("telematica", "cancel_form") == "bare" else None

    def changed(self, device: LinkedDevice) -> None:
        """An event goes out for a device that broke, was repaired or was removed at the vendor."""
        if device.working and device.removed_at is None:
            self._tell_connected(device.owner, [device], {})
        else:
            self._tell_disconnected(device)

    def _adopt(self, link: LinkSession, physical: VendorDevice) -> LinkedDevice:
        device = self.state.linked("telematica", link.owner, physical)
        renewed = self.state.variant("telematica", "id_on_relink") == "new"
        if device is not None and renewed:
            self.state.devices.remove(device)
        if device is None or renewed:
            known = hashlib.sha256(physical.serial.encode()).hexdigest()[:24]
            new_id = known if device is None else secrets.token_hex(12)
            device = self.state.add_device("telematica", link.owner, link.device_type or "", physical, new_id)
        self.state.change(device, working=True)
        device.details["siteId"] = link.details["sent"].get("siteId")
        return device

    def _current(self, device_id: str) -> list[LinkedDevice]:
        return [
            device
            for device in self.state.devices
            if device.provider == "telematica" and device.id == device_id and device.removed_at is None
        ]

    def _tell_connected(
        self, owner: str, devices: list[LinkedDevice], sent: dict[str, Any], *, at_return: bool = False
    ) -> None:
        rows = [_event_row(device) for device in devices]
        payload: dict[str, Any] = {"type": "user.devices-connected", "user": owner, "devices": rows}
        if "metadata" in sent and self.state.variant("telematica", "metadata_place") == "nested":
            for row in rows:
                row["metadata"] = sent["metadata"]
        elif "metadata" in sent:
            payload["metadata"] = sent["metadata"]
        payload |= {name: sent[name] for name in ("siteId", "siteName") if name in sent}
        if devices[0].device_type == "vehicle":
            payload["vehicles"] = [row["deviceId"] for row in rows]
        self.events.send(payload, at_return=at_return)

    def _tell_disconnected(self, device: LinkedDevice) -> None:
        payload = {"type": "user.devices-disconnected", "user": device.owner, "devices": [device.id]}
        self.events.send(payload)

    def _remember_user(self, user_id: str) -> None:
        if not any(user.provider == "telematica" and user.id == user_id for user in self.state.users):
            user = ProviderUser(user_id, "telematica", user_id, joined_at=self.state.now())
            self.state.users.append(user)

    def _registered_redirect(self) -> str:
        return f"{self.state.portal_url}/return/telematica"

    def _require_token(self) -> None:
        given = request.headers.get("Authorization", "")
        expected = f"Bearer {self.state.config.telematica_api_token}"
        if not secrets.compare_digest(given.encode(), expected.encode()):
            raise RefusalError(401, {"message": "Unauthorized", "statusCode": 401})

    def _valid_session_request(self, sent: object) -> dict[str, Any]:
        if not isinstance(sent, dict):
            raise _refusal("INVALID_REQUEST", "The body must be a JSON object")
        if not isinstance(sent.get("userId"), str) or not sent["userId"]:
            raise _refusal("INVALID_REQUEST", "userId should not be empty")
        _check_types(sent)
        region, device_type = sent.get("region", "EU"), sent.get("deviceType", "vehicle")
        if region not in TELEMATICA:
            raise _refusal("INVALID_REQUEST", "region must be one of: EU, US")
        if device_type not in KINDS:
            raise _refusal("INVALID_REQUEST", "deviceType must be one of: " + ", ".join(KINDS))
        named = [*sent.get("brandSubset", ()), *sent.get("excludeBrands", ())]
        named += [sent["brand"]] if "brand" in sent else []
        unknown = [brand for brand in named if brand not in TELEMATICA[region][device_type]]
        if unknown:
            raise _refusal("INVALID_REQUEST", f"brand {unknown[0]} is not available for {device_type} in {region}")
        if sent.get("redirectUrl", self._registered_redirect()) != self._registered_redirect():
            raise _refusal("INVALID_REQUEST", "redirectUrl is not registered for this app")
        return sent


def _check_types(sent: dict[str, Any]) -> None:
    texts = ("siteId", "siteName", "callbackEnv", "region", "redirectUrl", "brand", "deviceType")
    wrong = [name for name in texts if name in sent and not isinstance(sent[name], str)]
    wrong += [
        name
        for name in ("brandSubset", "excludeBrands")
        if name in sent and not (isinstance(sent[name], list) and all(isinstance(brand, str) for brand in sent[name]))
    ]
    if not isinstance(sent.get("metadata", {}), dict):
        wrong.append("metadata")
    if not isinstance(sent.get("showSimulator", False), bool):
        wrong.append("showSimulator")
    if wrong:
        raise _refusal("INVALID_REQUEST", f"{wrong[0]} has the wrong type")
    if sent.get("callbackEnv", "prod") not in ("dev", "stage", "prod"):
        raise _refusal("INVALID_REQUEST", "callbackEnv must be one of: dev, stage, prod")


def _event_row(device: LinkedDevice) -> dict[str, Any]:
    row: dict[str, Any] = {
        "deviceId": device.id,
        "deviceType": device.device_type,
        "clientUserId": device.owner,
        "make": device.physical.vendor.title(),
        "model": device.physical.model,
        "nickname": device.physical.nickname,
        "country": "NL",
    }
    if device.device_type == "vehicle":
        row |= {
            "year": 2024,
            "engineType": "ELECTRIC",
            "vin": f"SANDBOX{device.physical.serial[:10].upper()}",
        }
    return row


def _refusal(code: str, message: str) -> RefusalError:
    action = {"dev": "CHECK_REQUEST", "user": "NONE"}
    return RefusalError(412, {"message": message, "error": code, "statusCode": 412, "action": action})
