"""What a customer is asked where nothing tells whether a device is one that they had before, and what they answer."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from portal.domain.device import Connection, Device
from portal.domain.link_session import LinkSession, Purpose, Reason
from portal.domain.people import Customer
from portal.domain.resemblance import counterpart, is_lost, replaced
from portal.journey.history import note_attempt, note_device
from portal.journey.linked_devices import as_devices, take_in, take_off_replaced
from portal.journey.ports import Ports
from portal.providers.protocol import Traits
from portal.storage import devices, link_sessions
from portal.storage.database import Transaction
from portal.storage.sealing import hashed

KEY_LENGTH = 16

LATEST = 50
"""How many attempts back an open question is looked for."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whether one of the devices `found` is one of those from `before`; one of the two is a single device.

    After a renewal, `before` is the device that was to be reconnected, and what was found is not on the list yet.
    """

    link_session_id: str
    found: tuple[Device, ...]
    before: tuple[Device, ...]
    provider: Traits
    is_renewal: bool


def question_of(attempt: LinkSession, owned: tuple[Device, ...], traits: Traits) -> Question | None:
    """What the customer is asked about this attempt now; None where there is nothing, or nothing any more."""
    if attempt.purpose is Purpose.LINK:
        return _about_a_link(attempt.id, owned, traits)
    pinned = next((device for device in owned if device.id == attempt.device_id), None)
    if attempt.reason is not Reason.WHICH_DEVICE or pinned is None or pinned.connection is Connection.WORKING:
        return None
    found = _not_on_the_list(came_back(attempt, traits), owned)
    return Question(attempt.id, found, (pinned,), traits, is_renewal=True) if found else None


def open_questions(*, ports: Ports, customer: Customer, owned: tuple[Device, ...]) -> tuple[Question, ...]:
    """All that the customer is asked about their devices; of several renewals of a device only the latest asks."""
    asked: list[Question] = []
    if any(device.connection is not Connection.WORKING for device in owned):
        with ports.database.read() as tx:
            latest = link_sessions.latest(tx, customer.id, LATEST)
        renewals = [attempt for attempt in latest if attempt.purpose is Purpose.REAUTHENTICATE]
        for attempt in {a.device_id: a for a in reversed(renewals)}.values():
            asked += filter(None, [question_of(attempt, owned, ports.traits(attempt.provider_key))])
    of_links = {d.consent_id: ports.traits(d.provider_key) for d in owned if d.is_asked_about and d.consent_id}
    asked += filter(None, (_about_a_link(attempt_id, owned, traits) for attempt_id, traits in of_links.items()))
    return tuple(asked)


def came_back(attempt: LinkSession, traits: Traits) -> tuple[Device, ...]:
    """What came back instead of the pinned device, as it would be on the list."""
    if attempt.reason not in {Reason.WHICH_DEVICE, Reason.OTHER_ACCOUNT}:
        return ()
    return as_devices(
        replace(attempt, device_id=None), attempt.confirmed, (), attempt.ended_at or attempt.created_at, traits=traits
    )


def can_keep(attempt: LinkSession, provider: Traits, owned: tuple[Device, ...]) -> bool:
    """Whether a device came back that is not on the list: to be kept beside the first, or in its place."""
    return bool(_not_on_the_list(came_back(attempt, provider), owned))


def key_of(found: Device) -> str:
    """What was found, in a form of ours: what it is at its provider is nobody's business there."""
    return hashed(found.provider_device_id)[:KEY_LENGTH]


def say_same(
    *,
    ports: Ports,
    customer: Customer,
    link_session_id: str,
    found: str | None = None,
    before: str | None = None,
    now: datetime,
) -> bool:
    """What was found is the device from before: one card, in its old place. False where that is not what is asked.

    `found` is a key, `before` an id; neither is needed where only one can be meant.
    """
    with ports.database.write() as tx:
        attempt, question = _asked(tx, ports, customer, link_session_id)
        if attempt is None or question is None:
            return False
        same = [device for device in question.found if found in {None, key_of(device)}]
        old = [device for device in question.before if before in {None, device.id}]
        if len(same) != 1 or len(old) != 1:
            return False
        if question.is_renewal:
            _renew(tx, attempt, same[0], question, now)
        else:
            _merge(tx, attempt, same[0], old[0], now)
        note_attempt(tx, attempt, "said_same", now=now, actor="customer")
    return True


def say_another(*, ports: Ports, customer: Customer, link_session_id: str, now: datetime) -> bool:
    """What was found is none of those from before. False where nobody asks that.

    What was linked stays beside the others; after a renewal it was another account, as where that is known at once.
    """
    with ports.database.write() as tx:
        attempt, question = _asked(tx, ports, customer, link_session_id)
        if attempt is None or question is None:
            return False
        if question.is_renewal:
            link_sessions.move(tx, replace(attempt, reason=Reason.OTHER_ACCOUNT), was=attempt.state)
        for device in question.found if not question.is_renewal else ():
            devices.save(tx, replace(device, is_asked_about=False))
        note_attempt(tx, attempt, "said_another", now=now, actor="customer")
    return True


def keep(*, ports: Ports, customer: Customer, link_session_id: str, now: datetime) -> bool:
    """Links the other vendor account's device beside the one that was to be reconnected; False where there is none.

    Where the provider holds it in place of the first, that leaves the list.
    """
    with ports.database.write() as tx:
        attempt = link_sessions.get(tx, customer.id, link_session_id)
        if attempt is None:
            return False
        traits = ports.traits(attempt.provider_key)
        known = devices.known(tx, customer.id, attempt.provider_key)
        if not can_keep(attempt, traits, _on_the_list(known)):
            return False
        kept_devices = beside(attempt, known, traits, now)
        is_instead = attempt.device_type in traits.replaces_on_link
        kept = replace(attempt, device_id=kept_devices[0].id, reason=Reason.KEPT_BOTH)
        kept = attempt.answered(kept_devices[0].id, now=now) if is_instead else kept
        link_sessions.move(tx, kept, was=attempt.state)
        take_in(tx, kept_devices, now)
        if is_instead:
            _take_off_unheard(tx, attempt, known, kept_devices, now)
        note_attempt(tx, kept, "kept_other" if is_instead else "kept_both", now=now, actor="customer")
    return True


def _asked(
    tx: Transaction, ports: Ports, customer: Customer, link_session_id: str
) -> tuple[LinkSession | None, Question | None]:
    attempt = link_sessions.get(tx, customer.id, link_session_id)
    if attempt is None:
        return None, None
    owned = devices.all_of(tx, customer.id)
    return attempt, question_of(attempt, owned, ports.traits(attempt.provider_key))


def _renew(tx: Transaction, attempt: LinkSession, same: Device, question: Question, now: datetime) -> None:
    """The pinned device goes on under its new id; what else came back has a card of its own."""
    (pinned,), traits = question.before, question.provider
    known = devices.known(tx, attempt.customer_id, attempt.provider_key)
    reading = next(r for r in attempt.confirmed if r.provider_device_id == same.provider_device_id)
    renewed = as_devices(attempt, (reading,), known, now, traits=traits)
    rest = replace(attempt, confirmed=tuple(r for r in attempt.confirmed if r != reading))
    linked = (*renewed, *beside(rest, known, traits, now))
    link_sessions.move(tx, attempt.answered(pinned.id, now=now), was=attempt.state)
    take_in(tx, linked, now)
    if pinned.device_type in traits.replaces_on_link:
        _take_off_unheard(tx, attempt, known, linked, now)


def _take_off_unheard(
    tx: Transaction, attempt: LinkSession, known: Iterable[Device], linked: tuple[Device, ...], now: datetime
) -> None:
    """Takes off the list what the provider dropped for what came back: it has not been named since."""
    named = frozenset(r.provider_device_id for r in attempt.confirmed)
    unheard = (device for device in known if device.observed_at <= (attempt.ended_at or now) or is_lost(device))
    take_off_replaced(tx, replaced(unheard, linked, named), now)


def _merge(tx: Transaction, attempt: LinkSession, linked: Device, before: Device, now: datetime) -> None:
    """The card from before goes on as what was linked, whose own card is gone."""
    take_off_replaced(tx, (linked,), now, is_told=False)
    devices.free_id(tx, replace(before, provider_device_id=linked.provider_device_id))
    again = before.continued_as(linked)
    devices.save(tx, again)
    note_device(tx, again, "linked", now=now, actor="customer")
    if attempt.device_id == linked.id:
        link_sessions.move(tx, replace(attempt, device_id=before.id), was=attempt.state)


def beside(attempt: LinkSession, known: tuple[Device, ...], traits: Traits, now: datetime) -> tuple[Device, ...]:
    """What came back instead of the pinned device, as devices of their own on the permission that there is."""
    pinned = next((device for device in known if device.id == attempt.device_id), None)
    new = tuple(r for r in attempt.confirmed if not any(device.is_active_as(r) for device in known))
    made = as_devices(replace(attempt, device_id=None), new, known, now, traits=traits)
    return tuple(device.consented(pinned.consent_id if pinned is not None else None) for device in made)


def _about_a_link(attempt_id: str, owned: tuple[Device, ...], traits: Traits) -> Question | None:
    """The first of the devices that the attempt linked and that may be one from before."""
    for linked in owned:
        if linked.is_asked_about and linked.consent_id == attempt_id:
            others = tuple(device for device in owned if device.id != linked.id)
            at_it = tuple(device for device in others if device.provider_key == linked.provider_key)
            found = counterpart(linked.as_reading(), at_it, reads_devices=traits.reads_devices)
            before = tuple(device for device in (found.same, *found.may_be) if device is not None)
            if before:
                return Question(attempt_id, (linked,), before, traits, is_renewal=False)
    return None


def _on_the_list(known: Iterable[Device]) -> tuple[Device, ...]:
    return tuple(device for device in known if device.removed_at is None)


def _not_on_the_list(found: tuple[Device, ...], owned: tuple[Device, ...]) -> tuple[Device, ...]:
    held = {(device.provider_key, device.provider_device_id) for device in owned if device.removed_at is None}
    return tuple(device for device in found if (device.provider_key, device.provider_device_id) not in held)
