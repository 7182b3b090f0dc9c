"""Opening an attempt at the last click, and leaving for the Connect UI with it."""

from dataclasses import replace
from datetime import datetime, timedelta

from portal.domain.catalogue import DeviceType, NotOffered, Route
from portal.domain.link_session import IN_FLIGHT, LONGEST_QUEUE, LinkSession, Purpose, Reason, State
from portal.domain.people import Consent, Customer
from portal.journey import choose
from portal.journey.history import note_attempt
from portal.journey.ports import Ports
from portal.journey.tasks import Step, Task
from portal.journey.waking import put
from portal.journey.waking import wake as wake_task
from portal.journey.watch import watch
from portal.storage import consents, deletions, link_sessions, provider_accounts
from portal.storage.database import Transaction
from portal.storage.ids import new_id
from portal.storage.wakes import is_awake

A_MOMENT = timedelta(seconds=3)
"""A provider that has not opened the link by then is slow or busy: nobody waits in front of a page for that."""


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
    agreed: str | None = None,
    now: datetime,
) -> LinkSession:
    """A new attempt for this choice, or the one that a click a moment ago opened. Raises NotOffered, ConsentMissing.

    `agreed` is the provider that the customer read of; None where no page said.
    """
    route = choose.route(
        ports=ports, device_type=device_type, vendor_key=vendor_key, language=language, agreed=agreed, now=now
    )
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
        expires_at=now + LONGEST_QUEUE,
        device_id=device_id,
        woken_at=now,
    )
    click = "/".join((attempt.purpose, attempt.provider_key, attempt.device_type, attempt.vendor_key, device_id or ""))
    # Transactions that write about one customer take turns, so the second of two clicks finds the first.
    with ports.database.write() as tx:
        tx.in_turn(customer.id)
        if deletions.of_customer(tx, customer.id) is not None:
            raise NotOffered(attempt.vendor_key)
        earlier = link_sessions.of_click(tx, customer.id, click)
        if earlier is not None:
            if _is_same_click(earlier, now):
                return earlier
            link_sessions.forget_click(tx, customer.id, click)
        _supersede(tx, attempt, now)
        provider_accounts.ensure(tx, customer.id, attempt.provider_key)
        link_sessions.insert(tx, attempt, click=click)
        if attempt.purpose is Purpose.LINK:
            consents.record(tx, _consent(ports, attempt, now))
        note_attempt(tx, attempt, "opened", now=now, actor="customer")
    put(ports=ports, task=_task(attempt))
    return attempt


def leave(*, ports: Ports, attempt: LinkSession, patience: float, now: datetime) -> LinkSession:
    """Sets the attempt going and answers how it stands as soon as it has moved, or after `patience` seconds."""
    if not attempt.may_move(now):
        return attempt
    is_new = wake(ports=ports, attempt=attempt, now=now)
    # What is in the queue since an earlier look has been waited for then.
    is_fresh = attempt.state is State.CREATED and attempt.checks == 0 and now - attempt.created_at < A_MOMENT
    is_worth_waiting = is_fresh or attempt.state is State.ARRIVED or (is_new and attempt.state is not State.CREATED)
    if not is_worth_waiting or _has_to_queue(ports, attempt, now):
        return attempt
    return _watched(ports, attempt, patience)


def wake(*, ports: Ports, attempt: LinkSession, now: datetime) -> bool:
    """Has the step that moves the attempt taken soon; False where it is in the queue already."""
    if is_awake(attempt.woken_at, now):
        return False
    return wake_task(ports=ports, task=_task(attempt), now=now)


def go_on(*, ports: Ports, customer: Customer, link_session_id: str, now: datetime) -> str | None:
    """The connect URL for a customer who waited on the attempt's page; None where there is none to follow."""
    with ports.database.read() as tx:
        attempt = link_sessions.get(tx, customer.id, link_session_id)
    if attempt is None or not attempt.may_follow(now):
        return None
    if attempt.departed_at is not None:
        return attempt.connect_url
    with ports.database.write() as tx:
        # Another click of the same may have been first, and is to lead to the same place.
        current = link_sessions.get(tx, customer.id, link_session_id)
        if current is None or not current.may_follow(now):
            return None
        if current.departed_at is None:
            link_sessions.move(tx, replace(current, departed_at=now), was=current.state)
        return current.connect_url


def _task(attempt: LinkSession) -> Task:
    return Task(Step.ADVANCE, attempt.provider_key, (attempt.customer_id, attempt.id))


def _has_to_queue(ports: Ports, attempt: LinkSession, now: datetime) -> bool:
    """Whether the provider is busy with others who came before."""
    if attempt.state is not State.CREATED:
        return False
    with ports.database.read() as tx:
        return link_sessions.line_of(tx, attempt, now=now).in_front >= ports.concurrency


def _watched(ports: Ports, before: LinkSession, patience: float) -> LinkSession:
    """The attempt once its step has run through, or as it stands when patience is over."""

    def moved() -> LinkSession | None:
        with ports.database.read() as tx:
            attempt = link_sessions.get(tx, before.customer_id, before.id)
        is_news = attempt is not None and (attempt.checks, attempt.version) != (before.checks, before.version)
        return attempt if is_news else None

    return watch(moved, patience=patience) or before


def _is_same_click(earlier: LinkSession, now: datetime) -> bool:
    if earlier.state is State.CREATED:
        return not earlier.is_given_up(now)
    return now - earlier.created_at < IN_FLIGHT and earlier.may_follow(now)


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
