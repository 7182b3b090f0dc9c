"""The words for a wait: what for, and how long where that is known. A provider is named only where it is the cause."""

from math import ceil

from portal.domain.link_session import IN_FLIGHT
from portal.domain.waiting import Cause, Wait
from portal.journey.outcome import AttemptView
from portal.web.words import gettext, ngettext

A_FEW_SECONDS = 10
"""Up to here a wait is not put into numbers."""


def until_its_link(view: AttemptView) -> str:
    """What an attempt waits for, and how long. Times are rounded up: nobody minds going on sooner."""
    provider, wait = view.provider.name, view.wait or Wait(Cause.US)
    match wait.cause:
        case Cause.PROVIDER_AWAY:
            return _until_the_next_try(provider, wait.seconds)
        case Cause.PROVIDER_BUSY if wait.seconds is not None:
            return _until_those_in_front_are_through(provider, wait.seconds)
        case Cause.PROVIDER_SLOW | Cause.PROVIDER_BUSY:
            return gettext(
                "%(provider)s is taking a little longer than usual. You can go on as soon as it answers.",
                provider=provider,
            )
        case Cause.OTHERS if wait.seconds is not None and wait.seconds > A_FEW_SECONDS:
            return _until_those_in_front_are_through(provider, wait.seconds)
    return gettext("This is taking a little longer than usual. You can go on as soon as your link is ready.")


def _until_the_next_try(provider: str, seconds: float | None) -> str:
    if seconds is None or seconds > IN_FLIGHT.total_seconds():
        return gettext(
            "%(provider)s cannot be reached right now. Your choice is kept, and we keep trying for you.",
            provider=provider,
        )
    return ngettext(
        "%(provider)s cannot be reached right now. Your choice is kept, and we try again in about %(num)d second.",
        "%(provider)s cannot be reached right now. Your choice is kept, and we try again in about %(num)d seconds.",
        ceil(seconds / 10) * 10,
        provider=provider,
    )


def _until_those_in_front_are_through(provider: str, seconds: float) -> str:
    if seconds <= 60:
        return ngettext(
            "Many customers are connecting through %(provider)s right now. Your place is kept, and your turn comes in "
            "about %(num)d second.",
            "Many customers are connecting through %(provider)s right now. Your place is kept, and your turn comes in "
            "about %(num)d seconds.",
            ceil(seconds / 10) * 10,
            provider=provider,
        )
    return ngettext(
        "Many customers are connecting through %(provider)s right now. Your place is kept, and your turn comes in "
        "about %(num)d minute.",
        "Many customers are connecting through %(provider)s right now. Your place is kept, and your turn comes in "
        "about %(num)d minutes.",
        ceil(seconds / 60),
        provider=provider,
    )


def until_it_is_checked(view: AttemptView) -> str:
    """What a customer who is back waits for."""
    if view.wait is None:
        return gettext(
            "We are asking %(provider)s about your device. This takes a few seconds.", provider=view.provider.name
        )
    return gettext("This is taking a little longer than usual. You may leave this page: we keep checking for you.")


def until_another_try(view: AttemptView) -> str:
    """When it is worth trying again, for an attempt whose provider could not be reached."""
    wait = view.wait
    if wait is None or wait.seconds is None:
        return gettext("Nothing was connected. Your choice is kept: try again in a few minutes.")
    return ngettext(
        "Nothing was connected. Your choice is kept: try again in about %(num)d minute.",
        "Nothing was connected. Your choice is kept: try again in about %(num)d minutes.",
        ceil(wait.seconds / 60),
    )
