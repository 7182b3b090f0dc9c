"""How Telematica answers for the state of one device: cars by a state, all others by an error."""

from typing import Any

from portal.sandbox.api_door import RefusalError
from portal.sandbox.state import SandboxState, iso

ERRORS = {
    "ACCOUNT_RATE_LIMITED": (503, "ACCOUNT_RATE_LIMITED", "NONE"),
    "UNKNOWN_ERROR": (503, "MALFORMED_RESPONSE", "NONE"),
    "DEVICE_DISCONNECTED": (412, "DEVICE_DISCONNECTED", "PERMANENTLY_DELETE_DEVICE"),
    "USER_ACTION": (500, "CABLE_NOT_PLUGGED", "PLUG_IN_CABLE"),
}


def device_state(state: SandboxState, device_type: str, *, works: bool) -> dict[str, Any]:
    """The body of a success. Raises RefusalError."""
    told = state.variant("telematica", "state")
    is_car = device_type == "vehicle"
    if is_car and told not in ("true", "USER_ACTION"):
        return {"state": told, "lastUpdated": iso(state.now())}
    if not is_car and told in ERRORS:
        raise _error(*ERRORS[told])
    if is_car:
        return {"state": "ACTIVE" if works else "DISCONNECTED", "lastUpdated": iso(state.now())}
    if not works:
        code = state.variant("telematica", "lapse_code")
        raise _error(412, "ACCOUNT_EXPIRED" if code == "RECONNECT_ACCOUNT" else code, "RECONNECT_ACCOUNT")
    return {"lastUpdated": iso(state.now())}


def _error(status: int, code: str, action: str) -> RefusalError:
    body = {"message": code, "error": code, "statusCode": status, "action": {"dev": action, "user": action}}
    return RefusalError(status, body)
