"""Browsers that the app lets out: one for each ticket, the newest ticket wins, and a code comes back once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.domain.link_session import LinkSession
from portal.domain.people import Customer
from portal.storage import app_departures, link_sessions, tables
from portal.storage.app_departures import AppDeparture, Ticket
from portal.storage.database import Database
from tests.storage.made import LATER, NOW, SOON, all_at_once, an_attempt, raw

SECOND = timedelta(seconds=1)


@pytest.fixture
def attempt(database: Database, anna: Customer) -> LinkSession:
    attempt = an_attempt(anna)
    with database.write() as tx:
        link_sessions.insert(tx, attempt, click=None)
    return attempt


def a_ticket(attempt: LinkSession, later: timedelta = timedelta()) -> Ticket:
    return Ticket(attempt.customer_id, attempt.id, "main", "sv", NOW + later)


def lets_out(database: Database, ticket: Ticket, browser: str) -> bool:
    with database.write() as tx:
        return app_departures.open_with(tx, ticket, browser, now=NOW)


def departure_of(database: Database, attempt: LinkSession) -> AppDeparture:
    with database.read() as tx:
        found = app_departures.of_attempt(tx, attempt.customer_id, attempt.id)
    assert found is not None
    return found


def test_a_ticket_says_what_was_written_and_nobody_reads_it(database: Database, attempt: LinkSession) -> None:
    with database.read() as tx:
        text = app_departures.write_ticket(tx, a_ticket(attempt))
        assert app_departures.read_ticket(tx, text) == a_ticket(attempt)
    assert attempt.id not in text
    assert attempt.customer_id not in text


FORGED = ["", "x", "=", "a" * 200, "gAAAAA" + "A" * 200, "\0", "å", "\ud800", "../..", "%2e", "a b", "a" * 100_000]


@pytest.mark.parametrize("text", FORGED)
def test_a_made_up_ticket_is_none(database: Database, text: str) -> None:
    with database.read() as tx:
        assert app_departures.read_ticket(tx, text) is None


EARLIER = '["out", "a customer", "an attempt", "main", "2026-11-21T12:00:00+00:00"]'


@pytest.mark.parametrize("sealed", ["https://connect.example/?t=t", '["in", "a", "b", "c", "d"]', "", "out", EARLIER])
def test_what_was_sealed_for_something_else_is_no_ticket(database: Database, sealed: str) -> None:
    with database.read() as tx:
        assert app_departures.read_ticket(tx, tx.seal(sealed)) is None


def test_a_ticket_with_a_letter_exchanged_is_none(database: Database, attempt: LinkSession) -> None:
    with database.read() as tx:
        text = app_departures.write_ticket(tx, a_ticket(attempt))
        for place in range(0, len(text), 7):
            other = "A" if text[place] != "A" else "B"
            assert app_departures.read_ticket(tx, text[:place] + other + text[place + 1 :]) is None


def test_of_a_hundred_browsers_at_once_one_is_let_out(database: Database, attempt: LinkSession) -> None:
    ticket = a_ticket(attempt)
    out = all_at_once(100, lambda number: lets_out(database, ticket, f"browser {number}"))
    assert sum(out) == 1
    with database.read() as tx:
        (found,) = app_departures.of_browser(tx, f"browser {out.index(True)}", since=NOW)
    assert found == departure_of(database, attempt)


def test_a_newer_ticket_takes_the_place_of_an_older_one_and_never_the_other_way(
    database: Database, attempt: LinkSession
) -> None:
    assert lets_out(database, a_ticket(attempt), "first")
    assert lets_out(database, a_ticket(attempt, SECOND), "second")
    assert not lets_out(database, a_ticket(attempt), "third")
    with database.read() as tx:
        assert app_departures.of_browser(tx, "first", since=NOW) == ()
        assert len(app_departures.of_browser(tx, "second", since=NOW)) == 1


def test_another_customers_attempt_is_not_let_out_with(
    database: Database, attempt: LinkSession, bertil: Customer
) -> None:
    assert lets_out(database, a_ticket(attempt), "anna's")
    with database.read() as tx:
        assert app_departures.of_attempt(tx, bertil.id, attempt.id) is None


def take(database: Database, found: AppDeparture, code: str, later: timedelta = timedelta()) -> bool:
    with database.write() as tx:
        return app_departures.take_code(tx, found, code, now=NOW + later)


@pytest.fixture
def departure(database: Database, attempt: LinkSession) -> AppDeparture:
    """A browser that was let out, and has come back with `code`."""
    lets_out(database, a_ticket(attempt), "anna's")
    found = departure_of(database, attempt)
    with database.write() as tx:
        app_departures.give_code(tx, found, "code", expires_at=SOON)
    return found


def test_a_code_taken_a_hundred_times_at_once_is_taken_once(database: Database, departure: AppDeparture) -> None:
    assert sum(all_at_once(100, lambda _: take(database, departure, "code"))) == 1
    assert not take(database, departure, "code")


@pytest.mark.parametrize("code", ["", "x", "codE", "code ", "\0", "\ud800", "a" * 100_000])
def test_a_wrong_code_is_not_taken_and_uses_nothing_up(database: Database, departure: AppDeparture, code: str) -> None:
    assert not take(database, departure, code)
    assert take(database, departure, "code")


def test_a_code_is_good_for_its_time_and_no_longer(database: Database, departure: AppDeparture) -> None:
    assert not take(database, departure, "code", SOON - NOW)
    assert take(database, departure, "code", SOON - NOW - SECOND)


def test_a_newer_code_or_browser_ends_the_older_code(
    database: Database, attempt: LinkSession, departure: AppDeparture
) -> None:
    with database.write() as tx:
        app_departures.give_code(tx, departure, "newer", expires_at=LATER)
    assert not take(database, departure, "code")
    lets_out(database, a_ticket(attempt, SECOND), "another")
    assert not take(database, departure, "newer")
    assert not take(database, departure_of(database, attempt), "newer")


def test_without_a_code_none_is_good(database: Database, attempt: LinkSession) -> None:
    lets_out(database, a_ticket(attempt), "anna's")
    for code in ("", "None", "null"):
        assert not take(database, departure_of(database, attempt), code)


def test_neither_browser_nor_code_stands_in_the_table(database: Database, departure: AppDeparture) -> None:
    kept = raw(database, tables.app_departures)
    assert "anna's" not in kept
    assert "'code'" not in kept
