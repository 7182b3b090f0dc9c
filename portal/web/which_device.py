"""The words about which device it is: what the customer is asked, and what they read of another account."""

from dataclasses import dataclass

from portal.domain.device import Device
from portal.journey.outcome import AttemptView
from portal.journey.which_device import Question, key_of
from portal.web.labels import SAME_QUESTIONS, device_name, plain_name
from portal.web.words import day_of, gettext, listed


@dataclass(frozen=True, slots=True)
class SameChoice:
    """One answer: that what was `found` is the device from `before`."""

    label: str
    found: str
    before: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its answers. After a renewal it is the page's own heading, so there is no `title` then."""

    title: str | None
    text: str
    choices: tuple[SameChoice, ...]


def asked(view: AttemptView) -> Asked | None:
    """What the customer is asked on the page of an attempt."""
    question = view.question
    if question is None:
        return None
    title = None if question.is_renewal else str(SAME_QUESTIONS[question.found[0].device_type])
    return Asked(title, which_one(view, question), _choices(view, question))


def which_one(view: AttemptView, question: Question) -> str:
    """Why the customer is asked."""
    if not question.is_renewal:
        return gettext(
            "This was on your list before: %(devices)s. If it is the same one, it becomes one again, under its old "
            "place on the list.",
            devices=listed([_name(device, view) for device in question.before]),
        )
    found, before = (
        listed([_found_name(device, question) for device in question.found]),
        _name(question.before[0], view),
    )
    return gettext(
        "You wanted to reconnect this device: %(device)s. %(provider)s now names this one: %(found)s. We cannot tell "
        "whether it is the same one, or one from another account.",
        device=before,
        provider=question.provider.name,
        found=found,
    )


def other_account(view: AttemptView) -> str:
    """That another account came back: which device it brought, which still needs reconnecting, and what to do."""
    pinned = "" if view.device is None else _name(view.device, view)
    names = {"other": listed([plain_name(device) for device in view.came]), "device": pinned}
    if not view.came or not pinned:
        return gettext(
            "You signed in with a different account from the one this device belongs to. Try again with the right "
            "account."
        )
    if view.may_keep_both and view.may_let_go:
        return gettext(
            "The account that you signed in with has another device: %(other)s. This one still needs reconnecting: "
            "%(device)s. Try again with the account that owns it. You can also keep both devices, or end the access to "
            "the other one.",
            **names,
        )
    if view.may_keep_both:
        return gettext(
            "The account that you signed in with has another device: %(other)s. This one still needs reconnecting: "
            "%(device)s. Try again with the account that owns it, or keep both devices.",
            **names,
        )
    return gettext(
        "The account that you signed in with has another device: %(other)s. This one still needs reconnecting: "
        "%(device)s. Try again with the account that owns it.",
        **names,
    )


def replaced(view: AttemptView) -> str | None:
    """Which devices are off the list because of this one."""
    if not view.replaced:
        return None
    said = (
        gettext("%(device)s from %(day)s was replaced.", device=plain_name(device), day=day_of(device.linked_at))
        for device in view.replaced
    )
    return " ".join(said)


def _choices(view: AttemptView, question: Question) -> tuple[SameChoice, ...]:
    pairs = [(found, before) for found in question.found for before in question.before]
    if len(pairs) == 1:
        labels = [gettext("Yes, it is the same one")]
    elif question.is_renewal:
        labels = [gettext("Yes, it is %(device)s", device=_found_name(found, question)) for found, _ in pairs]
    else:
        labels = [gettext("Yes, it is %(device)s", device=_name(before, view)) for _, before in pairs]
    return tuple(
        SameChoice(label, key_of(found), before.id) for label, (found, before) in zip(labels, pairs, strict=True)
    )


def _name(device: Device, view: AttemptView) -> str:
    return device_name(device, among=view.devices)


def _found_name(device: Device, question: Question) -> str:
    return device_name(device, among=question.found)
