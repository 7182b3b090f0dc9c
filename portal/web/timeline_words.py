"""The words of the timeline, for those who help customers: for every state, code and event in it."""

from collections.abc import Mapping

from portal.domain.catalogue import RouteReason
from portal.domain.health import Cause
from portal.domain.link_session import Purpose, State
from portal.i18n import LazyWords, lazy_gettext
from portal.journey.device_timeline import DeviceEvent

_ = lazy_gettext

ATTEMPTS: Mapping[Purpose, LazyWords] = {
    Purpose.LINK: _("Attempt to connect: %(device)s"),
    Purpose.REAUTHENTICATE: _("Attempt to reconnect: %(device)s"),
}

STATES: Mapping[State, LazyWords] = {
    State.CREATED: _("The link is being prepared"),
    State.DEPARTED: _("Left, not back yet"),
    State.ARRIVED: _("Back, being checked"),
    State.LINKED: _("Connected"),
    State.WAITING: _("Waiting for the device"),
    State.HELD: _("Stopped for safety"),
    State.CANCELLED: _("Ended without a device"),
    State.FAILED: _("Failed"),
    State.EXPIRED: _("The link has expired"),
}

KEPT_BOTH = _("The customer kept both devices")

STEPS: Mapping[str, LazyWords] = {
    **{state.value: words for state, words in STATES.items()},
    "opened": _("The customer started"),
    State.DEPARTED: _("The link was ready"),
    State.ARRIVED: _("The customer came back"),
    "let_out": _("Opened from the app in a browser"),
    "refused_by_receiver": _("The person who had the link said it was not for them"),
    "arrival_refused": _("A return that did not match was not used"),
    "kept_both": KEPT_BOTH,
    "let_go_other": _("The customer ended the access to the other account’s device"),
    "kept_other": _("The customer kept the other device instead"),
    "said_same": _("The customer said it is the same device"),
    "said_another": _("The customer said it is another device"),
}
"""What is on record of an attempt: its states, and what does not move it."""

ROUTES: Mapping[RouteReason, LazyWords] = {
    RouteReason.ONLY_OFFER: _("Only %(provider)s connects this type of device from this manufacturer."),
    RouteReason.SPEAKS_LANGUAGE: _("Others connect it too, but %(provider)s speaks the customer’s language."),
    RouteReason.RETAILER_ORDER: _("Others connect it too. %(provider)s comes first in our order of preference."),
    RouteReason.PREFERRED_FAILS: _("The usual provider was failing at the time, so %(provider)s took its place."),
    RouteReason.PINNED_DEVICE: _("The device is connected through %(provider)s, so it is reconnected there."),
}

DEVICE_EVENTS: Mapping[DeviceEvent, LazyWords] = {
    DeviceEvent.LINKED: _("Device connected: %(device)s"),
    DeviceEvent.RECONNECTED: _("Device reconnected: %(device)s"),
    DeviceEvent.LAPSED: _("Device needs reconnecting: %(device)s"),
    DeviceEvent.HEALED: _("Device works again: %(device)s"),
    DeviceEvent.CHANGED: _("Device status changed: %(device)s"),
    DeviceEvent.REMOVAL_ASKED: _("The customer asked to remove a device: %(device)s"),
    DeviceEvent.REMOVAL_FAILED: _("Device could not be removed: %(device)s"),
    DeviceEvent.REMOVAL_UNKNOWN: _("Removal of a device not confirmed: %(device)s"),
    DeviceEvent.CHECK_ASKED: _("Customer support had a device checked: %(device)s"),
    DeviceEvent.INVITED: _("Customer support sent an invitation to reconnect: %(device)s"),
    DeviceEvent.REMOVED: _("Device removed: %(device)s"),
    DeviceEvent.REPLACED: _("Device replaced by a newer connection: %(device)s"),
    DeviceEvent.FOUND_THERE: _("Device listed at %(provider)s that was not connected here: %(device)s"),
    DeviceEvent.GONE_THERE: _("Device no longer listed at %(provider)s: %(device)s"),
}

CAUSES: Mapping[Cause, LazyWords] = {
    Cause.ACCESS_ENDED: _("Access to the manufacturer account has ended. Only the customer can renew it."),
    Cause.RENEWING: _("The customer has just reconnected it, and it has not reported back yet."),
    Cause.FIRST_DATA: _("It is connected, and its first data has not arrived yet. That can take up to an hour."),
    Cause.DATA_FLOWS: _("Access works."),
    Cause.DATA_STOPPED: _("Access works, but no new data is arriving. The device may be switched off or offline."),
    Cause.OFFLINE: _("%(provider)s cannot reach the device. It may be switched off or offline."),
    Cause.NOT_NAMED: _("%(provider)s does not list the device at the moment."),
    Cause.NOT_ASKED: _("%(provider)s has not answered for a long time, so nothing recent is known."),
    Cause.NO_WORD: _("%(provider)s lists the device but does not say how it is doing."),
}

STILL_THERE = _("Access through %(provider)s may still exist.")
"""Of a device that was removed here, and whose provider could not end the access."""

RECORDS: Mapping[str, LazyWords] = {
    "login_session.opened": _("Signed in"),
    "login_session.entered": _("Signed in from the app"),
    "login_session.closed": _("Signed out"),
    "support.allowed": _("The customer allowed customer support to help"),
    "support.invited": _("Customer support sent an invitation to connect"),
    "support.asks_first": _("The customer wants to be asked before customer support looks"),
    "support.need_not_ask": _("Customer support need not ask the customer first any more"),
    "consent.withdrawn": _("The customer took back a permission"),
    "consent.ended": _("A permission ended because nothing was connected on it"),
    "consent.resumed": _("A permission is in force again because a device was connected late"),
    "data.downloaded": _("The customer downloaded their data"),
    "deletion.asked": _("The customer had their account deleted"),
    "letter.sent": _("An e-mail was sent to the customer"),
    "letter.given_up": _("An e-mail could not be sent to the customer"),
    "customer.issuer_moved": _("The customer’s account was moved to a new sign-in service"),
    "provider_account.unbound": _("An administrator confirmed the customer’s new user at a provider"),
    "vendor.requested": _("A manufacturer was missing from the list"),
}

ANOTHER_RECORD = _("Another entry on record")
