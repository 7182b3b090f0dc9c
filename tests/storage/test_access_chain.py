"""Tampering: whoever changes the chain behind the portal's back is found out, at the place where it was done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.domain.access import START, AccessEvent, Fault, FaultKind, Head, sealed
from portal.storage import access_events, tables
from portal.storage.database import Database
from tests.storage.tampering import a_chain, tampered

SWAPPED = ("number = 99 WHERE number = 2", "number = 2 WHERE number = 3", "number = 3 WHERE number = 99")
COLUMNS = ", ".join(tables.access_events.c.keys())


def fault_of(database: Database, *kept: Head, page_size: int = 2) -> tuple[int, str] | None:
    with database.read() as tx:
        fault: Fault | None = access_events.verify(tx, kept=kept, page_size=page_size).fault
    return (fault.number, fault.kind.value) if fault else None


def copied(number: int, source: int) -> str:
    """A statement that writes an event once more under another number."""
    chosen = COLUMNS.replace("number", str(number), 1)
    return f"INSERT INTO access_events ({COLUMNS}) SELECT {chosen} FROM access_events WHERE number = {source}"


def put(event: AccessEvent) -> str:
    """A statement that replaces the stored event's contents by those of another, hashes included."""
    changed = f"actor = '{event.actor}', previous_hash = '{event.previous_hash}', hash = '{event.hash}'"
    return f"UPDATE access_events SET {changed} WHERE number = {event.number}"


def made_anew(events: tuple[AccessEvent, ...]) -> list[str]:
    """Everything from the second event on rewritten with fitting hashes, and the head as well."""
    forged, last = [], events[0].hash
    for event in events[1:]:
        forged.append(sealed(replace(event, actor="nobody", previous_hash=last)))
        last = forged[-1].hash
    return [*map(put, forged), f"UPDATE access_head SET hash = '{last}'"]


@pytest.mark.parametrize("length", range(6))
def test_a_chain_that_nobody_touched_is_whole_however_the_pages_fall(database: Database, length: int) -> None:
    a_chain(database, length)
    for page_size in (1, 2, 3, 1000):
        with database.read() as tx:
            verdict = access_events.verify(tx, page_size=page_size)
        assert (verdict.fault, verdict.start, verdict.head.number) == (None, START, length)


@pytest.mark.parametrize("number", [1, 3, 5])
def test_an_edited_event_is_found_whatever_was_edited(database: Database, number: int) -> None:
    a_chain(database, 5)
    tampered(database)
    special = {"at": "'2026-11-21 12:00:09'", "version": "2"}
    edits = [(column, special.get(column, f"'{'a' * 64}'")) for column in tables.access_events.c.keys()[1:]]
    edits += [(column, "NULL") for column in ("customer_id", "grant_id", "reason", "ticket")]
    for column, value in edits:
        with database.write() as tx:
            edit = tx.connection.begin_nested()
            tx.connection.exec_driver_sql(f"UPDATE access_events SET {column} = {value} WHERE number = {number}")
            fault = access_events.verify(tx, page_size=2).fault
            edit.rollback()
        kind = FaultKind.UNREADABLE if column == "version" else FaultKind.CHANGED
        assert fault == Fault(number, kind), (column, value)
    assert fault_of(database) is None


def test_an_edited_event_with_a_fitting_hash_is_found_by_the_next_and_the_last_by_the_head(database: Database) -> None:
    events = a_chain(database, 4)
    tampered(database, put(sealed(replace(events[3], actor="nobody"))))
    assert fault_of(database) == (4, "head_differs")
    tampered(database, put(sealed(replace(events[1], actor="nobody"))))
    assert fault_of(database) == (3, "unchained")


@pytest.mark.parametrize(("gone", "first"), [("= 1", 1), ("= 3", 3), ("IN (2, 3, 4)", 2), ("= 5", 5), ("> 3", 4)])
def test_a_deleted_event_is_missed_the_last_ones_too(database: Database, gone: str, first: int) -> None:
    a_chain(database, 5)
    tampered(database, f"DELETE FROM access_events WHERE number {gone}")
    assert fault_of(database) == (first, "missing")


def test_all_events_deleted_are_missed(database: Database) -> None:
    a_chain(database, 5)
    tampered(database, "DELETE FROM access_events")
    assert fault_of(database) == (1, "missing")


def test_a_deleted_event_is_missed_when_the_others_close_up(database: Database) -> None:
    a_chain(database, 4)
    tampered(
        database,
        "DELETE FROM access_events WHERE number = 2",
        "UPDATE access_events SET number = 2 WHERE number = 3",
        "UPDATE access_events SET number = 3 WHERE number = 4",
    )
    assert fault_of(database) == (2, "changed")


@pytest.mark.parametrize(
    ("number", "fault"), [(6, (6, "changed")), (7, (6, "missing")), (0, (0, "misplaced")), (-3, (-3, "misplaced"))]
)
def test_an_event_that_was_put_in_is_found(database: Database, number: int, fault: tuple[int, str]) -> None:
    a_chain(database, 5)
    tampered(database, copied(number, 5))
    assert fault_of(database) == fault


def test_an_event_put_in_at_the_end_with_fitting_hashes_is_unknown_to_the_head(database: Database) -> None:
    last = a_chain(database, 2)[-1]
    more = sealed(replace(last, number=3, previous_hash=last.hash))
    tampered(database, copied(3, 2), put(more))
    assert fault_of(database) == (3, "head_behind")


def test_events_that_changed_places_are_found(database: Database) -> None:
    a_chain(database, 4)
    tampered(database, *(f"UPDATE access_events SET {change}" for change in SWAPPED))
    assert fault_of(database) == (2, "changed")


def test_a_head_that_was_removed_or_set_back_is_found(database: Database) -> None:
    events = a_chain(database, 3)
    tampered(database, f"UPDATE access_head SET number = 2, hash = '{events[1].hash}'")
    assert fault_of(database) == (3, "head_behind")
    tampered(database, f"UPDATE access_head SET number = 3, hash = '{'b' * 64}'")
    assert fault_of(database) == (3, "head_differs")
    tampered(database, "DELETE FROM access_head")
    assert fault_of(database) == (3, "head_gone")


def test_the_end_cut_off_with_the_head_set_back_is_found_by_a_head_kept_elsewhere_alone(database: Database) -> None:
    events = a_chain(database, 5)
    kept = Head(5, events[4].hash)
    assert fault_of(database, kept) is None
    cut = "DELETE FROM access_events WHERE number > 3"
    tampered(database, cut, f"UPDATE access_head SET number = 3, hash = '{events[2].hash}'")
    assert fault_of(database) is None
    assert fault_of(database, kept) == (5, FaultKind.KEPT_NOT_REACHED)


def test_a_chain_made_anew_is_found_by_a_head_kept_elsewhere_alone(database: Database) -> None:
    events = a_chain(database, 5)
    tampered(database, *made_anew(events))
    assert fault_of(database) is None
    assert fault_of(database, Head(1, events[0].hash), START) is None
    assert fault_of(database, Head(4, events[3].hash)) == (4, FaultKind.KEPT_DIFFERS)
    assert fault_of(database, Head(0, "c" * 64)) == (0, FaultKind.KEPT_DIFFERS)


def test_what_follows_a_head_kept_elsewhere_is_verified_by_itself(database: Database) -> None:
    events = a_chain(database, 5)
    tampered(database, "DELETE FROM access_events WHERE number < 3")

    def fault_after(head: Head) -> Fault | None:
        with database.read() as tx:
            return access_events.verify(tx, after=head, page_size=2).fault

    assert fault_of(database) == (1, "missing")
    assert fault_after(Head(2, events[1].hash)) is None
    assert fault_after(Head(5, events[4].hash)) is None
    assert fault_after(Head(2, "a" * 64)) == Fault(3, FaultKind.UNCHAINED)
    assert fault_after(Head(5, "a" * 64)) == Fault(5, FaultKind.KEPT_DIFFERS)
    assert fault_after(Head(6, "a" * 64)) == Fault(6, FaultKind.KEPT_NOT_REACHED)
    tampered(database, "DELETE FROM access_events WHERE number = 4")
    assert fault_after(Head(2, events[1].hash)) == Fault(4, FaultKind.MISSING)


@pytest.mark.parametrize(
    ("sqlite", "postgresql"),
    [
        ("at = 'yesterday'", "at = 'infinity'"),
        ("actor = CAST(x'ff' AS TEXT)", "at = '-infinity'"),
        ("at = x'00'", "at = '0099-01-01 BC'"),
    ],
)
def test_what_makes_no_sense_is_named_and_does_not_stop_the_verifier(
    database: Database, sqlite: str, postgresql: str
) -> None:
    a_chain(database, 5)
    with database.read() as tx:
        change = postgresql if tx.connection.dialect.name == "postgresql" else sqlite
    tampered(database, f"UPDATE access_events SET {change} WHERE number = 4")
    assert fault_of(database, page_size=1) == (4, "unreadable")
    fault = fault_of(database, page_size=1000)
    assert fault is not None
    assert fault[1] == "unreadable"


def test_bytes_in_place_of_a_word_are_a_change(database: Database) -> None:
    a_chain(database, 2)
    with database.read() as tx:
        value = "'x'" if tx.connection.dialect.name == "postgresql" else "x'00ff'"
    tampered(database, f"UPDATE access_events SET actor = {value} WHERE number = 1")
    assert fault_of(database) == (1, "changed")
