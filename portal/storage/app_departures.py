"""Departures from the retailer's app: which browser was let out with an attempt, and the code it comes back with."""

import json
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, select, update

from portal.storage import tables
from portal.storage.database import Transaction
from portal.storage.sealing import hashed

_departures = tables.app_departures


@dataclass(frozen=True, slots=True)
class Ticket:
    """What lets one browser out with an attempt, and goes on in the `language` of the app.

    `app_link` names the registered way back to the app.
    """

    customer_id: str
    link_session_id: str
    app_link: str
    language: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class AppDeparture:
    """One browser that was let out with an attempt. Only hashes are here of what it holds and brings back."""

    customer_id: str
    link_session_id: str
    app_link: str
    browser_hash: str
    opened_at: datetime


def write_ticket(tx: Transaction, ticket: Ticket) -> str:
    """The ticket as it stands in a URL. It is sealed and nowhere stored, so that a page may show it without writing."""
    words = (ticket.customer_id, ticket.link_session_id, ticket.app_link, ticket.language)
    return tx.seal(json.dumps(["out", *words, ticket.issued_at.isoformat()])).rstrip("=")


def read_ticket(tx: Transaction, text: str) -> Ticket | None:
    """The ticket again; None for whatever else a stranger sends."""
    clear = tx.unseal(text + "=" * (-len(text) % 4)) if text.isascii() else None
    if clear is None or not clear.startswith('["out"'):
        return None
    _, *words, issued_at = json.loads(clear)
    if len(words) != len(fields(Ticket)) - 1:
        # Another version of the portal wrote it, a minute ago.
        return None
    customer_id, link_session_id, app_link, language = words
    return Ticket(customer_id, link_session_id, app_link, language, datetime.fromisoformat(issued_at))


def open_with(tx: Transaction, ticket: Ticket, browser: str, *, now: datetime) -> bool:
    """Lets this browser out. A ticket does so once: False for one that is as old as another that was used, or older."""
    tx.in_turn(ticket.customer_id)
    values = {
        "issued_at": ticket.issued_at,
        "browser_hash": hashed(browser),
        "opened_at": now,
        "app_link": ticket.app_link,
    }
    new = tx.insert(_departures).values(
        link_session_id=ticket.link_session_id, customer_id=ticket.customer_id, **values
    )
    newest = new.on_conflict_do_update(
        index_elements=["link_session_id"],
        set_={**values, "code_hash": None, "code_expires_at": None},
        where=_departures.c.issued_at < ticket.issued_at,
    ).returning(_departures.c.link_session_id)
    return tx.connection.execute(newest).one_or_none() is not None


def of_browser(tx: Transaction, browser: str, *, since: datetime) -> tuple[AppDeparture, ...]:
    """What this browser was let out with lately, the latest first."""
    return _all(tx, _departures.c.browser_hash == hashed(browser), _departures.c.opened_at >= since)


def of_attempt(tx: Transaction, customer_id: str, link_session_id: str) -> AppDeparture | None:
    """The browser that was let out with the customer's attempt."""
    mine = (_departures.c.customer_id == customer_id, _departures.c.link_session_id == link_session_id)
    return next(iter(_all(tx, *mine)), None)


def give_code(tx: Transaction, departure: AppDeparture, code: str, *, expires_at: datetime) -> None:
    """The random `code` with which the app shows that this browser came back; an earlier one is good no more."""
    tx.in_turn(departure.customer_id)
    given = update(_departures).where(_this(departure))
    tx.connection.execute(given.values(code_hash=hashed(code), code_expires_at=expires_at))


def take_code(tx: Transaction, departure: AppDeparture, code: str, *, now: datetime) -> bool:
    """Uses a code up. False for a wrong, an old or a used one."""
    tx.in_turn(departure.customer_id)
    is_good = (_departures.c.code_hash == hashed(code)) & (_departures.c.code_expires_at > now)
    taken = update(_departures).where(_this(departure), is_good).values(code_hash=None, code_expires_at=None)
    return tx.connection.execute(taken).rowcount == 1


def _this(departure: AppDeparture) -> ColumnElement[bool]:
    return (_departures.c.link_session_id == departure.link_session_id) & (
        _departures.c.browser_hash == departure.browser_hash
    )


def _all(tx: Transaction, *conditions: ColumnElement[bool]) -> tuple[AppDeparture, ...]:
    found = (
        select(_departures).where(*conditions).order_by(_departures.c.opened_at.desc(), _departures.c.link_session_id)
    )
    return tuple(_departure(row) for row in tx.connection.execute(found).mappings())


def _departure(row: RowMapping) -> AppDeparture:
    return AppDeparture(
        customer_id=row["customer_id"],
        link_session_id=row["link_session_id"],
        app_link=row["app_link"],
        browser_hash=row["browser_hash"],
        opened_at=row["opened_at"],
    )
