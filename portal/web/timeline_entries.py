"""The timeline as its page shows it: each entry with its words, its facts and its codes."""

from dataclasses import dataclass
from datetime import datetime

import flask_babel

from portal.domain.catalogue import DeviceType, Vendor
from portal.domain.link_session import Reason, State
from portal.domain.people import Consent
from portal.i18n import LazyWords, moment, name_of
from portal.journey.device_timeline import DeviceEntry, DeviceEvent
from portal.journey.timeline import AttemptEntry, Entry, RecordEntry, Step, Timeline
from portal.web.labels import CONNECTIONS, TYPE_NAMES, device_name, vendor_name
from portal.web.outcomes import Tone
from portal.web.timeline_advice import advice
from portal.web.timeline_words import (
    ANOTHER_RECORD,
    ATTEMPTS,
    CAUSES,
    DEVICE_EVENTS,
    KEPT_BOTH,
    RECORDS,
    ROUTES,
    STATES,
    STEPS,
    STILL_THERE,
)
from portal.web.words import gettext

TONES = {
    State.LINKED: Tone.SUCCESS,
    State.CREATED: Tone.WAITING,
    State.ARRIVED: Tone.WAITING,
    State.WAITING: Tone.WAITING,
    State.HELD: Tone.ATTENTION,
    State.FAILED: Tone.ATTENTION,
}

DEVICE_TONES = {
    DeviceEvent.LINKED: Tone.SUCCESS,
    DeviceEvent.RECONNECTED: Tone.SUCCESS,
    DeviceEvent.HEALED: Tone.SUCCESS,
    DeviceEvent.LAPSED: Tone.ATTENTION,
    DeviceEvent.REMOVAL_FAILED: Tone.ATTENTION,
    DeviceEvent.REMOVAL_UNKNOWN: Tone.ATTENTION,
}


@dataclass(frozen=True, slots=True)
class Fact:
    """Something about an entry, under its label. `is_code`: to be quoted letter by letter."""

    label: str
    text: str
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class StepWords:
    """One move. `code` is why, `times` how often in a row."""

    at: datetime
    when: str
    text: str
    code: str | None
    times: int


@dataclass(frozen=True, slots=True)
class EntryWords:
    """One entry. `text` is all there is to say of most; an attempt has advice, facts and steps instead."""

    at: datetime
    when: str
    tone: Tone
    title: str
    state: str | None = None
    text: str | None = None
    meaning: str | None = None
    to_tell: str | None = None
    facts: tuple[Fact, ...] = ()
    steps: tuple[StepWords, ...] = ()


def told(timeline: Timeline) -> tuple[EntryWords, ...]:
    """The words of all entries, in the language of this request."""
    return tuple(_entry(entry) for entry in timeline.entries)


def to_the_minute(when: datetime) -> str:
    """A time as on every page, and of older days the hour too: support compares it with what a customer remembers."""
    said, time = moment(when), flask_babel.format_time(when, "short")
    return said if time in said else f"{said}, {time}"


def _entry(entry: Entry) -> EntryWords:
    match entry:
        case AttemptEntry():
            return _attempt(entry)
        case DeviceEntry():
            return _device(entry)
        case RecordEntry():
            return _record(entry)


def _attempt(entry: AttemptEntry) -> EntryWords:
    provider = {"provider": entry.provider_name}
    refused = any(step.action == "refused_by_receiver" for step in entry.steps)
    said = advice(entry.state, entry.reason, refused=refused)
    return EntryWords(
        at=entry.at,
        when=to_the_minute(entry.at),
        tone=_tone(entry, refused=refused),
        title=_filled(ATTEMPTS[entry.purpose], device=_choice(entry.device_type, entry.vendor)),
        state=str(KEPT_BOTH if entry.reason is Reason.KEPT_BOTH else STATES[entry.state]),
        meaning=_filled(said.meaning, **provider),
        to_tell=_filled(said.to_tell, **provider),
        facts=_facts(entry),
        steps=tuple(_step(step) for step in entry.steps),
    )


def _tone(entry: AttemptEntry, *, refused: bool) -> Tone:
    """Keeping both devices is no failure, though the attempt did not do what it was opened for."""
    if entry.reason is Reason.KEPT_BOTH:
        return Tone.SUCCESS
    return Tone.ATTENTION if refused else TONES.get(entry.state, Tone.NEUTRAL)


def _choice(device_type: DeviceType, vendor: Vendor) -> str:
    return f"{TYPE_NAMES[device_type]}, {vendor_name(vendor)}"


def _facts(entry: AttemptEntry) -> tuple[Fact, ...]:
    facts = [Fact(gettext("Outcome code"), entry.reason or entry.state, is_code=True)]
    if entry.provider_reference:
        label = gettext("Reference for %(provider)s support", provider=entry.provider_name)
        facts.append(Fact(label, entry.provider_reference, is_code=True))
    facts += [
        Fact(gettext("Sent to"), entry.provider_name),
        Fact(gettext("Why there"), _filled(ROUTES[entry.route_reason], provider=entry.provider_name)),
        Fact(gettext("Language"), name_of(entry.language)),
    ]
    if entry.consent is not None:
        facts.append(Fact(gettext("Permission"), _consent(entry.consent)))
    return tuple(facts)


def _consent(consent: Consent) -> str:
    given = {"when": to_the_minute(consent.given_at), "version": consent.version, "language": name_of(consent.language)}
    if consent.smart_control:
        return gettext(
            "To read data and use smart control: given %(when)s, version %(version)s of the text, language: "
            "%(language)s",
            **given,
        )
    return gettext("To read data: given %(when)s, version %(version)s of the text, language: %(language)s", **given)


def _step(step: Step) -> StepWords:
    return StepWords(
        step.at, to_the_minute(step.at), str(STEPS.get(step.action, ANOTHER_RECORD)), step.reason, step.times
    )


def _device(entry: DeviceEntry) -> EntryWords:
    names = {"device": device_name(entry.device), "provider": entry.provider_name}
    cause = entry.cause
    text = CAUSES[cause] if cause else STILL_THERE if _may_still_be_there(entry) else None
    return EntryWords(
        at=entry.at,
        when=to_the_minute(entry.at),
        tone=DEVICE_TONES.get(entry.event, Tone.NEUTRAL),
        title=_filled(DEVICE_EVENTS[entry.event], **names),
        state=str(CONNECTIONS[cause.connection]) if cause and entry.event is DeviceEvent.CHANGED else None,
        text=_filled(text, **names) if text else None,
    )


def _may_still_be_there(entry: DeviceEntry) -> bool:
    """Whether the device was taken off the list alone."""
    device = entry.device
    is_last = entry.event is DeviceEvent.REMOVED and device.removed_at == entry.at
    return is_last and device.removal_failed_at is not None


def _record(entry: RecordEntry) -> EntryWords:
    title = RECORDS.get(entry.action, ANOTHER_RECORD)
    text = str(TYPE_NAMES[entry.device_type]) if entry.device_type else None
    code = () if entry.action in RECORDS else (Fact(gettext("On record as"), entry.action, is_code=True),)
    return EntryWords(entry.at, to_the_minute(entry.at), Tone.NEUTRAL, str(title), text=text, facts=code)


def _filled(words: LazyWords, **names: str) -> str:
    return str(words) % names
