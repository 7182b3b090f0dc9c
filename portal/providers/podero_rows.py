"""Podero's device rows and times in our words. Every field but the id may be missing."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, DeviceReading
from portal.providers.answers import elements, members, moment, text, uuid
from portal.providers.offers import known_vendor

REAUTHENTICATE = "reauthenticate"
LONGEST_SESSION = timedelta(days=3)
PRESENCE = {
    "online": Connection.WORKING,
    "offline": Connection.UNREACHABLE,
    "never_connected": Connection.WAITING,
}


def reading_of(row: Mapping[str, object], device_type: DeviceType) -> DeviceReading | None:
    """The device of a row; None where it has no id."""
    device_id = uuid(row.get("id"))
    if device_id is None:
        return None
    model = members(row.get("device_model"))
    manufacturer = text(model.get("manufacturer"))
    vendor = known_vendor(manufacturer)
    return DeviceReading(
        provider_device_id=device_id,
        device_type=device_type,
        connection=connection_of(row),
        vendor_code=manufacturer,
        vendor_name=vendor.name if vendor else manufacturer,
        model=text(model.get("model")),
        mark=text(row.get("external_device_id")),
        last_contact_at=moment(row.get("current_state_last_updated_at"))
        or moment(row.get("last_monitoring_executed_at")),
        deleted=is_deleted(row),
        unread=is_unclear(row),
    )


def is_deleted(row: Mapping[str, object]) -> bool:
    return bool(row.get("deleted_at"))


def connection_of(row: Mapping[str, object]) -> Connection:
    """The first signal that speaks, strongest first; what says nothing stays neutral.

    Something open of which nobody says what it is may be anything: it is no word on the access.
    """
    if REAUTHENTICATE in action_codes(row) or row.get("is_authenticated") is False:
        return Connection.NEEDS_REAUTHENTICATION
    if "error" in (row.get("lifecycle_state"), row.get("connection_status")):
        return Connection.NEEDS_REAUTHENTICATION
    if hides_actions(row):
        return Connection.UNKNOWN
    if row.get("action_needed") is True and row.get("actions") == []:
        # Something is open, and no other code is given for it.
        return Connection.NEEDS_REAUTHENTICATION
    presence = row.get("connection")
    if isinstance(presence, str) and presence in PRESENCE:
        return PRESENCE[presence]
    status = row.get("connection_status")
    is_signed_in = row.get("is_authenticated") is True or row.get("lifecycle_state") == "authenticated"
    return Connection.WORKING if status == "ok" or (status is None and is_signed_in) else Connection.UNKNOWN


def hides_actions(row: Mapping[str, object]) -> bool:
    """Whether something is open of which only the detail says what: lists may lack the actions."""
    actions = row.get("actions")
    is_told = isinstance(actions, list) and (not actions or bool(action_codes(row)))
    return row.get("action_needed") is True and not is_told and not is_deleted(row)


def is_unclear(row: Mapping[str, object]) -> bool:
    """Whether nothing but the detail can tell how the access to this device is."""
    return hides_actions(row) and connection_of(row) is Connection.UNKNOWN


def action_codes(row: Mapping[str, object]) -> frozenset[str]:
    return frozenset(
        code for action in elements(row.get("actions")) if (code := text(members(action).get("code"))) is not None
    )


def cure_of(row: Mapping[str, object]) -> str | None:
    """The address behind the open reauthentication; it holds a secret and is to be POSTed to, never shown."""
    for action in elements(row.get("actions")):
        if members(action).get("code") == REAUTHENTICATE:
            url = members(members(action).get("resolution_link")).get("url")
            if isinstance(url, str):
                return url
    return None


def end_of_session(expiration_date: object, now: datetime) -> datetime | None:
    """A day after the named one ends, for nobody says in which time zone it does; never far off."""
    if not isinstance(expiration_date, str):
        return None
    try:
        named = date.fromisoformat(expiration_date[:10])
        end = datetime.combine(named, time.min, UTC) + timedelta(days=2)
    except (ValueError, OverflowError):
        return None
    return min(end, now + LONGEST_SESSION) if end > now else None
