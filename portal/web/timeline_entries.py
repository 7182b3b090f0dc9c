"""The timeline as its page shows it: each entry with its words, its facts and its codes."""

from dataclasses import dataclass, replace
from datetime import datetime

from portal.domain.catalogue import DeviceType, Vendor
from portal.domain.device import Device
from portal.domain.link_session import Reason, State
from portal.domain.people import Consent
from portal.i18n import LazyWords, current_language, moment, name_of, speaking, time_of_day
from portal.journey.device_timeline import DeviceEntry, DeviceEvent
from portal.journey.timeline import AttemptEntry, Entry, RecordEntry, Step, Timeline
from portal.web.labels import CONNECTIONS, ONE_OF_TYPE, TYPE_NAMES, device_name, vendor_name
from portal.web.outcomes import Tone
from portal.web.timeline_advice import Advice, advice
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
    """One entry. `text` is all there is to say of most; an attempt has advice, facts and steps instead.

    `to_tell_them` is what to tell the customer in their language, where the agent reads another. `is_short`: it went
    well, so all but the first lines is folded away. The timeline can be narrowed down to `attempt_id` or `device_id`.
    """

    at: datetime
    when: str
    tone: Tone
    title: str
    state: str | None = None
    text: str | None = None
    meaning: str | None = None
    to_tell: str | None = None
    to_tell_them: str | None = None
    their_language: str | None = None
    is_short: bool = False
    attempt_id: str | None = None
    device_id: str | None = None
    facts: tuple[Fact, ...] = ()
    steps: tuple[StepWords, ...] = ()


def told(timeline: Timeline, customers_language: str) -> tuple[EntryWords, ...]:
    """The words of all entries, in the language of this page, and what to tell the customer in theirs as well."""
    listed = tuple(device for device in timeline.devices if device.removed_at is None)
    words = tuple(_entry(entry, listed) for entry in timeline.entries)
    if customers_language == current_language():
        return words
    with speaking(customers_language):
        theirs = [_to_tell(entry) for entry in timeline.entries]
    return tuple(
        replace(one, to_tell_them=told_them, their_language=customers_language) if one.to_tell else one
        for one, told_them in zip(words, theirs, strict=True)
    )


def _to_tell(entry: Entry) -> str | None:
    return _filled(_advice(entry).to_tell, provider=entry.provider_name) if isinstance(entry, AttemptEntry) else None


def _advice(entry: AttemptEntry) -> Advice:
    return advice(entry.state, entry.reason, refused=_was_refused(entry))


def _was_refused(entry: AttemptEntry) -> bool:
    return any(step.action == "refused_by_receiver" for step in entry.steps)


def to_the_minute(when: datetime) -> str:
    """A time as on every page, and of older days the hour too: support compares it with what a customer remembers."""
    said, time = moment(when), time_of_day(when)
    return said if time in said else f"{said}, {time}"


def _entry(entry: Entry, devices: tuple[Device, ...]) -> EntryWords:
    match entry:
        case AttemptEntry():
            return _attempt(entry)
        case DeviceEntry():
            return _device(entry, devices)
        case RecordEntry():
            return _record(entry)


def _attempt(entry: AttemptEntry) -> EntryWords:
    provider = {"provider": entry.provider_name}
    said = _advice(entry)
    return EntryWords(
        at=entry.at,
        when=to_the_minute(entry.at),
        tone=_tone(entry, refused=_was_refused(entry)),
        title=_filled(ATTEMPTS[entry.purpose], device=_choice(entry.device_type, entry.vendor)),
        state=str(KEPT_BOTH if entry.reason is Reason.KEPT_BOTH else STATES[entry.state]),
        meaning=_filled(said.meaning, **provider),
        to_tell=_filled(said.to_tell, **provider),
        is_short=entry.state is State.LINKED,
        attempt_id=entry.id,
        device_id=entry.device_id,
        facts=_facts(entry),
        steps=tuple(_step(step) for step in entry.steps),
    )


def _tone(entry: AttemptEntry, *, refused: bool) -> Tone:
    """Keeping both devices is no failure, though the attempt did not do what it was opened for."""
    if entry.reason is Reason.KEPT_BOTH:
        return Tone.SUCCESS
    return Tone.ATTENTION if refused else TONES.get(entry.state, Tone.NEUTRAL)


def _choice(device_type: DeviceType, vendor: Vendor) -> str:
    return f"{ONE_OF_TYPE[device_type]}, {vendor_name(vendor)}"


def _facts(entry: AttemptEntry) -> tuple[Fact, ...]:
    facts = [
        Fact(gettext("Outcome code"), entry.reason or entry.state, is_code=True),
        Fact(gettext("Reference number"), entry.reference, is_code=True),
    ]
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


def _device(entry: DeviceEntry, devices: tuple[Device, ...]) -> EntryWords:
    names = {"device": device_name(entry.device, among=devices), "provider": entry.provider_name}
    cause = entry.cause
    text = CAUSES[cause] if cause else STILL_THERE if _may_still_be_there(entry) else None
    return EntryWords(
        at=entry.at,
        when=to_the_minute(entry.at),
        tone=DEVICE_TONES.get(entry.event, Tone.NEUTRAL),
        title=_filled(DEVICE_EVENTS[entry.event], **names),
        state=str(CONNECTIONS[cause.connection]) if cause and entry.event is DeviceEvent.CHANGED else None,
        text=_filled(text, **names) if text else None,
        device_id=entry.device.id,
    )


def _may_still_be_there(entry: DeviceEntry) -> bool:
    """Whether the device was taken off the list alone."""
    device = entry.device
    is_last = entry.event is DeviceEvent.REMOVED and device.removed_at == entry.at
    return is_last and device.removal_failed_at is not None


def _record(entry: RecordEntry) -> EntryWords:
    title = RECORDS.get(entry.action, ANOTHER_RECORD)
    text = str(TYPE_NAMES[entry.device_type]) if entry.device_type else None
    if text and entry.words:
        # Translators: type is a kind of device, words what the customer wrote, the name of a manufacturer
        text = gettext("%(type)s: “%(words)s”", type=text, words=entry.words)
    code = () if entry.action in RECORDS else (Fact(gettext("On record as"), entry.action, is_code=True),)
    return EntryWords(entry.at, to_the_minute(entry.at), Tone.NEUTRAL, str(title), text=text, facts=code)


def _filled(words: LazyWords, **names: str) -> str:
    return str(words) % names
