"""NOX: the Authenticator's link sessions, and the Package API in which the linked devices are read."""

import base64
import json
import re
import secrets
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, jsonify, request

from portal.sandbox.api_door import RefusalError, json_body
from portal.sandbox.brands import NOX
from portal.sandbox.nox_events import NoxEvents
from portal.sandbox.state import LinkedDevice, LinkSession, ProviderUser, SandboxState, new_token
from portal.sandbox.vendor_accounts import Kind, VendorDevice

LINK_LIFE = 600
LANGUAGES = ("nl", "en", "fr", "es")
KINDS = {"hp": Kind.HEAT_PUMP, "pv": Kind.INVERTER}
REQUIRED = ("user_id", "redirect_url", "asset_type")


class Nox:
    """Both hosts of NOX, and its side of the Authenticator UI."""

    key = "nox"
    name = "NOX"
    links_several = True

    def __init__(self, state: SandboxState, events: NoxEvents) -> None:
        self.state = state
        self.events = events

    def blueprint(self) -> Blueprint:
        routes = Blueprint("nox", __name__)
        routes.add_url_rule("/nox/v2/supplier/link-sessions", view_func=self.create_link, methods=["POST"])
        routes.add_url_rule("/v1/devices", view_func=self.list_heat_pumps)
        routes.add_url_rule("/v1/devices/pv", view_func=self.list_inverters)
        return routes

    def create_link(self) -> Response:
        if not self._key_is_right():
            raise RefusalError(401, {"error": "Invalid API key"})
        sent = self._valid_link_request(json_body())
        with self.state.lock:
            now = self.state.now()
            user = self._user(sent["user_id"])
            link = LinkSession(
                token=new_token(),
                provider="nox",
                owner=user.id,
                language=sent.get("language", "nl"),
                success_url=sent["redirect_url"],
                cancel_url=sent["redirect_url"],
                created_at=now,
                expires_at=now + LINK_LIFE,
                device_type=sent["asset_type"],
                vendor=sent.get("brand"),
                vendor_fixed="brand" in sent,
            )
            self.state.open_link(link)
        response = jsonify(self._link_view(link, sent["user_id"]))
        response.status_code = 201
        return response

    def list_heat_pumps(self) -> Response:
        return self._list("hp", filtered=True)

    def list_inverters(self) -> Response:
        return self._list("pv", filtered=self.state.variant("nox", "user_filter_pv") == "yes")

    def find(self, token: str) -> LinkSession | None:
        link = self.state.links.get(token)
        return link if link is not None and link.provider == "nox" else None

    def device_types(self) -> dict[str, Kind]:
        return KINDS

    def vendors(self, link: LinkSession) -> dict[str, str]:
        return NOX[link.device_type or ""]

    def finish(self, link: LinkSession, chosen: tuple[VendorDevice, ...]) -> str | None:
        """What was linked before for this user and asset type is overwritten."""
        asset_type = link.device_type or ""
        self.state.devices = [
            device
            for device in self.state.devices
            if not (device.provider == "nox" and device.owner == link.owner and device.device_type == asset_type)
        ]
        linked = [
            self.state.add_device("nox", link.owner, asset_type, physical, f"nox-{secrets.token_hex(8)}")
            for physical in chosen
        ]
        link.details["linked"] = linked
        user = next(user for user in self.state.users if user.id == link.owner)
        data = {
            "nox_user_id": user.id,
            "supplier_user_id": user.external_id,
            "brand": chosen[0].vendor,
            "device_ids": [device.id for device in linked],
            "connected_at": int(self.state.now()),
        }
        encoded = base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()
        return f"{link.success_url}?{urlencode({'data': encoded})}"

    def cancel(self, link: LinkSession) -> str | None:
        match self.state.variant("nox", "cancel_form"):
            case "bare":
                return link.cancel_url
            case "error":
                told = {"error": "access_denied", "error_description": "The user cancelled the flow"}
                return f"{link.cancel_url}?{urlencode(told)}"
            case _:
                return None

    def settled(self, link: LinkSession) -> None:
        """The events of a finished link, which may be ahead of the lists."""
        self.events.linked(link.details["linked"])

    def changed(self, device: LinkedDevice) -> None:
        """Events go out for a device that broke, was repaired or was removed at the vendor."""
        self.events.changed(device)

    def _key_is_right(self) -> bool:
        given = request.headers.get("x-api-key", "")
        return secrets.compare_digest(given.encode(), self.state.config.nox_api_key.encode())

    def _valid_link_request(self, sent: object) -> dict[str, Any]:
        if not isinstance(sent, dict):
            raise _bad("Request body must be a JSON object")
        missing = [name for name in REQUIRED if not sent.get(name)]
        if missing:
            raise _bad(f"Missing required fields: {', '.join(missing)}")
        if not isinstance(sent["user_id"], str):
            raise _bad("user_id must be a string")
        if sent["asset_type"] not in NOX:
            raise _bad("Invalid asset_type. Must be one of: hp, pv")
        if "language" in sent and sent["language"] not in LANGUAGES:
            raise _bad("Invalid language. Must be one of: nl, en, fr, es")
        if "brand" in sent and sent["brand"] not in NOX[sent["asset_type"]]:
            raise _bad(f"Invalid brand for asset_type {sent['asset_type']}")
        url = sent["redirect_url"]
        if not isinstance(url, str) or not urlsplit(url).scheme:
            raise _bad("redirect_url must be a valid URI")
        if url != f"{self.state.portal_url}/return/nox":
            raise _bad("redirect_url is not among the allowed redirect URLs")
        return sent

    def _user(self, supplier_user_id: str) -> ProviderUser:
        for user in self.state.users:
            if user.provider == "nox" and user.external_id == supplier_user_id:
                return user
        user = ProviderUser(f"nox_user_{secrets.token_hex(8)}", "nox", supplier_user_id, joined_at=self.state.now())
        self.state.users.append(user)
        return user

    def _link_view(self, link: LinkSession, supplier_user_id: str) -> dict[str, Any]:
        query = urlencode({"token": link.token, "language": link.language})
        return {
            "link_url": f"{self.state.config.url}/nox/ui?{query}",
            "link_token": link.token,
            "brand": link.vendor,
            "language": link.language,
            "asset_type": link.device_type,
            "redirect_url": link.success_url,
            "supplier": self.state.config.nox_supplier,
            "supplier_user_id": supplier_user_id,
            "completed_at": None,
            "created_at": int(link.created_at),
            "expires_at": int(link.expires_at),
        }

    def _list(self, asset_type: str, *, filtered: bool) -> Response:
        if not self._key_is_right():
            raise RefusalError(401, {"message": "Unauthorized"})
        limit, start = _page()
        wanted = request.args if filtered else {}
        with self.state.lock:
            now = self.state.now()
            rows = [
                self._row(device)
                for device in self.state.devices
                if device.provider == "nox"
                and device.device_type == asset_type
                and device.listed_from <= now
                and not device.seems_removed(now)
                and wanted.get("user_id", device.owner) == device.owner
                and wanted.get("device_id", device.id) == device.id
            ]
        more = start + limit < len(rows)
        meta = {
            "energy_supplier": self.state.config.nox_supplier,
            "capacity_unit": "W",
            "next_token": f"page-{start + limit}" if more else None,
        }
        return jsonify(data=rows[start : start + limit], meta=meta)

    def _row(self, device: LinkedDevice) -> dict[str, Any]:
        slug, works = device.physical.vendor, device.seems_working(self.state.now())
        is_pv = device.device_type == "pv"
        row: dict[str, Any] = {
            "device_id": device.id,
            "user_id": device.owner,
            "brand": NOX["pv"][slug] if is_pv else slug,
        }
        if self.state.variant("nox", "device_row_fields") == "sparse":
            return row
        steering: dict[str, Any] = {"steering_enabled": True, "steerable": works}
        if is_pv:
            steering |= {"learning_period_ended": True, "general_reason": None}
            row |= {"has_grid_export_curtailment": True, "has_production_curtailment": False}
        else:
            part = {"can_activate_action": works, "in_active_action": False, "reason": None}
            steering |= {"DHW": part, "room": part}
            row |= {"device_type": "heat_pump"}
        return row | {
            "model": device.physical.model,
            "country": "NL",
            "needs_reauthentication": not works,
            "steerable_status": steering,
        }


def _page() -> tuple[int, int]:
    """How many rows, from which on. Raises RefusalError."""
    limit = request.args.get("limit", "1000")
    token = request.args.get("next_token", "page-0")
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= 4000:
        raise RefusalError(400, {"message": "limit must be between 1 and 4000"})
    if not re.fullmatch(r"page-[0-9]{1,9}", token):
        raise RefusalError(400, {"message": "Invalid next_token"})
    return int(limit), int(token.removeprefix("page-"))


def _bad(message: str) -> RefusalError:
    return RefusalError(400, {"error": message})
