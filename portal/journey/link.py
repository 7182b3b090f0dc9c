"""Opening an attempt at the last click, and leaving for the Connect UI with it."""

from dataclasses import replace
from datetime import datetime

from portal.domain.catalogue import DeviceType, Route
from portal.domain.link_session import IN_FLIGHT, LinkSession, Purpose, Reason, State
from portal.domain.people import Consent, Customer
from portal.journey.advance import advance
from portal.journey.history import note_attempt
from portal.journey.ports import Ports
from portal.storage import consents, link_sessions, provider_accounts
from portal.storage.database import Transaction
from portal.storage.ids import new_id


class ConsentMissing(ValueError):
    """The customer has not given the permission without which nothing is opened."""


def open_link(
    *,
    ports: Ports,
    customer: Customer,
    device_type: DeviceType,
    vendor_key: str,
    language: str,
    consented: bool,
    now: datetime,
) -> LinkSession:
    """A new attempt for this choice, or the one that a click a moment ago opened. Raises NotOffered, ConsentMissing."""
    route = ports.catalogue.route(device_type, vendor_key, language)
    if not consented:
        raise ConsentMissing
    return open_attempt(ports=ports, customer=customer, route=route, language=language, device_id=None, now=now)


def open_attempt(
    *, ports: Ports, customer: Customer, route: Route, language: str, device_id: str | None, now: datetime
) -> LinkSession:
    """Stores an attempt; with a device pinned it is a renewal. The provider hears of it when the customer leaves."""
    attempt = LinkSession(
        id=new_id(),
        customer_id=customer.id,
        purpose=Purpose.LINK if device_id is None else Purpose.REAUTHENTICATE,
        provider_key=route.offer.provider_key,
        device_type=route.offer.device_type,
        vendor_key=route.offer.vendor.key,
        vendor_code=route.offer.vendor_code,
        language=language,
        route_reason=route.reason,
        state=State.CREATED,
        created_at=now,
        expires_at=now + IN_FLIGHT,
        device_id=device_id,
    )
    click = "/".join((attempt.purpose, attempt.device_type, attempt.vendor_key, device_id or ""))
    # Transactions that write about one customer take turns, so the second of two clicks finds the first.
    with ports.database.write() as tx:
        earlier = link_sessions.of_click(tx, customer.id, click)
        if earlier is not None and _is_same_click(earlier, now):
            return earlier
        link_sessions.forget_click(tx, customer.id, click)
        _supersede(tx, attempt, now)
        provider_accounts.ensure(tx, customer.id, attempt.provider_key)
        link_sessions.insert(tx, attempt, click=click)
        if attempt.purpose is Purpose.LINK:
            consents.record(tx, _consent(ports, attempt, now))
        note_attempt(tx, attempt, "opened", now=now, actor="customer")
    return attempt


def leave(*, ports: Ports, customer: Customer, link_session_id: str, patience: float) -> LinkSession | None:
    """Takes the attempt out behind the page and answers how it stands after at most `patience` seconds."""
    wake(ports=ports, customer_id=customer.id, link_session_id=link_session_id, patience=patience)
    with ports.database.read() as tx:
        return link_sessions.get(tx, customer.id, link_session_id)


def wake(*, ports: Ports, customer_id: str, link_session_id: str, patience: float = 0.0) -> None:
    """Runs the step that moves the attempt, once at a time, and waits for it at most `patience` seconds."""
    ports.background.run(
        step_key(customer_id, link_session_id),
        lambda: advance(ports=ports, customer_id=customer_id, link_session_id=link_session_id, now=ports.clock()),
        patience=patience,
    )


def step_key(customer_id: str, link_session_id: str) -> str:
    """Names the step of one attempt. The customer is part of it: a stranger's look does not stand in its way."""
    return f"advance:{customer_id}:{link_session_id}"


def go_on(*, ports: Ports, customer: Customer, link_session_id: str, now: datetime) -> str | None:
    """The connect URL for a customer who waited on the attempt's page; None where there is none to follow."""
    with ports.database.write() as tx:
        attempt = link_sessions.get(tx, customer.id, link_session_id)
        if attempt is None or not attempt.may_follow(now):
            return None
        if attempt.departed_at is None:
            link_sessions.move(tx, replace(attempt, departed_at=now), was=attempt.state)
        return attempt.connect_url


def _is_same_click(earlier: LinkSession, now: datetime) -> bool:
    is_recent = now - earlier.created_at < IN_FLIGHT
    return is_recent and (earlier.state is State.CREATED or earlier.may_follow(now))


def _supersede(tx: Transaction, attempt: LinkSession, now: datetime) -> None:
    """One attempt is under way at a provider, so that an answer without a name belongs to one attempt only."""
    for earlier in link_sessions.open_of(tx, attempt.customer_id):
        if earlier.provider_key == attempt.provider_key and earlier.state in {State.CREATED, State.DEPARTED}:
            gone = replace(earlier.moved(State.CANCELLED, now=now, reason=Reason.SUPERSEDED), connect_url=None)
            link_sessions.move(tx, gone, was=earlier.state)


def _consent(ports: Ports, attempt: LinkSession, now: datetime) -> Consent:
    return Consent(
        customer_id=attempt.customer_id,
        link_session_id=attempt.id,
        provider_key=attempt.provider_key,
        version=ports.policy.consent_version,
        language=attempt.language,
        smart_control=ports.providers.get(attempt.provider_key).traits.smart_control,
        given_at=now,
    )
