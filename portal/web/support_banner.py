"""What an agent reads above a customer's page, in their own language: whose it is, why, and for how long."""

from dataclasses import dataclass

from flask import request, session, url_for

from portal import i18n
from portal.journey.support import Viewing
from portal.web import staff_session
from portal.web.support_words import REASONS, time_left, view_title
from portal.web.wiring import portal
from portal.web.words import gettext


@dataclass(frozen=True, slots=True)
class Banner:
    """The words of the banner; each of the `parts` stays on one line where it can. `other_language`: the switch's.

    The timeline is always in the agent's language, so there is no switch (`language_label`) on it.
    """

    language: str
    title: str
    parts: tuple[str, ...]
    language_label: str | None
    other_language: str
    end_label: str
    renew_label: str | None
    timeline: str
    timeline_label: str
    help: str
    help_label: str


def banner() -> Banner | None:
    """The banner of this page, None on the staff's own."""
    found = staff_session.viewing()
    if found is None:
        return None
    language = staff_session.agents_language()
    with i18n.speaking(language):
        return _words(found, language)


def _words(found: Viewing, language: str) -> Banner:
    now, identity = portal().clock(), found.customer.identity
    parts = (
        gettext("You cannot change anything."),
        f"{REASONS[found.grant.reason]} ({found.grant.ticket}).",
        f"{time_left((found.grant.expires_at - now).total_seconds())}.",
    )
    may_renew = found.grant.may_renew(now) and not found.customer.support_asks_first
    shows_own = bool(session.get(staff_session.OWN_LANGUAGE))
    return Banner(
        language=language,
        title=view_title(identity.name or identity.email or identity.number),
        parts=parts,
        language_label=_switch(shows_own=shows_own),
        other_language="no" if shows_own else "yes",
        timeline=url_for("timeline.entries"),
        timeline_label=gettext("Timeline"),
        help=url_for("assist.offer", grant_id=found.grant.id),
        help_label=gettext("Help this customer"),
        end_label=gettext("Stop viewing"),
        renew_label=gettext("15 more minutes") if may_renew else None,
    )


def _switch(*, shows_own: bool) -> str | None:
    if request.endpoint == "timeline.entries":
        return None
    return gettext("In the customer’s language") if shows_own else gettext("In my language")
