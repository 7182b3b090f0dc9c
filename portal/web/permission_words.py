"""What a customer reads of a permission: for what, in which words, since when, and how the access stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from portal import i18n
from portal.domain.device import Device
from portal.i18n import LazyWords, lazy_gettext
from portal.journey.permissions import Access, Permission, access
from portal.web.labels import ONE_OF_TYPE, device_name, vendor_name
from portal.web.leaving import permission_words
from portal.web.words import gettext

_ = lazy_gettext

WITHDRAWN = "permission_withdrawn"

SAID: Mapping[str, LazyWords] = {
    WITHDRAWN: _("Your permission is taken back. Below you see how the access of each device stands."),
}

ACCESS: Mapping[Access, LazyWords] = {
    Access.THERE: _("On your list of devices"),
    Access.ENDING: _("The access is being ended. You do not have to wait here."),
    Access.TRYING: _("The access could not be ended yet. We keep trying, and there is nothing for you to do."),
    Access.ENDED: _("The access has ended."),
}


@dataclass(frozen=True, slots=True)
class PermissionWords:
    """One permission in words. `text` is in the language in which it was given; None where only its version is known.

    `devices` are names, each with how the access to it stands. `is_current`: something rests on it, or is about to.
    """

    id: str
    title: str
    text: str | None
    language: str
    version: str
    given_at: datetime
    withdrawn_at: datetime | None
    ended_at: datetime | None
    is_current: bool
    devices: tuple[tuple[str, str], ...]


def words_of(permission: Permission, *, retailer: str, among: Iterable[Device]) -> PermissionWords:
    """The words for one permission, of a customer who has these devices."""
    consent = permission.consent
    return PermissionWords(
        id=consent.link_session_id,
        title=f"{ONE_OF_TYPE[permission.device_type]}, {vendor_name(permission.vendor)}",
        text=_as_given(permission, retailer) if permission.is_worded else None,
        language=consent.language,
        version=consent.version,
        given_at=consent.given_at,
        withdrawn_at=consent.withdrawn_at,
        ended_at=consent.ended_at,
        is_current=permission.is_current,
        devices=tuple((device_name(device, among=among), _access(device, permission)) for device in permission.devices),
    )


def _as_given(permission: Permission, retailer: str) -> str:
    """What was agreed to, word for word."""
    with i18n.speaking(permission.consent.language):
        return permission_words(permission.provider, retailer=retailer, smart_control=permission.consent.smart_control)


def _access(device: Device, permission: Permission) -> str:
    stands = access(device)
    if stands is Access.MAY_REMAIN:
        return gettext(
            "We read nothing of it any more, but its access at %(provider)s may still be there. To end it completely, "
            "change the password of your manufacturer’s account or ask customer support.",
            provider=permission.provider.name,
        )
    return str(ACCESS[stands])
