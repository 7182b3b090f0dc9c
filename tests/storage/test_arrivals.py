"""Returns that wait for a sign-in: in the same browser, once, and not for ever."""

from __future__ import annotations

from datetime import datetime

from portal.domain.link_session import ArrivalHints
from portal.domain.people import Customer
from portal.storage import arrivals, link_sessions, tables
from portal.storage.database import Database
from tests.storage.made import LATER, NOW, SOON, all_at_once, an_attempt, raw

BROWSER = "a random token of one browser"
HINTS = ArrivalHints(device_ids=("d-1",), connected_at=NOW)


def keep(database: Database, *, link_session_id: str | None = None, now: datetime = NOW) -> None:
    with database.write() as tx:
        arrivals.keep(
            tx,
            browser=BROWSER,
            provider_key="nox",
            link_session_id=link_session_id,
            hints=HINTS,
            now=now,
            expires_at=LATER,
        )


def test_a_return_waits_for_the_sign_in_of_its_browser(database: Database, anna: Customer) -> None:
    attempt = an_attempt(anna)
    with database.write() as tx:
        link_sessions.insert(tx, attempt, click=None)
    keep(database)
    keep(database, link_session_id=attempt.id, now=SOON)
    with database.write() as tx:
        assert arrivals.take(tx, "another browser", since=NOW) == ()
        taken = arrivals.take(tx, BROWSER, since=NOW)
        assert arrivals.take(tx, BROWSER, since=NOW) == ()
    assert [(a.link_session_id, a.created_at) for a in taken] == [(attempt.id, SOON), (None, NOW)]
    assert {(a.provider_key, a.hints) for a in taken} == {("nox", HINTS)}


def test_of_many_sign_ins_at_once_one_takes_the_return(database: Database) -> None:
    keep(database)

    def take(_: int) -> int:
        with database.write() as tx:
            return len(arrivals.take(tx, BROWSER, since=NOW))

    assert sum(all_at_once(10, take)) == 1


def test_a_return_does_not_wait_for_ever(database: Database) -> None:
    keep(database)
    with database.write() as tx:
        assert arrivals.take(tx, BROWSER, since=SOON) == ()


def test_what_a_return_without_an_attempt_names_is_known_while_it_is_kept(database: Database, anna: Customer) -> None:
    attempt = an_attempt(anna)
    with database.write() as tx:
        link_sessions.insert(tx, attempt, click=None)
    keep(database, link_session_id=attempt.id)
    with database.read() as tx:
        assert arrivals.named_device_ids(tx, "nox", now=SOON) == frozenset()
    keep(database)
    with database.read() as tx:
        assert arrivals.named_device_ids(tx, "nox", now=SOON) == {"d-1"}
        assert arrivals.named_device_ids(tx, "podero", now=SOON) == frozenset()
        assert arrivals.named_device_ids(tx, "nox", now=LATER) == frozenset()


def test_returns_that_nobody_signed_in_for_are_deleted(database: Database) -> None:
    keep(database)
    with database.write() as tx:
        arrivals.purge(tx, SOON)
    assert raw(database, tables.pending_arrivals) != "[]"
    with database.write() as tx:
        arrivals.purge(tx, LATER)
    assert raw(database, tables.pending_arrivals) == "[]"


def test_a_browser_s_token_is_not_in_the_table(database: Database) -> None:
    keep(database)
    assert BROWSER not in raw(database, tables.pending_arrivals)
