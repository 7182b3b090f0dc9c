"""Asking the provider whether a customer who came back has linked something, and making it theirs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from portal.domain.confirmation import STILL_WAITING, Verdict, judge
from portal.domain.device import Device, DeviceReading
from portal.domain.health import Cause, Connection
from portal.domain.link_session import (
    MEMORY,
    OPEN,
    PATIENCE,
    SHOWS_UP_WITHIN,
    LinkSession,
    Purpose,
    Reason,
    State,
)
from portal.domain.people import ProviderAccount
from portal.domain.resemblance import replaced
from portal.journey.history import note_attempt
from portal.journey.linked_devices import as_devices, take_in, take_off_replaced
from portal.journey.ports import Ports
from portal.journey.undo import undo
from portal.providers.protocol import Provider, ProviderError
from portal.storage import arrivals, devices, link_sessions, provider_accounts
from portal.storage.database import Transaction

log = structlog.get_logger(__name__)

MARKS: Mapping[tuple[State, Cause], Cause] = {
    (State.WAITING, Cause.ACCESS_ENDED): Cause.RENEWING,
    (State.FAILED, Cause.RENEWING): Cause.ACCESS_ENDED,
}
"""A device whose renewal is on its way is shown as waiting; as lapsed again once that has come to nothing."""


def confirm(*, ports: Ports, attempt: LinkSession, now: datetime) -> None:
    """Moves an arrived or waiting attempt to linked, waiting or failed by what the provider says now."""
    with ports.database.read() as tx:
        account = provider_accounts.of(tx, attempt.customer_id, attempt.provider_key)
        known = devices.known(tx, attempt.customer_id, attempt.provider_key)
        held = _named_by_others(tx, attempt, now)
    if account is None:
        return
    if account.provider_user_id is None:
        account = replace(account, provider_user_id=attempt.hints.provider_user_id)
    attempt = _named_there(ports, attempt, account)
    readings = _evidence(ports, attempt, account, known)
    verdict = STILL_WAITING if readings is None else judge(attempt, readings=readings, known=known, held=held)
    listed = frozenset(reading.provider_device_id for reading in readings or ())
    if verdict.state is State.WAITING:
        verdict = _given_up(ports, attempt, readings, known, now) or verdict
    try:
        _settle(ports, attempt, verdict, account=account, listed=listed, now=now)
    except provider_accounts.AlreadyBound:
        log.error("provider_user_is_anothers", provider=attempt.provider_key, link_session=attempt.id)
        refused = Verdict(State.FAILED, Reason.NOT_CONFIRMED)
        _settle(ports, attempt, refused, account=account, listed=frozenset(), now=now)


def _named_by_others(tx: Transaction, attempt: LinkSession, now: datetime) -> frozenset[str]:
    """Devices that somebody else came back with, to an attempt of this customer or where no attempt is named at all."""
    held = link_sessions.held_device_ids(tx, attempt.customer_id, attempt.provider_key, since=now - MEMORY)
    return held | arrivals.named_device_ids(tx, attempt.provider_key, now=now)


def _evidence(
    ports: Ports, attempt: LinkSession, account: ProviderAccount, known: tuple[Device, ...]
) -> tuple[DeviceReading, ...] | None:
    """What can be held against the hints; None where the provider does not answer now, or was switched off."""
    if attempt.provider_key not in ports.providers:
        return None
    provider = ports.providers.get(attempt.provider_key)
    if not provider.traits.reads_devices:
        return _told(ports, attempt, known)
    try:
        listed = _listed(provider, account, attempt)
    except ProviderError as error:
        log.warning("confirmation_postponed", provider=attempt.provider_key, link_session=attempt.id, cause=str(error))
        return None
    # A list may name a device twice.
    return tuple({reading.provider_device_id: reading for reading in listed if not reading.deleted}.values())


def _listed(provider: Provider, account: ProviderAccount, attempt: LinkSession) -> tuple[DeviceReading, ...]:
    """What the provider holds of the attempt's type; of every other type too where a device that was named is missing.

    A vendor account may hold something else than what its owner chose here. Raises ProviderError.
    """
    asked = frozenset({attempt.device_type})
    listed = provider.list_devices(account, asked)
    missing = set(attempt.hints.device_ids) - {reading.provider_device_id for reading in listed}
    others = frozenset(offer.device_type for offer in provider.offers()) - asked
    if attempt.purpose is not Purpose.LINK or not missing or not others:
        return listed
    return (*listed, *provider.list_devices(account, others))


def _named_there(ports: Ports, attempt: LinkSession, account: ProviderAccount) -> LinkSession:
    """The attempt with what its provider says that its session has linked, where the return itself does not say."""
    is_unnamed = attempt.purpose is Purpose.LINK and not attempt.hints.device_ids
    if not is_unnamed or attempt.provider_reference is None or attempt.provider_key not in ports.providers:
        return attempt
    try:
        named = ports.providers.get(attempt.provider_key).session_devices(account, attempt.provider_reference)
    except ProviderError as error:
        log.warning("session_not_read", provider=attempt.provider_key, link_session=attempt.id, cause=str(error))
        return attempt
    return replace(attempt, hints=replace(attempt.hints, device_ids=named))


def _told(ports: Ports, attempt: LinkSession, known: tuple[Device, ...]) -> tuple[DeviceReading, ...]:
    """What a provider that cannot be asked has told about this attempt, or about another that is or was under way.

    Where one address serves them all, a return may have been taken for another attempt's than its event was. Of one
    that has linked a device since this one began, what it was told of others counts: nobody came back to it with them.
    """
    if attempt.purpose is Purpose.REAUTHENTICATE:
        return attempt.confirmed
    with ports.database.read() as tx:
        recent = link_sessions.recent(tx, attempt.customer_id, attempt.provider_key)
    of_links = [a for a in recent if a.purpose is attempt.purpose]
    alike = [a for a in of_links if a.state in OPEN or a.reason is Reason.SUPERSEDED]
    linked = [a for a in of_links if a.state is State.LINKED and a.ended_at and a.ended_at >= attempt.created_at]
    had = {device.provider_device_id for device in known}
    left = [r for a in linked for r in a.confirmed if r.provider_device_id not in had]
    told = [r for a in (*alike, attempt) for r in a.confirmed]
    return tuple({r.provider_device_id: r for r in (*left, *told)}.values())


def _given_up(
    ports: Ports,
    attempt: LinkSession,
    readings: tuple[DeviceReading, ...] | None,
    known: tuple[Device, ...],
    now: datetime,
) -> Verdict | None:
    """The verdict on an attempt that has waited for too long; None while something may still come of it.

    A device that its provider still has no access to is told soon. What its provider has not shown yet may show up for
    a day; what may be linked there afterwards is removed, for nobody would know of it.
    """
    waited = now - (attempt.arrived_at or attempt.created_at)
    pinned = next((device.provider_device_id for device in known if device.id == attempt.device_id), None)
    lapsed = {r.provider_device_id for r in readings or () if r.connection is Connection.NEEDS_REAUTHENTICATION}
    is_seen = set(attempt.hints.device_ids) <= {r.provider_device_id for r in readings or ()}
    if pinned in lapsed and is_seen and waited > SHOWS_UP_WITHIN:
        return Verdict(State.FAILED, Reason.STILL_BROKEN)
    if waited <= PATIENCE:
        return None
    if attempt.purpose is Purpose.REAUTHENTICATE and readings is not None:
        return Verdict(State.FAILED, Reason.STILL_BROKEN)
    try:
        undo(ports=ports, ended=attempt)
    except ProviderError as error:
        log.warning("late_device_not_removed", provider=attempt.provider_key, link_session=attempt.id, cause=str(error))
    return Verdict(State.FAILED, Reason.NOT_CONFIRMED)


def _settle(
    ports: Ports,
    attempt: LinkSession,
    verdict: Verdict,
    *,
    account: ProviderAccount,
    listed: frozenset[str],
    now: datetime,
) -> None:
    """Stores the verdict, the devices that come with it and the provider's id of the customer, all or nothing.

    `listed` are the devices that the provider holds. Raises AlreadyBound where its id is another customer's.
    """
    if verdict.state is attempt.state:
        return
    traits = ports.traits(attempt.provider_key)
    with ports.database.write() as tx:
        known = devices.known(tx, attempt.customer_id, attempt.provider_key)
        linked = as_devices(attempt, verdict.linked, known, now, traits=traits)
        moved = replace(
            attempt.moved(verdict.state, now=now, reason=verdict.reason),
            device_id=linked[0].id if linked else attempt.device_id,
            confirmed=verdict.other or attempt.confirmed,
        )
        if not link_sessions.move(tx, moved, was=attempt.state):
            return
        take_in(tx, linked, now)
        if any(device.device_type in traits.replaces_on_link for device in linked):
            take_off_replaced(tx, replaced(known, linked, listed), now)
        if linked and account.provider_user_id is not None:
            provider_accounts.bind(tx, account, account.provider_user_id)
        _mark_pinned(tx, moved, now)
        note_attempt(tx, moved, moved.state, now=now)


def _mark_pinned(tx: Transaction, attempt: LinkSession, now: datetime) -> None:
    """Shows the device of a renewal as the renewal stands. That is no evidence: older news of it still count."""
    device = devices.get(tx, attempt.customer_id, attempt.device_id) if attempt.device_id else None
    shown = MARKS.get((attempt.state, device.cause)) if device else None
    if device is not None and attempt.reason is Reason.WHICH_DEVICE and device.connection is Connection.WORKING:
        # Something else came back in its place: what was known of it is no longer so.
        shown = Cause.NOT_NAMED
    if device is not None and shown is not None:
        devices.save(tx, device.judged(shown, now=now))
