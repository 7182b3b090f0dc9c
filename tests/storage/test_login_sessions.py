"""Signed-in browsers: a token opens its session until it is signed out or too old; a stolen table opens none."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from portal.domain.people import Customer, LoginSession
from portal.storage import customers, login_sessions, tables
from portal.storage.database import Database
from tests.storage.made import LATER, NOW, SOON, raw

TOKEN = "a random token of one browser"
ID_TOKEN = "eyJhbGciOi.what-the-issuer-said.signature"


def sign_in(database: Database, customer: Customer, *, token: str = TOKEN) -> LoginSession:
    with database.write() as tx:
        return login_sessions.open(tx, customer.id, token=token, id_token=ID_TOKEN, now=NOW, expires_at=LATER)


def test_a_signed_in_browser_is_known_by_its_token(database: Database, anna: Customer, bertil: Customer) -> None:
    session = sign_in(database, anna)
    sign_in(database, bertil, token="his")
    with database.read() as tx:
        assert login_sessions.by_token(tx, TOKEN, now=SOON) == session
        assert login_sessions.by_token(tx, "guessed", now=SOON) is None
        assert login_sessions.id_token(tx, TOKEN) == ID_TOKEN
        assert login_sessions.id_token(tx, "guessed") is None
    assert session.customer == anna
    assert (session.created_at, session.expires_at) == (NOW, LATER)


def test_a_session_without_an_id_token_is_a_session(database: Database, anna: Customer) -> None:
    with database.write() as tx:
        session = login_sessions.open(tx, anna.id, token=TOKEN, id_token=None, now=NOW, expires_at=LATER)
        assert login_sessions.id_token(tx, TOKEN) is None
    assert session.customer == anna


def test_a_session_shows_its_customer_as_they_are_now(database: Database, anna: Customer) -> None:
    sign_in(database, anna)
    with database.write() as tx:
        customers.choose_language(tx, anna.id, "hu")
        session = login_sessions.by_token(tx, TOKEN, now=NOW)
    assert session is not None
    assert session.customer.language == "hu"


def test_who_is_asking_costs_one_statement(database: Database, anna: Customer) -> None:
    sign_in(database, anna)
    statements: list[str] = []
    event.listen(database._reading, "before_cursor_execute", lambda *seen: statements.append(seen[2]))
    with database.read() as tx:
        login_sessions.by_token(tx, TOKEN, now=NOW)
    assert len(statements) == 1


def test_a_token_replayed_after_sign_out_opens_nothing(database: Database, anna: Customer) -> None:
    sign_in(database, anna)
    elsewhere = sign_in(database, anna, token="another browser")
    with database.write() as tx:
        login_sessions.close(tx, TOKEN)
        login_sessions.close(tx, TOKEN)
        assert login_sessions.by_token(tx, TOKEN, now=NOW) is None
        assert login_sessions.by_token(tx, "another browser", now=NOW) == elsewhere


def test_a_session_ends_by_itself(database: Database, anna: Customer) -> None:
    sign_in(database, anna)
    with database.write() as tx:
        assert login_sessions.by_token(tx, TOKEN, now=LATER) is None
        login_sessions.purge(tx, SOON)
        assert login_sessions.by_token(tx, TOKEN, now=SOON) is not None
        login_sessions.purge(tx, LATER)
        assert login_sessions.by_token(tx, TOKEN, now=SOON) is None


def test_a_token_is_given_to_one_browser_only(database: Database, anna: Customer, bertil: Customer) -> None:
    sign_in(database, anna)
    with pytest.raises(IntegrityError):
        sign_in(database, bertil)


def test_nobody_is_signed_in_who_is_not_a_customer(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as tx:
        login_sessions.open(tx, "nobody", token=TOKEN, id_token=None, now=NOW, expires_at=LATER)


def test_a_session_that_would_have_ended_is_not_opened(database: Database, anna: Customer) -> None:
    with pytest.raises(ValueError, match="ends after"), database.write() as tx:
        login_sessions.open(tx, anna.id, token=TOKEN, id_token=None, now=NOW, expires_at=NOW)


def test_a_thief_of_the_table_cannot_sign_in_with_it(database: Database, anna: Customer) -> None:
    sign_in(database, anna)
    table = raw(database, tables.login_sessions)
    assert TOKEN not in table
    assert "what-the-issuer-said" not in table
