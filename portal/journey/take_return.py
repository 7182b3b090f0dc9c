"""Taking in what a return claims: accepted as a hint, kept for a sign-in, or the reason to hold its attempt."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from portal.domain.link_session import MEMORY, ArrivalHints, LinkSession, Purpose, Reason, State
from portal.domain.people import Customer
from portal.journey.history import note_attempt
from portal.journey.out import WayBack
from portal.providers.protocol import Provider
from portal.storage import arrivals, link_sessions, provider_accounts
from portal.storage.database import Transaction

log = structlog.get_logger(__name__)

SIGN_IN_PATIENCE = timedelta(minutes=30)
"""How long a return waits for its customer to sign in again in the same browser."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """Where the browser goes: an attempt's page, or the neutral one; with `way_back` to the app that let it out.

    `held` is an attempt that this return held.
    """

    link_session_id: str | None
    held: LinkSession | None = None
    way_back: WayBack | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One return: at which provider, with which hints, in which browser, by whom if anybody is signed in.

    It may have waited since it came, for a sign-in or for the app; the browser is then no matter any more. What comes
    from a client that was never here (`is_known_browser`), as programs do that read links before people, decides
    nothing.
    """

    provider: Provider
    hints: ArrivalHints
    viewer: Customer | None
    browser: str | None
    came_at: datetime
    now: datetime
    is_known_browser: bool = True


NEUTRAL = Arrived(None)


def accept(tx: Transaction, arrival: Arrival, attempt: LinkSession, *, waited: bool = False) -> None:
    """Takes the hints of the attempt's own customer. Repeating it changes nothing."""
    if attempt.state in {State.ARRIVED, State.WAITING}:
        _add_hints(tx, arrival, attempt)
    if attempt.state is State.HELD and not (waited and attempt.waits_for_sign_in()):
        return
    if not attempt.can_arrive(arrival.came_at):
        if attempt.state is State.DEPARTED:
            _move(tx, attempt, State.EXPIRED, Reason.LEFT_OPEN, arrival)
    elif arrival.hints.cancelled:
        # A cancel may be forged: the attempt stays open for the genuine return.
        is_said = arrival.provider.traits.own_arrival_url
        _cancel(tx, arrival, attempt, Reason.CUSTOMER_CANCELLED if is_said else Reason.NOTHING_CONNECTED)
    elif not _is_believable(tx, arrival, attempt):
        _refuse(tx, arrival, attempt)
    elif _names_nothing(arrival, attempt):
        _cancel(tx, arrival, attempt, Reason.NOTHING_CONNECTED)
    else:
        _move(tx, attempt, State.ARRIVED, None, arrival)


def _cancel(tx: Transaction, arrival: Arrival, attempt: LinkSession, why: Reason) -> None:
    if attempt.state is State.DEPARTED:
        _move(tx, attempt, State.CANCELLED, why, arrival)


def _refuse(tx: Transaction, arrival: Arrival, attempt: LinkSession) -> None:
    """The genuine return may still come, so the attempt stays where it is; its page says that this one was no use."""
    is_changed = _names_another_user(tx, arrival, attempt)
    if is_changed:
        hint = f"if the customer confirms it: portal customers rebind {attempt.reference}"
        log.error("provider_user_changed", provider=attempt.provider_key, link_session=attempt.id, hint=hint)
    else:
        log.warning("arrival_refused", provider=attempt.provider_key, link_session=attempt.id)
    refused = replace(attempt, reason=Reason.USER_CHANGED if is_changed else Reason.ANSWER_UNREADABLE)
    note_attempt(tx, refused, "arrival_refused", now=arrival.now)
    if attempt.state is State.DEPARTED:
        link_sessions.move(tx, refused, was=attempt.state)


def _names_another_user(tx: Transaction, arrival: Arrival, attempt: LinkSession) -> bool:
    """Whether the provider seems to have a new user of this customer: a return by our name for them says so.

    It is not signed, so it alone changes nothing: somebody who knows the customer has to confirm it.
    """
    hints = arrival.hints
    account = provider_accounts.ensure(tx, attempt.customer_id, attempt.provider_key)
    if hints.unreadable or hints.provider_user_id is None or account.provider_user_id is None:
        return False
    is_ours = hints.pseudonym == account.pseudonym and hints.provider_user_id != account.provider_user_id
    return is_ours and provider_accounts.by_provider_user(tx, attempt.provider_key, hints.provider_user_id) is None


def _names_nothing(arrival: Arrival, attempt: LinkSession) -> bool:
    """Whether a return says that nothing was connected: it names no device, at an address that everybody knows.

    At an attempt's own address for success it says that something was: the provider is asked what.
    """
    is_secret = arrival.provider.traits.own_arrival_url
    return attempt.purpose is Purpose.LINK and not arrival.hints.device_ids and not is_secret


def _add_hints(tx: Transaction, arrival: Arrival, attempt: LinkSession) -> None:
    """A return before may have been forged, so what a later one names counts as well; the provider has the word."""
    if arrival.hints.names_more_than(attempt.hints) and _is_believable(tx, arrival, attempt):
        both = arrival.hints.with_earlier(attempt.hints)
        link_sessions.move(tx, replace(attempt, hints=both), was=attempt.state)


def _is_believable(tx: Transaction, arrival: Arrival, attempt: LinkSession) -> bool:
    """Whether the hints can be about this attempt at all. What they claim is still asked of the provider."""
    hints = arrival.hints
    if hints.unreadable:
        return False
    account = provider_accounts.ensure(tx, attempt.customer_id, attempt.provider_key)
    if hints.pseudonym not in {None, account.pseudonym}:
        return False
    if hints.provider_user_id is None:
        return True
    owner = provider_accounts.by_provider_user(tx, attempt.provider_key, hints.provider_user_id)
    return account.provider_user_id in {None, hints.provider_user_id} and (owner is None or owner.id == account.id)


def keep(tx: Transaction, arrival: Arrival, attempt: LinkSession | None) -> None:
    """Nobody is signed in: the return waits for a sign-in in this browser, and its attempt is held until then.

    An attempt that is held already waits for another browser, or for nobody.
    """
    if attempt is not None and attempt.state is State.HELD:
        if arrival.is_known_browser and arrival.hints.names_more_than(attempt.hints):
            _hold_for_good(tx, arrival, attempt)
        return
    remember(tx, arrival, browser=arrival.browser, attempt=attempt)
    if attempt is not None and arrival.is_known_browser:
        hold_until_sign_in(tx, arrival, attempt)


def hold_until_sign_in(tx: Transaction, arrival: Arrival, attempt: LinkSession) -> None:
    """No other browser finishes the attempt now: its customer may be the one who came back in this one."""
    if arrival.hints.cancelled or attempt.state is State.HELD:
        return
    is_news = attempt.takes_evidence(arrival.now) and arrival.hints.names_more_than(attempt.hints)
    if attempt.can_arrive(arrival.now) or is_news:
        _move(tx, attempt, State.HELD, Reason.NOT_SIGNED_IN, arrival)


def remember(
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


def hold(tx: Transaction, arrival: Arrival, attempt: LinkSession) -> Arrived:
    """Somebody else came back with this attempt: they may have been tricked into finishing it for a stranger."""
    log.warning("arrival_by_another_person", provider=attempt.provider_key, link_session=attempt.id)
    is_known = not attempt.can_arrive(arrival.now) or attempt.state is State.HELD
    if arrival.hints.cancelled or not attempt.takes_evidence(arrival.now):
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
