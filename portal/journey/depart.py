"""Asking the provider for the link of an attempt.

Tried again by whoever looks, until it works or has taken too long.
"""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from portal.domain.device import Connection, Device
from portal.domain.link_session import GRACE, IN_FLIGHT, LEASE, LinkSession, Purpose, Reason, State, cancel_secret
from portal.domain.people import Customer, ProviderAccount
from portal.journey.history import note_attempt
from portal.journey.ports import Ports
from portal.providers.protocol import (
    AdoptedUser,
    Departing,
    Departure,
    OutcomeUnknown,
    Provider,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    PseudonymTaken,
    Returns,
    UserGone,
)
from portal.storage import customers, devices, link_sessions, provider_accounts, vendor_refusals
from portal.storage.database import Transaction

log = structlog.get_logger(__name__)

FIRST_PAUSE = timedelta(seconds=2)
"""Before the second try; twice as long before each further one, up to the longest."""

LONGEST_PAUSE = timedelta(seconds=30)

BUSY_OR_AWAY = {True: Reason.PROVIDER_BUSY, False: Reason.PROVIDER_UNAVAILABLE}

UNNAMED_LIFETIME = timedelta(hours=24)
"""How long an attempt stays open where the provider names no end of its link."""


def depart(*, ports: Ports, attempt: LinkSession, now: datetime) -> bool:
    """Moves a created attempt to departed, or to failed where the provider cannot open it.

    Once at a time: False where another has it in hand, or the provider is to be left in peace for a while.
    """
    if attempt.is_given_up(now):
        _end(ports, attempt, State.FAILED, Reason.PROVIDER_UNAVAILABLE, now)
        return True
    with ports.database.write() as tx:
        if not link_sessions.claim(tx, attempt.id, attempt.customer_id, now=now, until=now + LEASE):
            return False
    try:
        _open_there_for_somebody(ports, attempt, now)
    except OutcomeUnknown as error:
        # It may have been opened, and nobody tells where: only a new click may open another.
        log.error("departure_unknown", provider=attempt.provider_key, link_session=attempt.id, cause=str(error))
        _end(ports, attempt, State.FAILED, Reason.PROVIDER_UNAVAILABLE, now)
    except ProviderUnavailable as error:
        log.warning("departure_postponed", provider=attempt.provider_key, link_session=attempt.id, cause=str(error))
        _try_later(ports, attempt, error, now)
    except ProviderError as error:
        log.error("departure_failed", provider=attempt.provider_key, link_session=attempt.id, cause=str(error))
        refused = isinstance(error, ProviderRefused)
        reason = Reason.PROVIDER_REFUSED if refused else Reason.PROVIDER_ANSWER
        _end(ports, attempt, State.FAILED, reason, now)
    return True


def _open_there_for_somebody(ports: Ports, attempt: LinkSession, now: datetime) -> None:
    """Opens the link; a provider that has deleted its user of this customer is given a new one, once."""
    try:
        _open_there(ports, attempt, now)
    except UserGone:
        log.warning("provider_user_gone", provider=attempt.provider_key, link_session=attempt.id)
        with ports.database.write() as tx:
            provider_accounts.unbind(tx, attempt.customer_id, attempt.provider_key)
        try:
            _open_there(ports, attempt, now)
        except PseudonymTaken:
            _open_under_a_new_name(ports, attempt, now)
    except PseudonymTaken:
        _open_under_a_new_name(ports, attempt, now)


def _open_under_a_new_name(ports: Ports, attempt: LinkSession, now: datetime) -> None:
    """The provider keeps the name of a user that it has deleted: the customer gets another one, once for each try."""
    log.error("provider_name_burnt", provider=attempt.provider_key, link_session=attempt.id, hint="a new one is tried")
    with ports.database.write() as tx:
        provider_accounts.rename(tx, attempt.customer_id, attempt.provider_key)
    _open_there(ports, attempt, now)


def _open_there(ports: Ports, attempt: LinkSession, now: datetime) -> None:
    if attempt.provider_key not in ports.providers:
        raise ProviderRefused(f"{attempt.provider_key} has been switched off")
    provider = ports.providers.get(attempt.provider_key)
    customer, account, device = _who_and_what(ports, attempt)
    email = customer.identity.email if ports.policy.send_customer_email else None
    account = _known_there(ports, provider, account, email)
    if device is not None and _is_working_again(ports, provider, account, device, now):
        _end(ports, attempt, State.LINKED, Reason.ALREADY_WORKING, now)
        return
    secret = secrets.token_urlsafe(32)
    departing = Departing(
        account=account,
        device_type=attempt.device_type,
        vendor_code=attempt.vendor_code,
        language=attempt.language,
        returns=_returns(ports, provider, secret),
        reference=attempt.id,
        email=email,
        price_zone=customer.identity.price_zone,
    )
    if attempt.purpose is Purpose.REAUTHENTICATE and device is not None:
        departure = provider.begin_reauthentication(departing, device.provider_device_id, now=now)
    else:
        departure = provider.begin_link(departing, now=now)
    _departed(ports, attempt, departure, secret, now)


def _who_and_what(ports: Ports, attempt: LinkSession) -> tuple[Customer, ProviderAccount, Device | None]:
    with ports.database.write() as tx:
        customer = customers.get(tx, attempt.customer_id)
        account = provider_accounts.ensure(tx, attempt.customer_id, attempt.provider_key)
        device = devices.get(tx, attempt.customer_id, attempt.device_id) if attempt.device_id else None
    if customer is None or (attempt.device_id and device is None):
        raise ProviderRefused("the customer or the device of this attempt is gone")
    return customer, account, device


def _is_working_again(
    ports: Ports, provider: Provider, account: ProviderAccount, device: Device, now: datetime
) -> bool:
    """Whether the device needs nobody, by the provider's word of now or, where it cannot be asked, by its last."""
    listed = provider.read_known(account, {device.provider_device_id: device.device_type})
    held = (reading for reading in listed if not reading.deleted)
    reading = next((r for r in held if r.provider_device_id == device.provider_device_id), None)
    if reading is None or (reading.unread and not provider.traits.reads_devices):
        return device.connection is Connection.WORKING and not provider.traits.reads_devices
    with ports.database.write() as tx:
        current = devices.get(tx, device.customer_id, device.id)
        if current is not None:
            devices.save(tx, current.with_reading(reading, now=now))
    return reading.connection is Connection.WORKING


def _known_there(ports: Ports, provider: Provider, account: ProviderAccount, email: str | None) -> ProviderAccount:
    """The account with the provider's own id of the customer, kept at once so that it is never made twice."""
    provider_user_id = provider.ensure_user(account, email=email)
    if provider_user_id is None or provider_user_id == account.provider_user_id:
        return account
    is_adopted = isinstance(provider_user_id, AdoptedUser)
    try:
        with ports.database.write() as tx:
            return provider_accounts.bind(tx, account, str(provider_user_id), adopted=is_adopted)
    except provider_accounts.AlreadyBound:
        if not is_adopted:
            raise ProviderRefused("the provider's user is bound to somebody else already") from None
    # Two customers share one address, and the other was first: this one goes by the alias.
    return _known_there(ports, provider, account, None)


def _returns(ports: Ports, provider: Provider, secret: str) -> Returns:
    arrival = f"{ports.public_url}/return/{provider.traits.key}"
    if not provider.traits.own_arrival_url:
        return Returns(success=arrival, cancel=arrival)
    return Returns(success=f"{arrival}/{secret}/success", cancel=f"{arrival}/{cancel_secret(secret)}/cancel")


def _departed(ports: Ports, attempt: LinkSession, departure: Departure, secret: str, now: datetime) -> None:
    lasts_until = departure.expires_at or now + UNNAMED_LIFETIME
    ready = replace(
        attempt.moved(State.DEPARTED, now=now, reason=Reason.VENDOR_ASKED if departure.asks_vendor else None),
        connect_url=departure.connect_url,
        provider_reference=departure.provider_reference,
        expires_at=lasts_until + GRACE,
    )
    with ports.database.write() as tx:
        if link_sessions.move(tx, ready, was=State.CREATED, arrival_secret=cancel_secret(secret)):
            note_attempt(tx, ready, "departed", now=now)
            _learn(tx, attempt, is_refused=departure.asks_vendor, now=now)


def _learn(tx: Transaction, attempt: LinkSession, *, is_refused: bool, now: datetime) -> None:
    """Keeps whether the provider took the vendor that was asked for: the next customer is told before leaving."""
    if attempt.vendor_code is None:
        return
    if is_refused:
        vendor_refusals.refused(tx, attempt.provider_key, attempt.device_type, attempt.vendor_code, now=now)
    else:
        vendor_refusals.taken(tx, attempt.provider_key, attempt.device_type, attempt.vendor_code)


def _try_later(ports: Ports, attempt: LinkSession, error: ProviderUnavailable, now: datetime) -> None:
    """Leaves the provider in peace for a while, for longer after each try, and as long as it asks for.

    Of a provider that was not even asked nobody says that it cannot be reached.
    """
    pause = max(min(FIRST_PAUSE * 2**attempt.tries, LONGEST_PAUSE), timedelta(seconds=error.retry_after or 0))
    if now + pause - attempt.created_at > IN_FLIGHT:
        _end(ports, attempt, State.FAILED, BUSY_OR_AWAY[error.is_untried], now)
        return
    why = Reason.PROVIDER_BUSY if error.is_untried else None
    with ports.database.write() as tx:
        link_sessions.move(tx, replace(attempt, tries=attempt.tries + 1, reason=why), was=State.CREATED)
        link_sessions.postpone(tx, attempt.id, attempt.customer_id, until=now + pause)


def _end(ports: Ports, attempt: LinkSession, state: State, reason: Reason, now: datetime) -> None:
    ended = attempt.moved(state, now=now, reason=reason)
    with ports.database.write() as tx:
        if link_sessions.move(tx, ended, was=State.CREATED):
            note_attempt(tx, ended, state, now=now)
