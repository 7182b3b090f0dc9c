"""What the page of an attempt says: one heading, honest words and one thing to do, for every state and reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.domain.catalogue import DeviceType
from portal.domain.health import Connection
from portal.domain.link_session import Purpose, Reason, State
from portal.i18n import LazyWords, lazy_gettext
from portal.journey.outcome import AttemptView
from portal.web.labels import SAME_QUESTIONS, WAITING_FOR
from portal.web.waits import until_another_try, until_it_is_checked, until_its_link
from portal.web.which_device import other_account, replaced, which_one
from portal.web.words import gettext

_ = lazy_gettext


class Tone(StrEnum):
    """The sign beside the heading."""

    SUCCESS = "success"
    ATTENTION = "attention"
    WAITING = "waiting"
    NEUTRAL = "neutral"


class NextStep(StrEnum):
    """The one main button: wait (none), follow the link, begin again, connect another device, or keep both devices;
    or the answers to a question."""

    WAIT = "wait"
    GO_ON = "go_on"
    AGAIN = "again"
    MORE = "more"
    ASK = "ask"
    AGAIN_OR_KEEP = "again_or_keep"
    AGAIN_OR_OTHER = "again_or_other"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt stands, in words."""

    tone: Tone
    title: str
    text: str
    next_step: NextStep


LINKED: Mapping[DeviceType, LazyWords] = {
    DeviceType.HEAT_PUMP: _("Your heat pump is connected"),
    DeviceType.VEHICLE: _("Your electric car is connected"),
    DeviceType.CHARGER: _("Your charging station is connected"),
    DeviceType.INVERTER: _("Your solar inverter is connected"),
    DeviceType.BATTERY: _("Your home battery is connected"),
    DeviceType.HVAC: _("Your air conditioning or thermostat is connected"),
}

RECONNECTED: Mapping[DeviceType, LazyWords] = {
    DeviceType.HEAT_PUMP: _("Your heat pump is connected again"),
    DeviceType.VEHICLE: _("Your electric car is connected again"),
    DeviceType.CHARGER: _("Your charging station is connected again"),
    DeviceType.INVERTER: _("Your solar inverter is connected again"),
    DeviceType.BATTERY: _("Your home battery is connected again"),
    DeviceType.HVAC: _("Your air conditioning or thermostat is connected again"),
}


def outcome(view: AttemptView) -> Outcome:
    """The words for an attempt as it stands now. What a device has got over in the meantime is not said any more."""
    return _healed(view) if _has_healed(view) else BY_STATE[view.attempt.state](view)


def _has_healed(view: AttemptView) -> bool:
    """Whether a renewal came to nothing, and its device works all the same."""
    attempt, device = view.attempt, view.device
    came_to_nothing = attempt.state in {State.FAILED, State.CANCELLED, State.EXPIRED}
    is_about_it = attempt.purpose is Purpose.REAUTHENTICATE and attempt.reason is not Reason.KEPT_BOTH
    works = device is not None and device.connection is Connection.WORKING
    return came_to_nothing and is_about_it and works


def _healed(view: AttemptView) -> Outcome:
    title = gettext("The device works again")
    if view.may_keep_both:
        text = gettext("You also signed in with another account, and we found a different device. You can keep both.")
        return Outcome(Tone.SUCCESS, title, text, NextStep.KEEP)
    return Outcome(Tone.SUCCESS, title, gettext("There is nothing more to do."), NextStep.MORE)


def _created(view: AttemptView) -> Outcome:
    return Outcome(Tone.WAITING, gettext("Getting your link ready"), until_its_link(view), NextStep.WAIT)


def _departed(view: AttemptView) -> Outcome:
    if view.may_go_on:
        title = gettext("Your link is ready")
        text = gettext("You go on to %(provider)s now.", provider=view.provider.name)
        if view.attempt.reason is Reason.VENDOR_ASKED:
            text = gettext("Choose %(vendor)s once more on the next page.", vendor=view.vendor.name)
        return Outcome(Tone.NEUTRAL, title, text, NextStep.GO_ON)
    if view.attempt.reason is Reason.USER_CHANGED:
        title = gettext("We have to check this with you first")
        text = gettext(
            "%(provider)s now knows you under a new account, and we have to be sure that it is yours before we connect "
            "anything. Please contact customer support and give them the reference number on this page.",
            provider=view.provider.name,
        )
        # Beginning again would end here again: support first.
        return Outcome(Tone.ATTENTION, title, text, NextStep.WAIT)
    if view.attempt.reason is Reason.ANSWER_UNREADABLE:
        title = gettext("We could not use what you came back with")
        text = gettext(
            "What %(provider)s sent back with you did not match this attempt. If its page is still open, finish there. "
            "Otherwise start again, or ask customer support.",
            provider=view.provider.name,
        )
        return Outcome(Tone.ATTENTION, title, text, NextStep.AGAIN)
    return Outcome(
        Tone.NEUTRAL,
        gettext("You have not come back yet"),
        gettext(
            "If %(provider)s is still open in another window, go on there. Otherwise start again: a link works only "
            "once, and your choice is kept.",
            provider=view.provider.name,
        ),
        NextStep.AGAIN,
    )


def _arrived(view: AttemptView) -> Outcome:
    return Outcome(Tone.WAITING, gettext("Checking your connection"), until_it_is_checked(view), NextStep.WAIT)


def _waiting(view: AttemptView) -> Outcome:
    if view.is_late:
        return _late(view)
    if view.attempt.purpose is Purpose.REAUTHENTICATE:
        text = gettext(
            "Your account is connected again. Until the device reports back it can take some minutes. You may leave "
            "this page: the device will show as connected on its own."
        )
    else:
        text = gettext(
            "Your account is connected. Until the device shows up it can take some minutes. You may leave this page: "
            "the device will appear among your devices on its own."
        )
    return Outcome(Tone.WAITING, str(WAITING_FOR[view.attempt.device_type]), text, NextStep.WAIT)


def _late(view: AttemptView) -> Outcome:
    """Nothing is over yet: the provider is asked for a day."""
    title = gettext("Your device hasn’t shown up yet")
    text = gettext(
        "You came back, but %(provider)s hasn’t found your device so far. We keep asking for a day, and it appears "
        "among your devices as soon as it is there. Check that it is online and in your manufacturer’s app.",
        provider=view.provider.name,
    )
    return Outcome(Tone.WAITING, title, text, NextStep.WAIT)


def _linked(view: AttemptView) -> Outcome:
    attempt = view.attempt
    if attempt.reason is Reason.ALREADY_WORKING:
        text = gettext("We checked before sending you on. There is nothing more to do.")
        return Outcome(Tone.SUCCESS, gettext("The device works again"), text, NextStep.MORE)
    words = LINKED if attempt.purpose is Purpose.LINK or view.replaced else RECONNECTED
    text = gettext("It can take up to 15 minutes until the first values arrive.")
    found = view.device.device_type if view.device is not None else attempt.device_type
    if found is not attempt.device_type:
        text = gettext(
            "You chose another type of device, and this is what your account holds. It can take up to 15 minutes until "
            "the first values arrive."
        )
    gone = replaced(view)
    return Outcome(Tone.SUCCESS, str(words[found]), text if gone is None else f"{text} {gone}", NextStep.MORE)


def _held(_view: AttemptView) -> Outcome:
    return Outcome(
        Tone.NEUTRAL,
        gettext("We could not finish this connection"),
        gettext("For your safety no device was connected. Start again, and stay in one browser until you are back."),
        NextStep.AGAIN,
    )


def _cancelled(view: AttemptView) -> Outcome:
    if view.attempt.reason is Reason.SUPERSEDED:
        title = gettext("You started again")
        text = gettext("A newer attempt has taken the place of this one. Go on with that one, or start again here.")
    elif view.attempt.reason is Reason.SUPPORT_CANCELLED:
        title = gettext("Customer support ended this attempt")
        text = gettext("Nothing was connected. Your choice is kept, so you can start again at any time.")
    elif view.attempt.reason is Reason.NOTHING_CONNECTED:
        title = gettext("Nothing was connected")
        text = gettext("You came back without a device. Your choice is kept, so you can start again at any time.")
    else:
        title = gettext("You cancelled")
        text = gettext("Nothing was connected. Your choice is kept, so you can start again at any time.")
    return Outcome(Tone.NEUTRAL, title, text, NextStep.AGAIN)


def _expired(view: AttemptView) -> Outcome:
    if view.attempt.reason is Reason.PERMISSION_WITHDRAWN:
        title = gettext("You took back your permission")
        text = gettext("By this attempt nothing is connected any more. You can start again at any time.")
        return Outcome(Tone.NEUTRAL, title, text, NextStep.AGAIN)
    return Outcome(
        Tone.NEUTRAL,
        gettext("That took too long"),
        gettext("The link has expired. Your choice is kept: start again with a fresh one."),
        NextStep.AGAIN,
    )


def _failed(view: AttemptView) -> Outcome:
    reason, provider = view.attempt.reason, view.provider.name
    if reason is Reason.WHICH_DEVICE and view.question is not None:
        title = str(SAME_QUESTIONS[view.attempt.device_type])
        return Outcome(Tone.ATTENTION, title, which_one(view, view.question), NextStep.ASK)
    if reason in {Reason.OTHER_ACCOUNT, Reason.WHICH_DEVICE}:
        return _other_account(view)
    if reason is Reason.KEPT_BOTH:
        if _is_first_lapsed(view):
            text = gettext("The other device is connected too. The first one still needs reconnecting.")
        else:
            text = gettext("The other device is connected too.")
        return Outcome(Tone.SUCCESS, gettext("Both devices are kept"), text, NextStep.MORE)
    if reason is Reason.STILL_BROKEN and not _needs_customer(view):
        text = gettext("Among your devices you see how it is now.")
        return Outcome(Tone.NEUTRAL, gettext("That took too long"), text, NextStep.MORE)
    return Outcome(Tone.ATTENTION, *_what_failed(view, provider), NextStep.AGAIN)


def _what_failed(view: AttemptView, provider: str) -> tuple[str, str]:
    """Title and text of a failure that a new try may mend."""
    match view.attempt.reason:
        case Reason.NOT_CONFIRMED:
            return gettext("Your device did not show up"), gettext(
                "You came back, but %(provider)s has not found your device. Check that it is online and in your "
                "manufacturer’s app, and then start again.",
                provider=provider,
            )
        case Reason.STILL_BROKEN:
            return gettext("The device still needs reconnecting"), gettext(
                "%(provider)s still cannot reach it. Sign in with the account that owns the device.", provider=provider
            )
        case Reason.STEP_FAILED:
            return gettext("Something went wrong on our side"), gettext(
                "The fault is not yours. Your choice is kept: try again later. If it stays, tell customer support the "
                "reference number."
            )
        case Reason.PROVIDER_UNAVAILABLE:
            title = gettext("%(provider)s cannot be reached right now", provider=provider)
            return title, until_another_try(view)
        case Reason.PROVIDER_BUSY:
            return gettext("%(provider)s is very busy right now", provider=provider), until_another_try(view)
    title = gettext("The connection could not be started")
    return title, gettext("The fault is not yours. Your choice is kept: try again later, or ask customer support.")


def _needs_customer(view: AttemptView) -> bool:
    return view.device is not None and view.device.needs_customer


def _is_first_lapsed(view: AttemptView) -> bool:
    """Whether the device that was to be reconnected still needs it, beside the one that was kept."""
    attempt = view.attempt
    same = (attempt.provider_key, attempt.device_type)
    vendor = {attempt.vendor_key, attempt.vendor_code} - {None}
    alike = (d for d in view.devices if (d.provider_key, d.device_type) == same)
    return any(d.needs_customer and not vendor.isdisjoint({d.vendor_key, d.vendor_code}) for d in alike)


def _other_account(view: AttemptView) -> Outcome:
    step = NextStep.AGAIN_OR_OTHER if view.may_keep_other else NextStep.AGAIN
    step = NextStep.AGAIN_OR_KEEP if view.may_keep_both else step
    return Outcome(Tone.ATTENTION, gettext("That was a different account"), other_account(view), step)


BY_STATE: Mapping[State, Callable[[AttemptView], Outcome]] = {
    State.CREATED: _created,
    State.DEPARTED: _departed,
    State.ARRIVED: _arrived,
    State.WAITING: _waiting,
    State.LINKED: _linked,
    State.HELD: _held,
    State.CANCELLED: _cancelled,
    State.EXPIRED: _expired,
    State.FAILED: _failed,
}
