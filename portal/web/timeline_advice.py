"""What each outcome code means for those who help a customer, and a sentence that they can read out."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.domain.link_session import Reason, State
from portal.i18n import LazyWords, lazy_gettext

_ = lazy_gettext

OUR_FAULT = _("The fault is on our side, not yours, and we are looking into it. Please try again later.")


@dataclass(frozen=True, slots=True)
class Advice:
    """`meaning` is for the agent, `to_tell` for the customer. Both may name the provider."""

    meaning: LazyWords
    to_tell: LazyWords


BY_REASON: Mapping[Reason, Advice] = {
    Reason.CUSTOMER_CANCELLED: Advice(
        _("The customer cancelled at %(provider)s."),
        _("Nothing was connected. Your choice is kept, so you can start again at any time."),
    ),
    Reason.NOTHING_CONNECTED: Advice(
        _("The customer came back from %(provider)s without a device."),
        _("You came back before a device was connected. Please start again, and sign in with your manufacturer there."),
    ),
    Reason.USER_CHANGED: Advice(
        _(
            "%(provider)s sent the customer back under a new user: it has probably deleted the one from before. Make "
            "sure who you are speaking to, then have an administrator confirm the new user with the reference number."
        ),
        _("%(provider)s has a new account for you. We will confirm it for you, and then you start again."),
    ),
    Reason.ANSWER_UNREADABLE: Advice(
        _("What came back from %(provider)s did not match this attempt, so it was not used."),
        _("Please start again, and stay in one browser until you are back on our page."),
    ),
    Reason.SUPERSEDED: Advice(
        _("The customer started again, and the newer attempt replaced this one."),
        _("You have started again since then. Please continue with the newer attempt."),
    ),
    Reason.SUPPORT_CANCELLED: Advice(
        _("Customer support ended it."),
        _("We have ended that attempt for you. Your choice is kept, so you can start again at any time."),
    ),
    Reason.PERMISSION_WITHDRAWN: Advice(
        _("The customer took back the permission that it rested on."),
        _("You took back your permission, so that attempt ended. You can start again at any time."),
    ),
    Reason.NOT_SIGNED_IN: Advice(
        _("The customer came back in a browser where nobody was signed in. It continues once they sign in there."),
        _(
            "Please sign in using the browser you came back in, or press “Back to the app” there. If that page is "
            "gone, start again."
        ),
    ),
    Reason.ANOTHER_PERSON: Advice(
        _(
            "Another customer was signed in where the browser came back, so nothing was connected. It may be a shared "
            "computer, or a link that was passed on. Do not mention the other customer."
        ),
        _("For your safety no device was connected. Start again, and stay in one browser until you are back."),
    ),
    Reason.OTHER_ACCOUNT: Advice(
        _("The customer signed in with a different manufacturer account from the one the device belongs to."),
        _(
            "You signed in with a different account from the one this device belongs to. Try again with the right "
            "account."
        ),
    ),
    Reason.WHICH_DEVICE: Advice(
        _(
            "The customer came back with a device under a new number. Nothing tells whether it is the same one, so "
            "they are asked."
        ),
        _("Among your devices we ask you whether it is the same one. Please answer there."),
    ),
    Reason.PROVIDER_UNAVAILABLE: Advice(
        _("%(provider)s could not be reached. It is not the customer’s fault, and it usually passes."),
        _("%(provider)s could not be reached. The fault is not yours: please try again in a few minutes."),
    ),
    Reason.VENDOR_ASKED: Advice(
        _("%(provider)s did not accept the manufacturer, so the customer has to choose it once more on its page."),
        _("Choose your manufacturer once more on the next page."),
    ),
    Reason.PROVIDER_BUSY: Advice(
        _("%(provider)s asked for a pause after too many requests. It passes on its own."),
        _("%(provider)s is very busy right now. The fault is not yours: please try again in a few minutes."),
    ),
    Reason.PROVIDER_REFUSED: Advice(
        _(
            "%(provider)s refused our request, and will refuse the next one too. Tell your technical team this code "
            "and the time."
        ),
        OUR_FAULT,
    ),
    Reason.PROVIDER_ANSWER: Advice(
        _("%(provider)s gave an answer that we cannot use. Tell your technical team this code and the time."),
        OUR_FAULT,
    ),
    Reason.STEP_FAILED: Advice(
        _("Our own software failed at this step again and again. Tell your technical team this code and the time."),
        OUR_FAULT,
    ),
    Reason.NOT_CONFIRMED: Advice(
        _(
            "The customer came back, but %(provider)s has not reported the device. It may be offline, or missing from "
            "the manufacturer’s app."
        ),
        _("Please check that your device is online and in your manufacturer’s app, and then start again."),
    ),
    Reason.LEFT_OPEN: Advice(
        _("The customer did not come back before the link expired."),
        _("The link has expired. Your choice is kept: start again with a fresh one."),
    ),
    Reason.STILL_BROKEN: Advice(
        _("The customer came back from reconnecting, but %(provider)s still has no access to the device."),
        _("Please press “Reconnect” once more, and sign in with the account that owns the device."),
    ),
    Reason.ALREADY_WORKING: Advice(
        _("The device was working again before the customer left, so there was nothing to reconnect."),
        _("Your device works again. There is nothing more to do."),
    ),
    Reason.KEPT_BOTH: Advice(
        _("The customer signed in with another account and kept the device found there as well as the first one."),
        _("Both devices are kept. If the first one still needs reconnecting, press “Reconnect” beside it."),
    ),
}

BY_STATE: Mapping[State, Advice] = {
    State.CREATED: Advice(
        _("We are asking %(provider)s for the link."),
        _("Your link is being prepared. Please leave the page open: it continues by itself."),
    ),
    State.DEPARTED: Advice(
        _(
            "The customer has the link and has not come back. The page at %(provider)s may still be open, or may "
            "have been closed."
        ),
        _("If that page is still open, please continue there. Otherwise, start again: your choice is kept."),
    ),
    State.ARRIVED: Advice(
        _("The customer is back, and we are asking %(provider)s what was connected."),
        _("We are checking your connection. You do not have to wait on the page."),
    ),
    State.WAITING: Advice(
        _("The manufacturer account is connected, but %(provider)s has not reported the device yet."),
        _("Your account is connected. The device will appear on its own, and you do not have to wait on the page."),
    ),
    State.LINKED: Advice(
        _("Everything went well."),
        _("Your device is connected. It can take up to 15 minutes for the first values to arrive."),
    ),
    # These are never without a reason; should one be all the same, the likeliest stands in.
    State.HELD: BY_REASON[Reason.NOT_SIGNED_IN],
    State.CANCELLED: BY_REASON[Reason.CUSTOMER_CANCELLED],
    State.FAILED: BY_REASON[Reason.PROVIDER_ANSWER],
    State.EXPIRED: BY_REASON[Reason.LEFT_OPEN],
}
"""Where an attempt has no outcome code yet, or needs none."""

REFUSED_BY_RECEIVER = Advice(
    _(
        "Someone else had the link and said it was not for them, so the attempt ended. The customer may have passed "
        "it on, or may have been asked to."
    ),
    _("For your safety, nothing was connected. Please start again yourself, and never send the link to anyone."),
)
"""An attempt that ended because whoever opened it was somebody else."""


def advice(state: State, reason: Reason | None, *, refused: bool = False) -> Advice:
    """What to make of an attempt that stands so; `refused`: by somebody who was let out with it."""
    if refused:
        return REFUSED_BY_RECEIVER
    return BY_STATE[state] if reason is None else BY_REASON[reason]
