"""What customer support reads, and what customers read of it."""

from collections.abc import Mapping
from datetime import timedelta
from math import ceil

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
    Reason.OTHER: _("Another question to customer support"),
}

DONE: Mapping[str, LazyWords] = {
    "cancelled": _("The attempt is ended."),
    "checked": _("The device is being checked."),
    "invited": _("The invitation is on its way."),
    "not_possible": _("Nothing was done: it is no longer possible."),
}
"""What became of what an agent did for a customer."""

REFUSALS: Mapping[str, LazyWords] = {
    "role": _("Your role does not allow viewing customers."),
    "self": _("This is your own account. Ask a colleague."),
    "colleague": _("This account belongs to a colleague."),
    "too_many": _("You are viewing three customers already. Stop viewing one of them first."),
}


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
    return gettext("This code is not right, or not good any more. Ask the customer for a new one.")


def time_left(seconds: float) -> str:
    """How long a permission still lasts, rounded up."""
    return ngettext("%(num)d minute left", "%(num)d minutes left", max(1, ceil(seconds / 60)))


def lasted(time: timedelta) -> str:
    """How long somebody looked, rounded up."""
    return ngettext("%(num)d minute", "%(num)d minutes", max(1, ceil(time.total_seconds() / 60)))


def view_title(name: str | None) -> str:
    return gettext("Viewing as %(name)s", name=name) if name else gettext("Viewing as a customer")
