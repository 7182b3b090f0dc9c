"""What customer support reads, and what customers read of it."""

from collections.abc import Mapping
from datetime import timedelta
from math import ceil

from portal.domain.access import MANY_CUSTOMERS, SIGN_IN, SIGN_OUT, AccessEvent
from portal.domain.support import Reason
from portal.i18n import LazyWords, lazy_gettext
from portal.journey.assist import Help
from portal.web.words import gettext, ngettext

_ = lazy_gettext

REASONS: Mapping[Reason, LazyWords] = {
    Reason.CONNECTING: _("Help with connecting a device"),
    Reason.RECONNECTING: _("Help with reconnecting a device"),
    Reason.DEVICE_DATA: _("A question about a device or its values"),
    Reason.ACCOUNT: _("A question about the account"),
    Reason.PRIVACY: _("A question about personal data"),
    Reason.OTHER: _("Another question for customer support"),
}

DONE: Mapping[str, LazyWords] = {
    "cancelled": _("The attempt has been ended."),
    "checked": _("The device is being checked."),
    "invited": _("The invitation is on its way."),
    "not_possible": _("Nothing was done: it is no longer possible."),
}
"""What became of what an agent did for a customer."""

KINDS: Mapping[str, LazyWords] = {
    "": _("Everything"),
    "sign-ins": _("Signing in and out"),
    "alarms": _("Unusually many customers"),
}
"""Which part of the record is read."""

NOT_LET_IN: Mapping[str, LazyWords] = {
    "staff_role": _("Not let in: no role"),
    "staff_acr": _("Not let in: this way of signing in is not enough"),
    "staff_signed_out": _("Not let in: signed out by the sign-in service meanwhile"),
    "": _("Not let in: who it was is not known"),
}
"""Why somebody was not let in; the empty word is for every other cause."""

REFUSALS: Mapping[str, LazyWords] = {
    "role": _("Your role does not allow this."),
    "self": _("This is your own account. Ask a colleague."),
    "colleague": _("This account belongs to a colleague."),
    "too_many": _("You are already viewing three customers. Stop viewing one of them first."),
}


def happened(event: AccessEvent) -> str | None:
    """What is on record beside the requests, in words; None for a request, which has no others than its own."""
    word = event.outcome.removeprefix("refused ")
    if event.action == MANY_CUSTOMERS:
        return gettext("Looked at unusually many customers in one shift")
    if event.action == SIGN_OUT:
        return gettext("Signed out by the sign-in service") if word == "by_issuer" else gettext("Signed out")
    if event.action == SIGN_IN:
        return gettext("Signed in") if word == event.outcome else str(NOT_LET_IN.get(word, NOT_LET_IN[""]))
    return None


def not_done(found: Help) -> str | None:
    """Why the customer cannot be sent e-mails, where that is so."""
    if found.is_written_to:
        return None
    if found.has_post:
        return gettext("No e-mail address of this customer is known, so invitations cannot be sent.")
    return gettext("Sending e-mails is not set up, so invitations cannot be sent.")


def refusal(word: str) -> str:
    """Why a customer may not be looked at."""
    return str(REFUSALS[word])


def wrong_code() -> str:
    """The same whatever is wrong with it."""
    return gettext("This code is wrong or no longer valid. Ask the customer for a new one.")


def time_left(seconds: float) -> str:
    """How long a permission still lasts, rounded up."""
    return ngettext("%(num)d minute left", "%(num)d minutes left", max(1, ceil(seconds / 60)))


def lasted(time: timedelta) -> str:
    """How long somebody looked, rounded up."""
    return ngettext("%(num)d minute", "%(num)d minutes", max(1, ceil(time.total_seconds() / 60)))


def view_title(name: str | None) -> str:
    return gettext("Viewing as %(name)s", name=name) if name else gettext("Viewing as a customer")
