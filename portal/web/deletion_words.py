"""What a customer reads of the deletion of their account, before and after."""

from dataclasses import dataclass

from portal.domain.deletion import DeletionStep, Progress
from portal.journey.deletion import Ending, ending_at
from portal.providers.protocol import Traits
from portal.web.words import gettext


@dataclass(frozen=True, slots=True)
class StepWords:
    """How it stands in one system: `tone` is success, attention or waiting."""

    title: str
    text: str
    tone: str


def provider_words(provider: Traits) -> str:
    """What happens at a provider."""
    match ending_at(provider):
        case Ending.FORGETS:
            return gettext("Your account there is deleted, and with it the access to your devices.")
        case Ending.ENDS_ACCESS:
            return gettext("The access to each of your devices is ended there.")
        case Ending.NOT_OFFERED:
            return _by_hand(provider.name)


def step_words(step: DeletionStep, provider: str | None) -> StepWords:
    """How far it has come; `provider` is None for the portal itself."""
    title = provider or gettext("This portal")
    match step.progress:
        case Progress.UNDER_WAY if provider is None:
            text = gettext("Your name and all that says who you were is deleted. The rest goes as soon as it can.")
            return StepWords(title, text, "waiting")
        case Progress.UNDER_WAY:
            text = gettext("Is being told. If it does not answer at once, we keep trying for some days.")
            return StepWords(title, text, "waiting")
        case Progress.DONE if provider is None:
            return StepWords(title, gettext("All your data is deleted."), "success")
        case Progress.DONE:
            return StepWords(title, gettext("The access to your devices has ended."), "success")
        case Progress.NOT_OFFERED:
            return StepWords(title, _by_hand(title), "attention")
        case Progress.GIVEN_UP:
            text = gettext(
                "It did not answer for days, so the access may still be there. To end it, change the password of your "
                "manufacturer’s account or ask customer support."
            )
            return StepWords(title, text, "attention")


def _by_hand(provider: str) -> str:
    return gettext(
        "We cannot end the access at %(provider)s from here. To end it completely, change the password of your "
        "manufacturer’s account or ask customer support.",
        provider=provider,
    )
