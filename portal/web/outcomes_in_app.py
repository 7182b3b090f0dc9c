"""What is said of an attempt: in the retailer's app other words while its customer is in another browser."""

from portal.domain.link_session import State
from portal.domain.people import Surface
from portal.journey.outcome import AttemptView
from portal.web.outcomes import NextStep, Outcome, Tone, outcome
from portal.web.surface import surface
from portal.web.words import gettext


def words_of(view: AttemptView) -> Outcome:
    """The words for an attempt where it is shown now."""
    in_app = outcome_in_app(view) if surface() is Surface.APP else None
    return in_app or outcome(view)


def outcome_in_app(view: AttemptView) -> Outcome | None:
    """The words of the app; None where they are those of any browser."""
    if view.may_go_on:
        text = gettext(
            "%(provider)s opens in your browser. When you are done there, press “Back to the app”.",
            provider=view.provider.name,
        )
        return Outcome(Tone.SUCCESS, gettext("Your link is ready"), text, NextStep.GO_ON)
    if view.attempt.state is State.DEPARTED:
        text = gettext(
            "When you are done there, press “Back to the app”: this page then goes on by itself. If the browser is "
            "closed, start again here. Your choice is kept."
        )
        return Outcome(Tone.WAITING, gettext("Go on in your browser"), text, NextStep.AGAIN)
    if view.attempt.waits_for_sign_in():
        text = gettext(
            "Press “Back to the app” in your browser. That is how we know it was you. If that page is gone, start "
            "again here. Your choice is kept."
        )
        return Outcome(Tone.WAITING, gettext("Almost done"), text, NextStep.AGAIN)
    return None
