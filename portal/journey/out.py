"""Letting go of the app: an attempt leaves by another browser, which brings a code back that the app finishes it with.

A vendor's sign-in is never opened in a webview. The app's pages show a ticket instead; the browser that opens it is
told for whom it connects, and is the only one whose return the app may finish.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from portal.domain.catalogue import Vendor
from portal.domain.link_session import LinkSession, Reason, State
from portal.domain.people import Customer
from portal.journey import link
from portal.journey.history import note_attempt
from portal.journey.ports import Ports
from portal.providers.protocol import Traits
from portal.storage import app_departures, customers, link_sessions
from portal.storage.app_departures import AppDeparture, Ticket
from portal.storage.database import Transaction

log = structlog.get_logger(__name__)

TICKET_LIFETIME = timedelta(seconds=60)

BROWSER_PATIENCE = timedelta(minutes=30)
"""How long a browser that was let out may take to leave and to come back."""

CODE_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class WayBack:
    """The way back to the app. `code` is there where the app still has something to finish."""

    app_link: str
    link_session_id: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class LetOut:
    """What a browser that was let out stands before. `may_go` is over once its link has been followed or run out."""

    attempt: LinkSession
    customer: Customer
    provider: Traits
    vendor: Vendor
    app_link: str
    may_go: bool


def ticket(*, ports: Ports, attempt: LinkSession, app_link: str, language: str, now: datetime) -> str:
    """What lets one browser out with the attempt, within a minute. Nothing is stored."""
    with ports.database.read() as tx:
        return app_departures.write_ticket(tx, Ticket(attempt.customer_id, attempt.id, app_link, language, now))


def attempt_of(*, ports: Ports, customer: Customer, text: str) -> str | None:
    """The customer's own attempt that a ticket is for, however old it is."""
    with ports.database.read() as tx:
        read = app_departures.read_ticket(tx, text)
    return read.link_session_id if read and read.customer_id == customer.id else None


def open_with(*, ports: Ports, text: str, browser: str, now: datetime) -> str | None:
    """Lets this browser out, and says in which language; None for a ticket that is too old, used or none."""
    with ports.database.write() as tx:
        read = app_departures.read_ticket(tx, text)
        if read is None or not -TICKET_LIFETIME < now - read.issued_at <= TICKET_LIFETIME:
            return None
        attempt = link_sessions.get(tx, read.customer_id, read.link_session_id)
        if attempt is None:
            return None
        if app_departures.open_with(tx, read, browser, now=now):
            note_attempt(tx, attempt, "let_out", now=now)
        elif departure(tx, attempt, browser, now=now) is None:
            return None
        return read.language


def before_leaving(*, ports: Ports, browser: str, now: datetime) -> LetOut | None:
    """What this browser was last let out with; None where it was not, or too long ago."""
    with ports.database.read() as tx:
        latest = next(iter(app_departures.of_browser(tx, browser, since=now - BROWSER_PATIENCE)), None)
        if latest is None:
            return None
        attempt = link_sessions.get(tx, latest.customer_id, latest.link_session_id)
        customer = customers.get(tx, latest.customer_id)
    if attempt is None or customer is None:
        return None
    provider = ports.traits(attempt.provider_key)
    vendor = ports.catalogue.vendor(attempt.vendor_key)
    return LetOut(attempt, customer, provider, vendor, latest.app_link, may_go=attempt.may_follow(now))


def follow(*, ports: Ports, let_out: LetOut, now: datetime) -> str | None:
    """The connect URL for the browser that was let out; None where there is none to follow any more."""
    return link.go_on(ports=ports, customer=let_out.customer, link_session_id=let_out.attempt.id, now=now)


def refuse(*, ports: Ports, let_out: LetOut, now: datetime) -> None:
    """Whoever was let out says that they are somebody else: the attempt ends, and its link with it."""
    with ports.database.write() as tx:
        attempt = link_sessions.get(tx, let_out.customer.id, let_out.attempt.id)
        if attempt is None or attempt.state is not State.DEPARTED:
            return
        log.warning("attempt_refused_by_receiver", provider=attempt.provider_key, link_session=attempt.id)
        cancelled = attempt.moved(State.CANCELLED, now=now, reason=Reason.CUSTOMER_CANCELLED)
        ended = replace(cancelled, connect_url=None)
        if link_sessions.move(tx, ended, was=attempt.state):
            note_attempt(tx, ended, "refused_by_receiver", now=now, actor="stranger")


def departure(tx: Transaction, attempt: LinkSession, browser: str | None, *, now: datetime) -> AppDeparture | None:
    """How this browser was let out with this attempt; None where it was not."""
    lately = app_departures.of_browser(tx, browser, since=now - BROWSER_PATIENCE) if browser else ()
    return next((found for found in lately if found.link_session_id == attempt.id), None)


def departures(
    tx: Transaction, browser: str | None, provider_key: str, *, now: datetime
) -> dict[LinkSession, AppDeparture]:
    """All that this browser was let out with to a provider lately, the latest first."""
    lately = app_departures.of_browser(tx, browser, since=now - BROWSER_PATIENCE) if browser else ()
    found = {link_sessions.get(tx, one.customer_id, one.link_session_id): one for one in lately}
    return {attempt: one for attempt, one in found.items() if attempt and attempt.provider_key == provider_key}


def way_back(found: AppDeparture | None) -> WayBack | None:
    """The way back to the app that let a browser out, with nothing left to finish there."""
    return WayBack(found.app_link, found.link_session_id) if found else None


def way_back_with_code(tx: Transaction, found: AppDeparture, *, now: datetime) -> WayBack:
    """The way back with a fresh code, where the return waits for the app."""
    attempt = link_sessions.get(tx, found.customer_id, found.link_session_id)
    if attempt is None or not (
        attempt.waits_for_sign_in() or (attempt.can_arrive(now) and attempt.state is not State.HELD)
    ):
        return WayBack(found.app_link, found.link_session_id)
    code = secrets.token_urlsafe(32)
    app_departures.give_code(tx, found, code, expires_at=now + CODE_LIFETIME)
    return WayBack(found.app_link, found.link_session_id, code)
