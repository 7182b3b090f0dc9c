"""What a customer reads before leaving: whom they meet, what is shared, what to have at hand, and the permission."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.domain.catalogue import OTHER_VENDOR, DeviceType, Vendor
from portal.domain.provider_health import HealthState
from portal.i18n import LazyWords, lazy_gettext, name_of
from portal.journey.choose import Preview
from portal.providers.protocol import Traits
from portal.web.labels import Said, device_name
from portal.web.words import gettext, listed, ngettext

_ = lazy_gettext

READINGS: Mapping[DeviceType, LazyWords] = {
    DeviceType.HEAT_PUMP: _("Temperatures and electricity use"),
    DeviceType.VEHICLE: _("Battery level, and whether the car is charging"),
    DeviceType.CHARGER: _("When and how much you charge"),
    DeviceType.INVERTER: _("How much electricity your solar panels produce"),
    DeviceType.BATTERY: _("Battery level, and how much goes in and out"),
    DeviceType.HVAC: _("Temperatures, and whether it is running"),
}

CONTROL: Mapping[DeviceType, LazyWords] = {
    DeviceType.HEAT_PUMP: _("Smart control: when the heat pump runs"),
    DeviceType.VEHICLE: _("Smart control: when the car charges"),
    DeviceType.CHARGER: _("Smart control: when the charging station charges"),
    DeviceType.INVERTER: _("Smart control: how the solar inverter runs"),
    DeviceType.BATTERY: _("Smart control: when the battery charges"),
    DeviceType.HVAC: _("Smart control: when heating and cooling run"),
}


@dataclass(frozen=True, slots=True)
class Leaving:
    """All that a customer reads before leaving, in words. `lapsed`: id and name of what only needs reconnecting."""

    lead: str
    trouble: Said | None
    language: str | None
    choose_again: str | None
    replaces: str | None
    lapsed: tuple[tuple[str, str], ...]
    seen: tuple[str, ...]
    never_seen: tuple[str, ...]
    at_hand: tuple[str, ...]
    time: tuple[str, ...]
    consent: str


def leaving(preview: Preview, *, retailer: str, language: str) -> Leaving:
    """The words for this choice. `language` is the customer's."""
    return Leaving(
        lead=_whom_you_meet(preview),
        trouble=_trouble(preview),
        language=language_there(preview.language_there, language),
        choose_again=_choose_again(preview),
        replaces=_replaces(preview),
        lapsed=tuple((device.id, device_name(device, among=preview.devices)) for device in preview.lapsed),
        seen=_seen(preview),
        never_seen=_never_seen(preview.vendor),
        at_hand=_at_hand(preview.vendor),
        time=_time(preview),
        consent=permission_words(preview.provider, retailer=retailer, smart_control=preview.provider.smart_control),
    )


def _whom_you_meet(preview: Preview) -> str:
    if preview.vendor.key == OTHER_VENDOR:
        return gettext(
            "%(provider)s makes the connection for us. You choose your manufacturer and sign in there, and then come "
            "back here.",
            provider=preview.provider.name,
        )
    return gettext(
        "%(provider)s makes the connection for us. You sign in with %(vendor)s there, and then come back here.",
        provider=preview.provider.name,
        vendor=preview.vendor.name,
    )


def _trouble(preview: Preview) -> Said | None:
    name = preview.provider.name if preview.vendor.key == OTHER_VENDOR else preview.vendor.name
    if preview.provider_state is HealthState.FAILING:
        text = gettext("%(name)s cannot be reached right now. You can still try. We will keep your choice.", name=name)
        return Said("attention", text)
    if preview.provider_state is HealthState.SLOW:
        text = gettext("%(name)s is slower than usual right now. It may take a little longer.", name=name)
        return Said("info", text)
    return None


def language_there(shown: str, language: str) -> str | None:
    """In which language the next page is, where that is not the customer's."""
    if shown == language:
        return None
    return gettext("The next page will be in %(language)s.", language=name_of(shown))


def _choose_again(preview: Preview) -> str | None:
    if preview.vendor_is_preselected or preview.vendor.key == OTHER_VENDOR:
        return None
    if preview.vendor_is_refused:
        return gettext(
            "%(provider)s has had trouble with %(vendor)s lately. Choose %(vendor)s once more on the next page. If it "
            "is missing there, try again tomorrow.",
            provider=preview.provider.name,
            vendor=preview.vendor.name,
        )
    return gettext("Choose %(vendor)s once more on the next page.", vendor=preview.vendor.name)


def _replaces(preview: Preview) -> str | None:
    if not preview.replaces:
        return None
    names = [device_name(device, among=preview.devices) for device in preview.replaces]
    return gettext(
        "Through %(provider)s you can connect one account for this type of device. If you connect another one, this "
        "will no longer be connected: %(devices)s.",
        provider=preview.provider.name,
        devices=listed(names),
    )


def _seen(preview: Preview) -> tuple[str, ...]:
    readings = str(READINGS[preview.offer.device_type])
    if not preview.provider.smart_control:
        return (readings,)
    return (readings, str(CONTROL[preview.offer.device_type]))


def _never_seen(vendor: Vendor) -> tuple[str, ...]:
    if vendor.key == OTHER_VENDOR:
        password = gettext("Your password with the manufacturer")
    else:
        password = gettext("Your password with %(vendor)s", vendor=vendor.name)
    return (password, gettext("Devices that you do not connect"))


def _at_hand(vendor: Vendor) -> tuple[str, ...]:
    if vendor.app:
        sign_in = gettext("Your e-mail address and password for %(app)s.", app=vendor.app)
    elif vendor.key == OTHER_VENDOR:
        sign_in = gettext("Your e-mail address and password for the manufacturer’s app.")
    else:
        sign_in = gettext("Your e-mail address and password for the %(vendor)s app.", vendor=vendor.name)
    return (sign_in, gettext("Use the owner’s account: a guest’s account is often not enough."))


def _time(preview: Preview) -> tuple[str, ...]:
    about = gettext("About two minutes.")
    lifetime = preview.provider.link_lifetime
    if lifetime is None:
        return (about,)
    minutes = int(lifetime.total_seconds() // 60)
    return (
        about,
        ngettext(
            "The link lasts %(num)d minute. You can always start again.",
            "The link lasts %(num)d minutes. You can always start again.",
            minutes,
        ),
    )


def permission_words(provider: Traits, *, retailer: str, smart_control: bool) -> str:
    """What a customer agrees to."""
    names = {"retailer": retailer, "provider": provider.name}
    if smart_control:
        return gettext(
            "I allow %(retailer)s and %(provider)s to read data from this device and to use smart control. I can take "
            "back my permission at any time.",
            **names,
        )
    return gettext(
        "I allow %(retailer)s and %(provider)s to read data from this device. I can take back my permission at any "
        "time.",
        **names,
    )
