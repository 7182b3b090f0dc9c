"""Coming back from the Connect UI. A return URL is a hint: it is kept, and the one step that knows better is woken.

An attempt is finished only by the customer who opened it, in the browser that came back. A return without a sign-in
waits for one in the same browser, and in no other; a return in another person's browser holds the attempt for good,
shows nothing, says nothing.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from portal.domain.arrival import attempt_answered
from portal.domain.link_session import MEMORY, ArrivalHints, LinkSession, Purpose, Reason, State, cancel_secret
from portal.domain.people import Customer
from portal.journey.history import note_attempt
from portal.journey.link import wake
from portal.journey.ports import Ports
from portal.journey.provider_events import take_what_came
from portal.providers.protocol import Provider
from portal.storage import arrivals, link_sessions, provider_accounts
from portal.storage.database import Transaction

log = structlog.get_logger(__name__)

SIGN_IN_PATIENCE = timedelta(minutes=30)
"""How long a return waits for its customer to sign in again in the same browser."""

CLOCK_SKEW = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Arrived:
    """Where the browser goes: an attempt's page, or the neutral one. `held` is an attempt that this return held."""

    link_session_id: str | None
    held: LinkSession | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One return: at which provider, with which hints, in which browser, by whom if anybody is signed in.

    It may have waited for a sign-in since it came.
    """

    provider: Provider
    hints: ArrivalHints
    viewer: Customer | None
    browser: str
    came_at: datetime
    now: datetime


NEUTRAL = Arrived(None)


def arrive(
    *,
    ports: Ports,
    viewer: Customer | None,
    provider_key: str,
    secret: str | None,
    path: str,
    query: Mapping[str, Sequence[str]],
    browser: str,
    now: datetime,
) -> Arrived:
    """Takes a return in. Unknown providers, secrets and attempts all end on the neutral page."""
    try:
        provider = ports.providers.get(provider_key)
    except KeyError:
        return NEUTRAL
    if provider.traits.own_arrival_url is (secret is None):
        return NEUTRAL
    arrival = Arrival(provider, provider.read_arrival(path, query), viewer, browser, came_at=now, now=now)
    if viewer is not None and not provider.traits.own_arrival_url:
        # What the provider has told by itself tells attempts apart that one address cannot.
        take_what_came(ports=ports, customer_id=viewer.id, provider_key=provider_key, now=now)
    with ports.database.write() as tx:
        if secret is None:
            arrived = _at_fixed_url(tx, arrival)
        else:
            arrived = _at_own_url(tx, arrival, secret if path == "cancel" else cancel_secret(secret))
    _wake(ports, arrived, viewer, now)
    return arrived


def complete_pending(*, ports: Ports, customer: Customer, browser: str, now: datetime) -> Arrived | None:
    """Finishes what this browser had come back with before its customer signed in again; None where it had nothing."""
    with ports.database.write() as tx:
        waiting = arrivals.take(tx, browser, since=now - SIGN_IN_PATIENCE)
        finished = []
        for pending in sorted(waiting, key=lambda pending: pending.hints.cancelled):
            if pending.provider_key not in ports.providers:
                continue
            provider = ports.providers.get(pending.provider_key)
            arrival = Arrival(provider, pending.hints, customer, browser, pending.created_at, now)
            finished += _finish(tx, arrival, customer, pending.link_session_id)
    for arrived in finished:
        _wake(ports, arrived, customer, now)
    return next(iter(finished), NEUTRAL) if waiting else None


def _wake(ports: Ports, arrived: Arrived, viewer: Customer | None, now: datetime) -> None:
    """Sets going what follows from a return that has been taken in: asking the provider, or undoing it there."""
    if arrived.held is not None:
        wake(ports=ports, attempt=arrived.held, now=now)
    elif arrived.link_session_id is not None and viewer is not None:
        with ports.database.read() as tx:
            attempt = link_sessions.get(tx, viewer.id, arrived.link_session_id)
        if attempt is not None and attempt.may_move(now):
            wake(ports=ports, attempt=attempt, now=now)


def _finish(tx: Transaction, arrival: Arrival, customer: Customer, link_session_id: str | None) -> list[Arrived]:
    """Takes in a return that has waited, where it is this customer's."""
    if link_session_id is None:
        attempt = _attempt_for(tx, arrival, customer)
    else:
        attempt = link_sessions.get(tx, customer.id, link_session_id)
    if attempt is None:
        log.warning("arrival_of_nobody", provider=arrival.provider.traits.key)
        _remember(tx, arrival)
        return []
    _accept(tx, arrival, attempt, waited=link_session_id is not None)
    return [Arrived(attempt.id)]


def _at_own_url(tx: Transaction, arrival: Arrival, secret: str) -> Arrived:
    """A return that carries the attempt's own secret, or what follows from it."""
    attempt = link_sessions.by_arrival_secret(tx, arrival.provider.traits.key, secret)
    if attempt is None:
        return NEUTRAL
    if arrival.viewer is None:
        _keep(tx, arrival, attempt)
        return Arrived(attempt.id)
    if arrival.viewer.id != attempt.customer_id:
        return _hold(tx, arrival, attempt)
    _accept(tx, arrival, attempt)
    return Arrived(attempt.id)


def _at_fixed_url(tx: Transaction, arrival: Arrival) -> Arrived:
    """A return at the one URL the provider knows: the attempt is found by who is signed in, and by the pseudonym."""
    named = _named_attempt(tx, arrival)
    if arrival.viewer is None:
        if arrival.hints.unreadable or arrival.hints.cancelled:
            return NEUTRAL
        _keep(tx, arrival, named)
        return Arrived(named.id if named else None)
    if named is not None and named.customer_id != arrival.viewer.id:
        return _hold(tx, arrival, named)
    attempt = _attempt_for(tx, arrival, arrival.viewer)
    if attempt is None:
        _remember(tx, arrival)
        return NEUTRAL
    _accept(tx, arrival, attempt)
    return Arrived(attempt.id)


def _named_attempt(tx: Transaction, arrival: Arrival) -> LinkSession | None:
    """The attempt of the customer whose pseudonym the return carries. Only the provider and its return know it."""
    if arrival.hints.pseudonym is None:
        return None
    key = arrival.provider.traits.key
    account = provider_accounts.by_pseudonym(tx, key, arrival.hints.pseudonym)
    if account is None:
        return None
    return next((a for a in link_sessions.recent(tx, account.customer_id, key) if a.takes_evidence()), None)


def _attempt_for(tx: Transaction, arrival: Arrival, customer: Customer) -> LinkSession | None:
    """The customer's attempt that an answer without a secret is about."""
    recent = link_sessions.recent(tx, customer.id, arrival.provider.traits.key)
    return attempt_answered(recent, arrival.hints, came_at=arrival.came_at)


def _accept(tx: Transaction, arrival: Arrival, attempt: LinkSession, *, waited: bool = False) -> None:
    """Takes the hints of the attempt's own customer. Repeating it changes nothing."""
    if attempt.state in {State.ARRIVED, State.WAITING}:
        _add_hints(tx, arrival, attempt)
    if not attempt.can_arrive() or (attempt.state is State.HELD and not (waited and attempt.waits_for_sign_in())):
        return
    if attempt.is_overdue(arrival.came_at):
        _move(tx, attempt, State.EXPIRED, Reason.LEFT_OPEN, arrival)
    elif arrival.hints.cancelled:
        # A cancel may be forged: the attempt stays open for the genuine return.
        is_said = arrival.provider.traits.own_arrival_url
        _cancel(tx, arrival, attempt, Reason.CUSTOMER_CANCELLED if is_said else Reason.NOTHING_CONNECTED)
    elif not _is_believable(tx, arrival, attempt):
        log.warning("arrival_refused", provider=attempt.provider_key, link_session=attempt.id)
        note_attempt(tx, replace(attempt, reason=Reason.ANSWER_UNREADABLE), "arrival_refused", now=arrival.now)
    elif _names_nothing(arrival, attempt):
        _cancel(tx, arrival, attempt, Reason.NOTHING_CONNECTED)
    else:
        _move(tx, attempt, State.ARRIVED, None, arrival)


def _cancel(tx: Transaction, arrival: Arrival, attempt: LinkSession, why: Reason) -> None:
    if attempt.state is State.DEPARTED:
        _move(tx, attempt, State.CANCELLED, why, arrival)


def _names_nothing(arrival: Arrival, attempt: LinkSession) -> bool:
    """Whether a return claims a new device without saying which: anybody can make that up, so nothing comes of it."""
    return attempt.purpose is Purpose.LINK and not arrival.hints.device_ids


def _add_hints(tx: Transaction, arrival: Arrival, attempt: LinkSession) -> None:
    """A return before may have been forged, so what a later one names counts as well; the provider has the word."""
    if arrival.hints.names_more_than(attempt.hints) and _is_believable(tx, arrival, attempt):
        both = arrival.hints.with_earlier(attempt.hints)
        link_sessions.move(tx, replace(attempt, hints=both), was=attempt.state)


def _is_believable(tx: Transaction, arrival: Arrival, attempt: LinkSession) -> bool:
    """Whether the hints can be about this attempt at all. What they claim is still asked of the provider."""
    hints = arrival.hints
    if hints.unreadable or hints.device_type not in {None, attempt.device_type}:
        return False
    if hints.connected_at is not None:
        left = attempt.departed_at or attempt.created_at
        if not left - CLOCK_SKEW <= hints.connected_at <= arrival.now + CLOCK_SKEW:
            return False
    account = provider_accounts.ensure(tx, attempt.customer_id, attempt.provider_key)
    if hints.pseudonym not in {None, account.pseudonym}:
        return False
    if hints.provider_user_id is None:
        return True
    owner = provider_accounts.by_provider_user(tx, attempt.provider_key, hints.provider_user_id)
    return account.provider_user_id in {None, hints.provider_user_id} and (owner is None or owner.id == account.id)


def _keep(tx: Transaction, arrival: Arrival, attempt: LinkSession | None) -> None:
    """Nobody is signed in: the return waits for a sign-in in this browser, and its attempt is held until then.

    An attempt that is held already waits for another browser, or for nobody.
    """
    if attempt is not None and attempt.state is State.HELD:
        if arrival.hints.names_more_than(attempt.hints):
            _hold_for_good(tx, arrival, attempt)
        return
    _remember(tx, arrival, browser=arrival.browser, attempt=attempt)
    if attempt is None or arrival.hints.cancelled or attempt.is_overdue(arrival.now):
        return
    if attempt.can_arrive() or (attempt.takes_evidence() and arrival.hints.names_more_than(attempt.hints)):
        _move(tx, attempt, State.HELD, Reason.NOT_SIGNED_IN, arrival)


def _remember(
    tx: Transaction, arrival: Arrival, *, browser: str | None = None, attempt: LinkSession | None = None
) -> None:
    """Keeps a return: for a sign-in in `browser`, else only so that what it names does not become another's."""
    arrivals.keep(
        tx,
        browser=browser or secrets.token_urlsafe(),
        provider_key=arrival.provider.traits.key,
        link_session_id=attempt.id if attempt else None,
        hints=arrival.hints,
        now=arrival.now,
        expires_at=arrival.now + (SIGN_IN_PATIENCE if browser else MEMORY),
    )


def _hold(tx: Transaction, arrival: Arrival, attempt: LinkSession) -> Arrived:
    """Somebody else came back with this attempt: they may have been tricked into finishing it for a stranger."""
    log.warning("arrival_by_another_person", provider=attempt.provider_key, link_session=attempt.id)
    is_known = not attempt.can_arrive() or attempt.state is State.HELD
    if arrival.hints.cancelled or not attempt.takes_evidence():
        return NEUTRAL
    if is_known and not attempt.waits_for_sign_in() and not arrival.hints.names_more_than(attempt.hints):
        return NEUTRAL
    _hold_for_good(tx, arrival, attempt)
    return Arrived(None, held=replace(attempt, hints=arrival.hints))


def _hold_for_good(tx: Transaction, arrival: Arrival, attempt: LinkSession) -> None:
    """No return ends this attempt any more, and what this one names is never its customer's by it."""
    if attempt.state is not State.HELD:
        _move(tx, attempt, State.HELD, Reason.ANOTHER_PERSON, arrival)
        return
    both = attempt.hints.with_earlier(arrival.hints)
    held = replace(attempt, reason=Reason.ANOTHER_PERSON, hints=both)
    link_sessions.move(tx, held, was=State.HELD)
    note_attempt(tx, held, State.HELD, now=arrival.now)


def _move(tx: Transaction, attempt: LinkSession, state: State, reason: Reason | None, arrival: Arrival) -> None:
    """Moves the attempt as it was read in this transaction: nobody else moves it in between."""
    moved = replace(
        attempt.moved(state, now=arrival.now, reason=reason),
        connect_url=None if state is not State.CANCELLED else attempt.connect_url,
        hints=attempt.hints if state is State.CANCELLED else arrival.hints,
        arrived_at=arrival.now,
    )
    link_sessions.move(tx, moved, was=attempt.state)
    note_attempt(tx, moved, state, now=arrival.now)
