"""What support saw and did: written in one chain by however many at once, and found again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, StatementError

from portal.domain.access import START, AccessEvent, AccessFilter, as_record, digest
from portal.storage import access_events, customers, tables
from portal.storage.access_events import NoHeadError
from portal.storage.database import Database
from tests.storage.made import NOW, all_at_once, an_identity
from tests.storage.tampering import a_chain, tampered, written

WORDS = (
    "at, actor, actor_role, customer_id, grant_id, reason, ticket, action, object_type, object_id, outcome, "
    "request_reference"
)


def found(database: Database, wanted: AccessFilter | None = None, *, before: int | None = None) -> list[int]:
    with database.read() as tx:
        return [event.number for event in access_events.page(tx, wanted, limit=3, before=before)]


def test_an_event_comes_back_as_it_was_written(database: Database) -> None:
    event = written(database, object_type="device", object_id="d1")
    assert (event.number, event.previous_hash, event.version) == (1, START.hash, 1)
    assert event.hash == digest(as_record(event))
    with database.read() as tx:
        assert access_events.of_customer(tx, "anna", limit=9) == (event,)
        assert access_events.of_customer(tx, "bertil", limit=9) == ()


def test_each_event_carries_the_hash_of_the_one_before_and_the_head_is_the_last(database: Database) -> None:
    first, second = a_chain(database, 2)
    assert second.previous_hash == first.hash
    with database.read() as tx:
        head = access_events.stored_head(tx)
        assert head is not None
        assert (head.number, head.hash) == (2, second.hash)
        assert access_events.verify(tx).head == head


def test_an_event_of_a_transaction_that_fails_never_was(database: Database) -> None:
    a_chain(database, 1)

    def fail() -> None:
        with database.write() as tx:
            access_events.record(
                tx, at=NOW, actor="a", actor_role="agent", action="GET x", outcome="200", request_reference="r"
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert written(database).number == 2
    with database.read() as tx:
        assert access_events.verify(tx).fault is None


def test_several_events_of_one_transaction_follow_each_other(database: Database) -> None:
    with database.write() as tx:
        for number in range(3):
            access_events.record(
                tx, at=NOW, actor="a", actor_role="lead", action="GET x", outcome="200", request_reference=str(number)
            )
    with database.read() as tx:
        assert access_events.verify(tx).head.number == 3


def test_twenty_writers_at_once_make_one_chain_without_a_gap(database: Database) -> None:
    def write(writer: int) -> None:
        for turn in range(20):
            written(database, actor=f"agent-{writer}", request_reference=f"{writer}-{turn}")

    all_at_once(20, write)
    with database.read() as tx:
        verdict = access_events.verify(tx)
        events = list(access_events.stretch(tx))
    assert (verdict.fault, verdict.head.number) == (None, 400)
    assert [event.number for event in events] == list(range(1, 401))
    assert {event.request_reference for event in events} == {f"{w}-{t}" for w in range(20) for t in range(20)}


@pytest.mark.parametrize(
    "words", ["Åsa 山田 🏠", "a\x00b\ud800c", "'; DROP TABLE access_events; --", ' "\\\n\r\t=1+1 ']
)
def test_whatever_was_typed_the_chain_holds(database: Database, words: str) -> None:
    event = written(database, ticket=words, outcome=words)
    with database.read() as tx:
        assert access_events.page(tx, limit=1) == (event,)
        assert access_events.verify(tx).fault is None


def test_an_empty_word_is_no_word(database: Database) -> None:
    event = written(database, ticket="", customer_id="", grant_id=None)
    assert (event.ticket, event.customer_id, event.grant_id) == (None, None, None)


def test_a_moment_is_hashed_in_utc_and_needs_a_time_zone(database: Database) -> None:
    in_stockholm = datetime(2026, 11, 21, 13, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))
    written(database, at=in_stockholm)
    with database.read() as tx:
        assert access_events.verify(tx).fault is None
        (event,) = access_events.page(tx, limit=1)
    assert as_record(event)["at"] == "2026-11-21T12:00:00.000005+00:00"
    with pytest.raises((ValueError, StatementError), match="time zone"):
        written(database, at=NOW.replace(tzinfo=None))


def test_an_auditor_reads_page_after_page_newest_first(database: Database) -> None:
    a_chain(database, 7)
    assert found(database) == [7, 6, 5]
    assert found(database, before=5) == [4, 3, 2]
    assert found(database, before=2) == [1]
    assert found(database, before=1) == []


def test_an_auditor_finds_by_customer_agent_grant_time_and_outcome(database: Database) -> None:
    a_chain(database, 3)
    written(database, customer_id="bertil", at=NOW + timedelta(days=1))
    written(database, actor="agent-2", at=NOW + timedelta(days=1))
    written(database, grant_id="grant-2", outcome="403 view_only", at=NOW + timedelta(days=2))
    written(database, outcome="4031", at=NOW + timedelta(days=2))
    assert found(database, AccessFilter(customer_id="bertil")) == [4]
    assert found(database, AccessFilter(actor="agent-2")) == [5]
    assert found(database, AccessFilter(grant_id="grant-2")) == [6]
    assert found(database, AccessFilter(outcome="403")) == [6]
    assert found(database, AccessFilter(outcome="403 view_only")) == [6]
    assert found(database, AccessFilter(outcome="40_")) == []
    assert found(database, AccessFilter(since=NOW + timedelta(minutes=1), until=NOW + timedelta(days=1))) == [3, 2]
    assert found(database, AccessFilter(since=NOW + timedelta(days=1)), before=6) == [5, 4]
    assert found(database, AccessFilter(customer_id="anna", actor="agent-1", outcome="200"), before=3) == [2, 1]


def test_a_stretch_leaves_nothing_out_between_its_ends(database: Database) -> None:
    for minute in (0, 10, 5, 20, 30):  # the third comes from a clock that is behind
        written(database, at=NOW + timedelta(minutes=minute))

    def stretch(since: int | None, until: int | None) -> list[int]:
        start, end = (None if minute is None else NOW + timedelta(minutes=minute) for minute in (since, until))
        with database.read() as tx:
            return [event.number for event in access_events.stretch(tx, since=start, until=end, page_size=2)]

    assert stretch(None, None) == [1, 2, 3, 4, 5]
    assert stretch(10, 30) == [2, 3, 4]
    assert stretch(30, None) == [5]
    assert stretch(None, 10) == [1, 2, 3]
    assert stretch(31, None) == stretch(None, 0) == stretch(11, 12) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE access_events SET actor = 'nobody'",
        "DELETE FROM access_events",
        "TRUNCATE access_events",
        f"INSERT INTO access_events SELECT 7, {WORDS}, hash, hash, 1 FROM access_events WHERE number = 2",
        f"INSERT OR REPLACE INTO access_events SELECT number, {WORDS}, previous_hash, hash, 1 FROM access_events",
        "DELETE FROM access_head",
        "TRUNCATE access_head",
        "UPDATE access_head SET number = 1",
        "UPDATE access_head SET number = 3",
        "UPDATE access_head SET hash = previous_hash FROM access_events WHERE access_events.number = 2",
        "INSERT OR REPLACE INTO access_head VALUES (1, 0, hex(randomblob(32)))",
    ],
)
def test_the_database_lets_the_chain_only_grow_at_its_end(database: Database, change: str) -> None:
    events = a_chain(database, 2)
    with pytest.raises(DBAPIError) as refused, database.write() as tx:
        tx.connection.execute(text(change))
    assert "append-only" in str(refused.value) or "syntax" in str(refused.value)
    with database.read() as tx:
        assert tuple(access_events.stretch(tx)) == events
        assert access_events.verify(tx).fault is None


def test_nothing_is_recorded_where_the_chain_cannot_go_on(database: Database) -> None:
    a_chain(database, 3)
    tampered(database, f"UPDATE access_head SET number = 1, hash = '{'a' * 64}'")
    with pytest.raises(DBAPIError):
        written(database)
    tampered(database, "DELETE FROM access_head")
    with pytest.raises(NoHeadError):
        written(database)
    with database.read() as tx:
        assert len(tx.connection.execute(select(tables.access_events)).all()) == 3


def test_a_record_holds_every_field() -> None:
    event = AccessEvent(1, NOW, "a", "agent", None, None, None, None, "GET", None, None, "200", "r", START.hash, "")
    assert set(as_record(event)) == set(tables.access_events.c.keys())
    assert NOW.tzinfo is UTC


def test_words_find_the_events_of_all_customers_they_find_and_an_id_those_of_one(database: Database) -> None:
    with database.write() as tx:
        people = [
            customers.signed_in(tx, an_identity(name, name=name), now=NOW).id for name in ("Åsa Ek", "Åsa Alm", "Bo")
        ]
    for customer_id in (*people, "gone", None):
        written(database, customer_id=customer_id)
    assert found(database, AccessFilter(customers="asa")) == [2, 1]
    assert found(database, AccessFilter(customers="ASA alm")) == [2]
    assert found(database, AccessFilter(customers=people[2])) == [3]
    assert found(database, AccessFilter(customers="gone")) == [4]
    for nobody in ("c", "asa bo", " ", "\x00", "\ud800", "%", "x" * 5000):
        assert found(database, AccessFilter(customers=nobody)) == []


def test_events_are_found_by_what_they_are(database: Database) -> None:
    for action in ("sign_in", "GET x", "sign_out", "many_customers"):
        written(database, action=action)
    assert found(database, AccessFilter(actions=("sign_in", "sign_out"))) == [3, 1]
    assert found(database, AccessFilter(actions=("many_customers",))) == [4]
    assert found(database, AccessFilter(actions=())) == [4, 3, 2]
