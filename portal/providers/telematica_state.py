"""What Telematica says of one device that it has named before, in our words.

Cars answer with a `state`; chargers, inverters, batteries and heating tell by a 412 and its code (its pages "vehicle
connection states" and "errors and handling"). Only a word on the access is a verdict: quotas, faults on its side and
things that the customer can mend at the device leave it as it was.
"""

from collections.abc import Mapping

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, DeviceReading
from portal.providers.answers import Answer, members, moment, text

LAPSED = frozenset({"RELOGIN_REQUIRED", "USER_CONSENT_REQUIRED"})
RECONNECT = "RECONNECT_ACCOUNT"
GONE = frozenset({"NOT_FOUND", "DEVICE_DISCONNECTED"})
DELETE = "PERMANENTLY_DELETE_DEVICE"
STATES = {
    "ACTIVE": Connection.WORKING,
    "PARTIAL_OPERATION": Connection.WORKING,
    "DISCONNECTED": Connection.NEEDS_REAUTHENTICATION,
}
SILENT = frozenset({"ACCOUNT_RATE_LIMITED", "UNKNOWN_ERROR"})


def is_lapsed(answer: Answer) -> bool:
    """Whether a failure says that the customer has to sign in again."""
    body = members(answer.body)
    return not answer.is_success and (text(body.get("error")) in LAPSED or RECONNECT in _actions(body))


def state_of(answer: Answer, device_id: str, device_type: DeviceType) -> DeviceReading | None:
    """How this device is by the answer about it; None where it is not in the vendor's account any more."""
    body = members(answer.body)
    state = text(body.get("state"))
    if state in GONE or (answer.status == 412 and text(body.get("error")) in GONE) or DELETE in _actions(body):
        return None
    connection = _connection(answer, state, device_type)
    if connection is None:
        return unread(device_id, device_type)
    heard_at = moment(body.get("lastUpdated"))
    return DeviceReading(device_id, device_type, connection, last_contact_at=heard_at)


def unread(device_id: str, device_type: DeviceType) -> DeviceReading:
    """The device when nothing could be learnt of it."""
    return DeviceReading(device_id, device_type, unread=True)


def _connection(answer: Answer, state: str | None, device_type: DeviceType) -> Connection | None:
    if is_lapsed(answer):
        return Connection.NEEDS_REAUTHENTICATION
    if not answer.is_success or not isinstance(answer.body, dict) or state in SILENT:
        return None
    if state in STATES:
        return STATES[state]
    # Other types than cars tell by their errors: an answer with their data is the word that the access works.
    return None if device_type is DeviceType.VEHICLE else Connection.WORKING


def _actions(body: Mapping[str, object]) -> tuple[object, ...]:
    action = members(body.get("action"))
    return action.get("user"), action.get("dev")
