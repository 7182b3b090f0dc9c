"""Coming back from the Connect UI. A return URL is a hint: it is kept, and the one step that knows better is woken.

An attempt is finished only by the customer who opened it, in the browser that came back. A return without a sign-in
waits for one in the same browser, and in no other; a return in another person's browser holds the attempt for good,
shows nothing, says nothing. Where the retailer's app let the browser out, the app's own session finishes the attempt,
with a code that this browser alone was given.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import structlog

from portal.domain.arrival import attempt_answered
from portal.domain.link_session import LinkSession, cancel_secret
from portal.domain.people import Customer
from portal.journey import out
from portal.journey.link import wake
from portal.journey.ports import Ports
from portal.journey.provider_events import take_what_came
from portal.journey.take_return import (
    NEUTRAL,
    SIGN_IN_PATIENCE,
    Arrival,
    Arrived,
    accept,
    hold,
    hold_until_sign_in,
    keep,
    remember,
)
from portal.storage import app_departures, arrivals, link_sessions, provider_accounts
from portal.storage.app_departures import AppDeparture
from portal.storage.arrivals import PendingArrival
from portal.storage.database import Transaction

log = structlog.get_logger(__name__)


def arrive(
    *,
    ports: Ports,
    viewer: Customer | None,
    provider_key: str,
    secret: str | None,
    path: str,
    query: Mapping[str, Sequence[str]],
    browser: str,
    is_known_browser: bool = True,
    now: datetime,
) -> Arrived:
    """Takes a return in. Unknown providers, secrets and attempts all end on the neutral page."""
    try:
        provider = ports.providers.get(provider_key)
    except KeyError:
        return NEUTRAL
    if provider.traits.own_arrival_url is (secret is None):
        return NEUTRAL
    arrival = Arrival(provider, provider.read_arrival(path, query), viewer, browser, now, now, is_known_browser)
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


def seen_again(*, ports: Ports, browser: str, now: datetime) -> None:
    """A browser that came back without a sign-in is here once more and kept our cookie, so it is no program that opens
    links before people do: from now on its return holds its attempt until somebody signs in there."""
    with ports.database.read() as tx:
        waiting = arrivals.waiting(tx, browser, since=now - SIGN_IN_PATIENCE)
    if not waiting:
        return
    with ports.database.write() as tx:
        for pending in waiting:
            attempt = link_sessions.of_return(tx, pending.link_session_id) if pending.link_session_id else None
            if attempt is not None and pending.provider_key in ports.providers:
                provider = ports.providers.get(pending.provider_key)
                hold_until_sign_in(
                    tx, Arrival(provider, pending.hints, None, browser, pending.created_at, now), attempt
                )


def complete_pending(*, ports: Ports, customer: Customer, browser: str, now: datetime) -> Arrived | None:
    """Finishes what this browser had come back with before its customer signed in again; None where it had nothing."""
    with ports.database.write() as tx:
        waiting = arrivals.take(tx, browser, since=now - SIGN_IN_PATIENCE)
        finished = _finish_all(tx, ports, waiting, customer, now)
    for arrived in finished:
        _wake(ports, arrived, customer, now)
    return next(iter(finished), NEUTRAL) if waiting else None


def complete(*, ports: Ports, customer: Customer, link_session_id: str, code: str, now: datetime) -> bool:
    """Finishes in the app what a browser that it let out came back with; False, and nothing done, for a wrong code."""
    with ports.database.write() as tx:
        departure = app_departures.of_attempt(tx, customer.id, link_session_id)
        if departure is None or not app_departures.take_code(tx, departure, code, now=now):
            return False
        waiting = arrivals.take_of(tx, departure.browser_hash, link_session_id, since=now - SIGN_IN_PATIENCE)
        finished = _finish_all(tx, ports, waiting, customer, now)
    for arrived in finished:
        _wake(ports, arrived, customer, now)
    return True


def _wake(ports: Ports, arrived: Arrived, viewer: Customer | None, now: datetime) -> None:
    """Sets going what follows from a return that has been taken in: asking the provider, or undoing it there."""
    if arrived.held is not None:
        wake(ports=ports, attempt=arrived.held, now=now)
    elif arrived.link_session_id is not None and viewer is not None:
        with ports.database.read() as tx:
            attempt = link_sessions.get(tx, viewer.id, arrived.link_session_id)
        if attempt is not None and attempt.may_move(now):
            wake(ports=ports, attempt=attempt, now=now)


def _finish_all(
    tx: Transaction, ports: Ports, waiting: Iterable[PendingArrival], customer: Customer, now: datetime
) -> list[Arrived]:
    """Takes in what has waited for this customer: what says that it went well before what says that it did not."""
    finished = []
    for pending in sorted(waiting, key=lambda pending: pending.hints.cancelled):
        if pending.provider_key in ports.providers:
            provider = ports.providers.get(pending.provider_key)
            arrival = Arrival(provider, pending.hints, customer, None, pending.created_at, now)
            finished += _finish(tx, arrival, customer, pending.link_session_id)
    return finished


def _finish(tx: Transaction, arrival: Arrival, customer: Customer, link_session_id: str | None) -> list[Arrived]:
    """Takes in a return that has waited, where it is this customer's."""
    if link_session_id is None:
        attempt = _attempt_for(tx, arrival, customer)
    else:
        attempt = link_sessions.get(tx, customer.id, link_session_id)
    if attempt is None:
        log.warning("arrival_of_nobody", provider=arrival.provider.traits.key)
        remember(tx, arrival)
        return []
    accept(tx, arrival, attempt, waited=link_session_id is not None)
    return [Arrived(attempt.id)]


def _at_own_url(tx: Transaction, arrival: Arrival, secret: str) -> Arrived:
    """A return that carries the attempt's own secret, or what follows from it."""
    attempt = link_sessions.by_arrival_secret(tx, arrival.provider.traits.key, secret)
    if attempt is None:
        return NEUTRAL
    departure = out.departure(tx, attempt, arrival.browser, now=arrival.now)
    if arrival.viewer is None:
        return _without_sign_in(tx, arrival, attempt, departure)
    if arrival.viewer.id != attempt.customer_id:
        return hold(tx, arrival, attempt)
    accept(tx, arrival, attempt)
    return Arrived(attempt.id, way_back=out.way_back(departure))


def _at_fixed_url(tx: Transaction, arrival: Arrival) -> Arrived:
    """A return at the one URL the provider knows: the attempt is found by who is signed in, by what the app let this
    browser out with, and by the pseudonym."""
    attempt, departure = _let_out(tx, arrival)
    named = _named_attempt(tx, arrival)
    if attempt is None or (named is not None and named.customer_id != attempt.customer_id):
        # Another site may have opened another customer's ticket in this browser since it was let out with this one.
        attempt, departure = named, out.departure(tx, named, arrival.browser, now=arrival.now) if named else None
    if arrival.viewer is None:
        if departure is None and (arrival.hints.unreadable or arrival.hints.cancelled):
            return NEUTRAL
        return _without_sign_in(tx, arrival, attempt, departure)
    if attempt is not None and attempt.customer_id != arrival.viewer.id:
        return hold(tx, arrival, attempt)
    attempt = attempt if departure else _attempt_for(tx, arrival, arrival.viewer)
    if attempt is None:
        remember(tx, arrival)
        return NEUTRAL
    accept(tx, arrival, attempt)
    return Arrived(attempt.id, way_back=out.way_back(departure))


def _without_sign_in(
    tx: Transaction, arrival: Arrival, attempt: LinkSession | None, departure: AppDeparture | None
) -> Arrived:
    """Nobody is signed in here: the return waits for a sign-in, or for the app that let this browser out."""
    if attempt is None or departure is None:
        keep(tx, arrival, attempt)
        return Arrived(attempt.id if attempt else None)
    if arrival.hints.cancelled:
        accept(tx, arrival, attempt)
        return Arrived(attempt.id, way_back=out.way_back(departure))
    keep(tx, arrival, attempt)
    return Arrived(attempt.id, way_back=out.way_back_with_code(tx, departure, now=arrival.now))


def _let_out(tx: Transaction, arrival: Arrival) -> tuple[LinkSession | None, AppDeparture | None]:
    """The attempt at this provider that this browser was let out with, and how."""
    found = out.departures(tx, arrival.browser, arrival.provider.traits.key, now=arrival.now)
    attempt = attempt_answered(tuple(found), arrival.hints, came_at=arrival.came_at)
    return attempt, found[attempt] if attempt else None


def _named_attempt(tx: Transaction, arrival: Arrival) -> LinkSession | None:
    """The attempt of the customer whose pseudonym the return carries. Only the provider and its return know it."""
    if arrival.hints.pseudonym is None:
        return None
    key = arrival.provider.traits.key
    account = provider_accounts.by_pseudonym(tx, key, arrival.hints.pseudonym)
    if account is None:
        return None
    return next((a for a in link_sessions.recent(tx, account.customer_id, key) if a.takes_evidence(arrival.now)), None)


def _attempt_for(tx: Transaction, arrival: Arrival, customer: Customer) -> LinkSession | None:
    """The customer's attempt that an answer without a secret is about."""
    recent = link_sessions.recent(tx, customer.id, arrival.provider.traits.key)
    return attempt_answered(recent, arrival.hints, came_at=arrival.came_at)
