"""The words for our nouns: a whole sentence for each device type, so that no grammar is put together from parts."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.domain.catalogue import OTHER_VENDOR, DeviceType, Vendor
from portal.domain.device import Connection, Device
from portal.i18n import LazyWords, lazy_gettext, moment
from portal.journey.remove import RemovalOutcome
from portal.web.notices import Notice
from portal.web.words import gettext

_ = lazy_gettext

TYPE_NAMES: Mapping[DeviceType, LazyWords] = {
    DeviceType.HEAT_PUMP: _("Heat pump"),
    DeviceType.VEHICLE: _("Electric car"),
    DeviceType.CHARGER: _("Charging station"),
    DeviceType.INVERTER: _("Solar inverter"),
    DeviceType.BATTERY: _("Home battery"),
    DeviceType.HVAC: _("Air conditioning and thermostats"),
}

VENDOR_QUESTIONS: Mapping[DeviceType, LazyWords] = {
    DeviceType.HEAT_PUMP: _("Who made your heat pump?"),
    DeviceType.VEHICLE: _("Who made your electric car?"),
    DeviceType.CHARGER: _("Who made your charging station?"),
    DeviceType.INVERTER: _("Who made your solar inverter?"),
    DeviceType.BATTERY: _("Who made your home battery?"),
    DeviceType.HVAC: _("Who made your air conditioning or thermostat?"),
}

CONNECTIONS: Mapping[Connection, LazyWords] = {
    Connection.WORKING: _("Connected"),
    Connection.NEEDS_REAUTHENTICATION: _("Needs reconnecting"),
    Connection.WAITING: _("Waiting for the device"),
    Connection.UNREACHABLE: _("Cannot be reached right now"),
    Connection.UNKNOWN: _("No recent information"),
}

WAITING_FOR: Mapping[DeviceType, LazyWords] = {
    DeviceType.HEAT_PUMP: _("Waiting for your heat pump"),
    DeviceType.VEHICLE: _("Waiting for your electric car"),
    DeviceType.CHARGER: _("Waiting for your charging station"),
    DeviceType.INVERTER: _("Waiting for your solar inverter"),
    DeviceType.BATTERY: _("Waiting for your home battery"),
    DeviceType.HVAC: _("Waiting for your air conditioning or thermostat"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """A short message: `kind` is success, attention or info."""

    kind: str
    text: str


def vendor_name(vendor: Vendor) -> str:
    """The vendor as a choice on a list."""
    return gettext("Another manufacturer") if vendor.key == OTHER_VENDOR else vendor.name


def device_name(device: Device) -> str:
    """What the customer calls the device, else what it is."""
    return device.nickname or device.made or str(TYPE_NAMES[device.device_type])


def card_words(device: Device) -> dict[str, object]:
    """What the card of a device says of it."""
    contact = device.last_contact_at
    return {
        "type_name": str(TYPE_NAMES[device.device_type]),
        "connection": str(CONNECTIONS[device.connection]),
        "last_contact": gettext("last contact %(when)s", when=moment(contact)) if contact else None,
        "reason": _why_so(device),
    }


def removal_words(notice: Notice | None) -> Said | None:
    """What became of a device that was to be removed, where that is what the last act left to say."""
    names = dict(notice.names) if notice else {}
    match notice.code if notice else None:
        case RemovalOutcome.GONE:
            return Said("success", gettext("%(device)s is removed, and our access to it has ended.", **names))
        case RemovalOutcome.NOT_OFFERED:
            text = gettext("%(device)s is off your list. The access through %(provider)s may still be there.", **names)
            return Said("info", text)
        case RemovalOutcome.UNAVAILABLE:
            text = gettext(
                "%(device)s could not be removed right now. Nothing has changed: try again in a few minutes.", **names
            )
            return Said("attention", text)
        case RemovalOutcome.UNDER_WAY:
            text = gettext(
                "%(device)s is being removed. You do not have to wait here: it leaves your list by itself.", **names
            )
            return Said("info", text)
    return None


def _why_so(device: Device) -> str | None:
    """Why a device is as it is, what to do and how long it takes; None where the state says enough."""
    if device.connection is Connection.WAITING:
        return gettext("It can take some minutes until the device reports back.")
    if device.connection is Connection.UNREACHABLE:
        return gettext("It may be switched off or without internet. It usually comes back on its own.")
    if not device.needs_customer:
        return None
    if not device.vendor_name:
        return gettext(
            "The access has ended, for example after a changed password. Reconnecting takes about two minutes."
        )
    return gettext(
        "%(vendor)s has ended the access, for example after a changed password. Reconnecting takes about two minutes.",
        vendor=device.vendor_name,
    )
