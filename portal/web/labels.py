"""The words for our nouns: a whole sentence for each device type, so that no grammar is put together from parts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from portal.domain.catalogue import OTHER_VENDOR, DeviceType, Vendor, folded
from portal.domain.device import Device, RemovedBecause
from portal.domain.health import Cause, Connection
from portal.i18n import LazyWords, lazy_gettext, moment
from portal.journey.remove import RemovalOutcome
from portal.web.notices import Notice
from portal.web.wiring import portal
from portal.web.words import day_of, gettext

_ = lazy_gettext

TYPE_NAMES: Mapping[DeviceType, LazyWords] = {
    DeviceType.HEAT_PUMP: _("Heat pump"),
    DeviceType.VEHICLE: _("Electric car"),
    DeviceType.CHARGER: _("Charging station"),
    DeviceType.INVERTER: _("Solar inverter"),
    DeviceType.BATTERY: _("Home battery"),
    DeviceType.HVAC: _("Air conditioning and thermostats"),
}
"""What there is to choose from."""

ONE_OF_TYPE: Mapping[DeviceType, LazyWords] = {
    **TYPE_NAMES,
    DeviceType.HVAC: _("Air conditioner or thermostat"),
}
"""What one device is."""

VENDOR_QUESTIONS: Mapping[DeviceType, LazyWords] = {
    DeviceType.HEAT_PUMP: _("Who made your heat pump?"),
    DeviceType.VEHICLE: _("Who made your electric car?"),
    DeviceType.CHARGER: _("Who made your charging station?"),
    DeviceType.INVERTER: _("Who made your solar inverter?"),
    DeviceType.BATTERY: _("Who made your home battery?"),
    DeviceType.HVAC: _("Who made your air conditioning or thermostat?"),
}

SAME_QUESTIONS: Mapping[DeviceType, LazyWords] = {
    DeviceType.HEAT_PUMP: _("Is this the same heat pump?"),
    DeviceType.VEHICLE: _("Is this the same electric car?"),
    DeviceType.CHARGER: _("Is this the same charging station?"),
    DeviceType.INVERTER: _("Is this the same solar inverter?"),
    DeviceType.BATTERY: _("Is this the same home battery?"),
    DeviceType.HVAC: _("Is this the same air conditioning or thermostat?"),
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

REASONS: Mapping[Cause, LazyWords] = {
    Cause.RENEWING: _("It can take some minutes until the device reports back."),
    Cause.FIRST_DATA: _("It is connected. It can take up to an hour until the first data arrives."),
    Cause.OFFLINE: _("It may be switched off or without internet. It usually comes back on its own."),
    Cause.NOT_NAMED: _(
        "We get no information about it at the moment. If that lasts longer than a day, remove it and connect it again."
    ),
    Cause.NO_WORD: _("We are not told how it is doing at the moment. There is nothing for you to do."),
}
"""Why a device is as it is, what to do and how long it takes, where that can be said without a name or a time."""

ID_END = 4
"""How much of a number people compare with the one on the device."""

FAILURE_SAID_FOR = timedelta(days=1)
"""How long the card says that a removal did not work."""


@dataclass(frozen=True, slots=True)
class Said:
    """A short message: `kind` is success, attention or info."""

    kind: str
    text: str


def vendor_name(vendor: Vendor) -> str:
    """The vendor as a choice on a list."""
    return gettext("Another manufacturer") if vendor.key == OTHER_VENDOR else vendor.name


def device_name(device: Device, *, among: Iterable[Device]) -> str:
    """What the customer calls the device, else what it is; told apart from those `among` their devices named alike."""
    name, mark = plain_name(device), mark_among(device, [other for other in among if other.id != device.id])
    return name if mark is None else f"{name} ({mark})"


def plain_name(device: Device) -> str:
    """The name of a device alone; several may have it."""
    return device.nickname or device.made or str(ONE_OF_TYPE[device.device_type])


def mark_among(device: Device, others: Iterable[Device]) -> str | None:
    """What tells a device from others of its name; None where there are none.

    The end of its serial number, where each has one, else the day on which it was linked, else the end of the
    provider's id: the first of these that differs.
    """
    twins = [other for other in others if folded(plain_name(other)) == folded(plain_name(device))]
    if not twins:
        return None
    serial = serial_end(device)
    if serial is not None and all(serial_end(twin) not in {None, serial} for twin in twins):
        return serial
    day = day_of(device.linked_at)
    if all(day_of(twin.linked_at) != day for twin in twins):
        return gettext("connected %(day)s", day=day)
    end = device.provider_device_id[-ID_END:].upper()
    is_one = all(twin.provider_device_id[-ID_END:].upper() != end for twin in twins)
    return f"…{end}" if is_one else f"…{device.id[-2 * ID_END :]}"


def serial_end(device: Device) -> str | None:
    """The end of its serial number, as people find it on the device."""
    return f"…{device.mark[-ID_END:].upper()}" if device.mark and device.has_serial else None


def card_words(device: Device, among: Iterable[Device] = ()) -> dict[str, object]:
    """What the card of a device says of it, `among` their devices.

    `leaving`: it is being removed, and nothing is to be pressed.
    """
    leaving = device.removal_asked_at is not None
    # The reason names the time already.
    contact = None if device.cause is Cause.DATA_STOPPED and not leaving else device.last_contact_at
    return {
        "name": device_name(device, among=among),
        "type_name": str(ONE_OF_TYPE[device.device_type]),
        "connection": gettext("Being removed") if leaving else str(CONNECTIONS[device.connection]),
        "last_contact": gettext("last contact %(when)s", when=moment(contact)) if contact else None,
        "reason": None if leaving else _why_so(device, among),
        "failure": _why_still_here(device),
        "leaving": leaving,
    }


def gone_words(device: Device) -> dict[str, object]:
    """What the card of a device says that left the list without its customer's doing."""
    when = moment(device.removed_at) if device.removed_at is not None else ""
    if device.removed_because is RemovedBecause.REPLACED:
        state, reason = gettext("Replaced: %(when)s", when=when), gettext("A newer device has taken its place.")
    elif device.removed_because is RemovedBecause.LINKED_ELSEWHERE:
        provider = portal().ports.traits(device.provider_key).name
        state = gettext("Not on your list")
        # Translators: provider is a company, such as "NOX Energy"
        reason = gettext(
            "%(provider)s has this device too, but it was not connected here. We read nothing from it. Connect it if "
            "you want it on your list.",
            provider=provider,
        )
    else:
        where = device.vendor_name or portal().ports.traits(device.provider_key).name
        state = gettext("Removed at %(vendor)s: %(when)s", vendor=where, when=when)
        reason = gettext("It is no longer connected, so we read nothing from it.")
    return {"type_name": str(ONE_OF_TYPE[device.device_type]), "state": state, "reason": reason}


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
        case RemovalOutcome.UNKNOWN:
            text = gettext(
                "%(provider)s has not answered, so we do not know yet whether %(device)s is removed. You do not have "
                "to wait here: we keep checking.",
                **names,
            )
            return Said("info", text)
    return None


def _why_so(device: Device, among: Iterable[Device]) -> str | None:
    """Why a device is as it is, what to do and how long it takes; None where the state says enough."""
    match device.cause:
        case Cause.NOT_NAMED if (other := next(filter(device.may_be_doubled_by, among), None)) is not None:
            return gettext(
                "We get no information about it any more. If it is the same one as %(other)s, you can remove it here.",
                other=device_name(other, among=among),
            )
        case Cause.ACCESS_ENDED:
            return _why_ended(device)
        case Cause.DATA_STOPPED if device.last_contact_at is not None:
            return gettext(
                "No data since %(when)s. Check that the device is switched on and has internet. Then it usually comes "
                "back within an hour.",
                when=moment(device.last_contact_at),
            )
        case Cause.NOT_ASKED:
            return gettext(
                "Our last information is from %(when)s. We keep asking, and there is nothing for you to do.",
                when=moment(device.read_at),
            )
    return str(REASONS[device.cause]) if device.cause in REASONS else None


def _why_ended(device: Device) -> str:
    if not device.vendor_name:
        return gettext(
            "The access has ended, for example after a changed password. Reconnecting takes about two minutes."
        )
    return gettext(
        "%(vendor)s has ended the access, for example after a changed password. Reconnecting takes about two minutes.",
        vendor=device.vendor_name,
    )


def _why_still_here(device: Device) -> str | None:
    """That the device was to be removed and could not be, for as long as the customer may wonder; or nobody knows."""
    if device.may_be_gone and device.must_go:
        return gettext("The access could not be ended yet. We keep trying, and there is nothing for you to do.")
    if device.may_be_gone:
        return gettext(
            "We do not know yet whether it is removed. We keep checking, and there is nothing for you to do."
        )
    failed_at = device.removal_failed_at
    if failed_at is None or device.removal_asked_at is not None or portal().clock() - failed_at > FAILURE_SAID_FOR:
        return None
    return gettext("It could not be removed. Nothing has changed: try again.")
