"""The app's door: a token is changed once, a code opens one session, and whose they are follows from two words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from portal.domain.people import AppEntry, Identity
from portal.identity import login_sessions
from portal.identity.app_entry import CODE_LIFETIME, AppDoor
from portal.identity.app_keys import AppKeys
from portal.identity.app_token import TokenRefused
from portal.storage import app_entries, customers, tables
from portal.storage import login_sessions as stored
from portal.storage.database import Database, DatabaseFault, is_away
from tests.identity import backend
from tests.identity.backend import NOW, token
from tests.identity.conftest import migrate
from tests.storage.made import all_at_once
from tests.support.databases import Backend, Databases

DoorTo = Callable[..., AppDoor]
SECONDS = timedelta(seconds=1)
SESSION = timedelta(minutes=60)


@pytest.fixture
def url(database_backend: Backend, databases: Databases) -> Iterator[str]:
    url = databases.prepared(database_backend, migrate)
    yield url
    databases.discard(url)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url, seal_key=b"k" * 32)
    yield database
    database.close()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> AppKeys:
    file = tmp_path_factory.mktemp("backend") / "jwks.json"
    file.write_text(backend.key_set(*backend.KNOWN), encoding="utf-8")
    return AppKeys(jwks_url=None, jwks_file=file, timeout=1.0, ca_bundle=None)


@pytest.fixture
def door_to(keys: AppKeys) -> DoorTo:
    return lambda database, expected=backend.EXPECTED: AppDoor(expected, keys, database, session=SESSION)


@pytest.fixture
def door(database: Database, door_to: DoorTo) -> AppDoor:
    return door_to(database)


def refusal(door: AppDoor, text: str, now: datetime = NOW) -> str:
    with pytest.raises(TokenRefused) as refused:
        door.take_token(text, now=now)
    return str(refused.value)


def entry_of(door: AppDoor, text: str, now: datetime = NOW) -> AppEntry:
    return door.look(door.take_token(text, now=now), now=now)


def sessions(database: Database) -> int:
    with database.read() as tx:
        return tx.connection.scalars(select(func.count()).select_from(tables.login_sessions)).one()


def test_a_token_posted_a_thousand_times_at_once_gives_one_code(door: AppDoor, database: Database) -> None:
    text = token()

    def post(number: int) -> str:
        try:
            return door.take_token(text, now=NOW)
        except TokenRefused as refused:
            return str(refused)
        except DatabaseFault as fault:
            if not is_away(fault):
                raise
            return post(number)  # it was waited for too long in the crowd, and the app's backend posts it again

    answers = Counter(all_at_once(1000, post))
    assert answers.pop("token_replayed") == 999
    (code,) = answers
    assert door.look(code, now=NOW).customer.identity.subject == "anna"


def test_a_code_used_a_hundred_times_at_once_opens_one_session(door: AppDoor, database: Database) -> None:
    code = door.take_token(token(), now=NOW)

    def enter(_: int) -> bool:
        try:
            door.enter(door.look(code, now=NOW), now=NOW)
        except TokenRefused:
            return False
        return True

    assert sum(all_at_once(100, enter)) == 1
    assert sessions(database) == 1


def test_of_many_browsers_that_are_asked_at_once_one_holds_the_entry(door: AppDoor) -> None:
    entry = entry_of(door, token())

    def ask(number: int) -> bool:
        try:
            door.ask(entry, browser=f"browser {number}", now=NOW)
        except TokenRefused:
            return False
        return True

    assert sum(all_at_once(30, ask)) == 1
    holding = [number for number in range(30) if door.asked(browser=f"browser {number}", now=NOW)]
    assert len(holding) == 1


@pytest.mark.parametrize(
    ("later", "word"), [(0, "token_replayed"), (59, "token_replayed"), (61, "token_replayed"), (90, "token_expired")]
)
def test_a_token_is_not_taken_again_however_soon_and_however_late(door: AppDoor, later: int, word: str) -> None:
    text = token()
    door.take_token(text, now=NOW)
    assert refusal(door, text, NOW + later * SECONDS) == word


def test_a_token_signed_anew_under_the_same_id_is_the_same_token(door: AppDoor) -> None:
    door.take_token(token(jti="i" * 32), now=NOW)
    assert refusal(door, token(jti="i" * 32, sub="bela")) == "token_replayed"


def test_a_used_token_is_not_taken_after_a_restart(door: AppDoor, door_to: DoorTo, url: str) -> None:
    text = token()
    door.take_token(text, now=NOW)
    again = Database(url, seal_key=b"k" * 32)
    try:
        assert refusal(door_to(again), text, NOW + 5 * SECONDS) == "token_replayed"
    finally:
        again.close()


def test_a_clock_put_back_an_hour_makes_no_used_token_good(door: AppDoor) -> None:
    text = token()
    door.take_token(text, now=NOW)
    assert refusal(door, text, NOW + timedelta(hours=1)) == "token_expired"
    assert refusal(door, text, NOW) == "token_replayed"


def test_a_code_is_good_for_a_minute_and_then_for_nobody(door: AppDoor) -> None:
    code = door.take_token(token(), now=NOW)
    assert door.look(code, now=NOW + CODE_LIFETIME - SECONDS).entered_at is None
    with pytest.raises(TokenRefused, match=r"^code_expired$"):
        door.look(code, now=NOW + CODE_LIFETIME)


@pytest.mark.parametrize("code", ["", "x", "\0", "\ud800", "a" * 10_000, "' OR 1=1 --"])
def test_a_made_up_code_is_unknown(door: AppDoor, code: str) -> None:
    door.take_token(token(), now=NOW)
    with pytest.raises(TokenRefused, match=r"^code_unknown$"):
        door.look(code, now=NOW)


def test_a_code_that_a_browser_was_asked_with_is_good_in_no_other(door: AppDoor) -> None:
    code = door.take_token(token(), now=NOW)
    door.ask(door.look(code, now=NOW), browser="anna's", now=NOW)
    with pytest.raises(TokenRefused, match=r"^code_unknown$"):
        door.look(code, now=NOW)
    assert door.asked(browser="mallory's", now=NOW) is None
    assert door.asked(browser="anna's", now=NOW + timedelta(minutes=6)) is None


def test_a_token_that_is_refused_as_used_changes_nothing_of_its_customer(door: AppDoor, database: Database) -> None:
    text = token(name="Anna")
    first = entry_of(door, text)
    refusal(door, token(jti=first.token_id, name="Mallory"))
    with database.read() as tx:
        known = customers.get(tx, first.customer.id)
    assert known is not None
    assert known.identity.name == "Anna"


def test_the_same_subject_of_another_issuer_is_another_customer(database: Database, door_to: DoorTo) -> None:
    elsewhere = replace(backend.EXPECTED, subject_issuer="https://elsewhere.example")
    here, there = entry_of(door_to(database), token()), entry_of(door_to(database, elsewhere), token())
    assert here.customer.id != there.customer.id


def test_the_same_address_of_mail_is_not_the_same_person(door: AppDoor) -> None:
    anna, bela = (entry_of(door, token(sub=sub, email="home@example.com")) for sub in ("anna", "bela"))
    assert anna.customer.id != bela.customer.id


def test_who_signs_in_and_who_comes_from_the_app_are_one_where_the_settings_say_so(
    database: Database, door_to: DoorTo
) -> None:
    person = Identity(backend.PEOPLE, "anna", "anna@example.com", "Anna")
    signed_in, _ = login_sessions.sign_in(database, person, None, NOW, 1)
    apart = replace(backend.EXPECTED, subject_issuer=backend.ISSUER)
    assert entry_of(door_to(database), token()).customer.id == signed_in.id
    assert entry_of(door_to(database, apart), token()).customer.id != signed_in.id


def test_a_session_of_the_app_lasts_as_long_as_the_settings_say(door: AppDoor, database: Database) -> None:
    entered = door.enter(entry_of(door, token()), now=NOW)
    for later, is_there in ((SESSION - SECONDS, True), (SESSION, False)):
        with database.read() as tx:
            assert (stored.by_token(tx, entered.token, now=NOW + later) is not None) is is_there


def test_neither_token_nor_code_nor_session_stands_in_the_database(door: AppDoor, database: Database) -> None:
    text = token()
    code = door.take_token(text, now=NOW)
    entered = door.enter(door.look(code, now=NOW), now=NOW)
    door.ask(entry_of(door, token()), browser="a browser's random token", now=NOW)
    with database.read() as tx:
        kept = repr([tx.connection.execute(select(table)).all() for table in tables.metadata.sorted_tables])
    assert not [secret for secret in (text, code, entered.token, "a browser's random token") if secret in kept]


def test_what_was_used_is_remembered_until_it_is_purged(door: AppDoor, database: Database) -> None:
    text = token()
    door.take_token(text, now=NOW)
    for before, word in ((NOW - SECONDS, "token_replayed"), (NOW, None)):
        with database.write() as tx:
            app_entries.purge(tx, before)
        assert word is None or refusal(door, text) == word
    assert door.take_token(text, now=NOW)
