"""What a customer reads beside the reconnect button: whom they meet next, in which language, and with which account."""

from portal import i18n
from portal.domain.catalogue import OTHER_VENDOR
from portal.domain.device import Device
from portal.web.leaving import language_there
from portal.web.wiring import portal
from portal.web.words import gettext


def before_reconnecting(device: Device) -> tuple[str, ...]:
    """The sentences for this device; the page before leaving says the same to those who connect one."""
    provider = portal().ports.traits(device.provider_key)
    if device.vendor_key == OTHER_VENDOR or not device.vendor_name:
        next_page = gettext(
            "You go on to %(provider)s and sign in with your manufacturer there.", provider=provider.name
        )
    else:
        next_page = gettext(
            "You go on to %(provider)s and sign in with %(vendor)s there.",
            provider=provider.name,
            vendor=device.vendor_name,
        )
    language = language_there(provider.language_shown(i18n.current_language()), i18n.current_language())
    account = gettext("Use the owner’s account, the same one as before.")
    return tuple(sentence for sentence in (next_page, language, account) if sentence)
