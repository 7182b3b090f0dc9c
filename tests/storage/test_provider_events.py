"""The inbox: every event once, none forgotten, the newest word about a device found in whatever order it came."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, DeviceReading
from portal.domain.provider_event import EventKind, EventState, ProviderEvent
from portal.storage import provider_events, tables
from portal.storage.database import Database
from portal.storage.ids import new_id
from portal.storage.provider_events import InboxEvent
from tests.storage.made import NOW, all_at_once

A_MINUTE = timedelta(seconds=60)
EVERY_STATE = frozenset(EventState)


def an_event(kind: EventKind = EventKind.DISCONNECTED, **differing: Any) -> ProviderEvent:
    told: dict[str, Any] = {"pseudonym": "anna there", "occurred_at": NOW}
    if kind is EventKind.DISCONNECTED:
        told["device_ids"] = ("d-1",)
    if kind is EventKind.CONNECTED:
        told["readings"] = (DeviceReading("d-1", DeviceType.CHARGER, Connection.WORKING),)
    return ProviderEvent(**{"provider_key": "telematica", "event_id": new_id(), "kind": kind, **told, **differing})


def stored(database: Database, event: ProviderEvent, *, now: datetime = NOW) -> str:
    with database.write() as tx:
        event_id = provider_events.store(tx, event, now=now)
    assert event_id is not None
    return event_id


def kept(database: Database, event_id: str) -> InboxEvent:
    with database.read() as tx:
        return next(found for found in provider_events.listed(tx, EVERY_STATE, limit=100) if found.id == event_id)


def to_take(database: Database, event_id: str) -> ProviderEvent | None:
    with database.read() as tx:
        return provider_events.to_take(tx, event_id)


def waiting(database: Database, now: datetime, limit: int = 100) -> tuple[str, ...]:
    with database.read() as tx:
        return provider_events.unfinished(tx, now=now, limit=limit)


def settle(database: Database, event_id: str, state: EventState, cause: str | None = None) -> None:
    with database.write() as tx:
        provider_events.settle(tx, event_id, state, now=NOW, cause=cause)


def test_an_event_comes_back_as_it_was_stored(database: Database) -> None:
    reading = DeviceReading(
        "d-1", DeviceType.CHARGER, Connection.WORKING, vendor_code="EASEE", nickname="Laddbox ♨", last_contact_at=NOW
    )
    event = an_event(EventKind.CONNECTED, readings=(reading,), link_session_id="attempt-1")
    event_id = stored(database, event)
    assert to_take(database, event_id) == event
    found = kept(database, event_id)
    assert (found.state, found.cause, found.tries, found.received_at) == (EventState.RECEIVED, None, 0, NOW)
    assert (found.kind, found.device_ids, found.pseudonym) == ("connected", ("d-1",), "anna there")


def test_text_that_a_database_refuses_does_not_stop_an_event(database: Database) -> None:
    reading = DeviceReading("d-1", DeviceType.CHARGER, Connection.WORKING, nickname="\x00 \ud800 \U0001f50c")
    event_id = stored(database, an_event(EventKind.CONNECTED, readings=(reading,), pseudonym="a\x00\ud800"))
    assert kept(database, event_id).pseudonym == "a\ufffd\ufffd"


def test_an_unknown_event_is_not_found(database: Database) -> None:
    with database.write() as tx:
        assert provider_events.to_take(tx, "unknown") is None
        assert not provider_events.wake(tx, "unknown", now=NOW)
        assert not provider_events.retry(tx, "unknown")


def test_the_same_event_at_another_provider_is_another_event(database: Database) -> None:
    for provider_key in ("telematica", "nox"):
        stored(database, an_event(provider_key=provider_key, event_id="1"))
    assert len(waiting(database, NOW + A_MINUTE)) == 2


def test_an_event_told_again_is_stored_once_and_wakes_once_a_minute(database: Database) -> None:
    event = an_event()
    event_id = stored(database, event)
    again = an_event(event_id=event.event_id, occurred_at=NOW + A_MINUTE, device_ids=("another",))
    with database.write() as tx:
        assert provider_events.store(tx, again, now=NOW + timedelta(seconds=59)) is None
        assert provider_events.store(tx, again, now=NOW + A_MINUTE) == event_id
        assert provider_events.store(tx, again, now=NOW + A_MINUTE) is None
    assert to_take(database, event_id) == event


@pytest.mark.parametrize("state", [EventState.DONE, EventState.QUARANTINED, EventState.DEAD])
def test_an_event_that_is_settled_wakes_nobody(database: Database, state: EventState) -> None:
    event = an_event()
    event_id = stored(database, event)
    settle(database, event_id, state, "why")
    with database.write() as tx:
        assert provider_events.store(tx, event, now=NOW + A_MINUTE) is None
        assert not provider_events.wake(tx, event_id, now=NOW + A_MINUTE)
    assert waiting(database, NOW + A_MINUTE) == ()
    assert to_take(database, event_id) is None
    assert (kept(database, event_id).state, kept(database, event_id).cause) == (state, "why")


def test_twenty_deliveries_at_once_are_one_event(database: Database) -> None:
    event = an_event()

    def deliver(_: int) -> str | None:
        with database.write() as tx:
            return provider_events.store(tx, event, now=NOW)

    answers = all_at_once(20, deliver)
    assert len([answer for answer in answers if answer is not None]) == 1


def test_what_should_have_been_taken_is_found_a_minute_later_oldest_first(database: Database) -> None:
    second = stored(database, an_event(), now=NOW + timedelta(seconds=1))
    first = stored(database, an_event())
    assert waiting(database, NOW + timedelta(seconds=59)) == ()
    assert waiting(database, NOW + A_MINUTE) == (first,)
    assert waiting(database, NOW + 2 * A_MINUTE) == (first, second)
    assert waiting(database, NOW + 2 * A_MINUTE, limit=1) == (first,)
    with database.write() as tx:
        assert provider_events.wake(tx, first, now=NOW + 2 * A_MINUTE)
        assert not provider_events.wake(tx, first, now=NOW + 2 * A_MINUTE)
    assert waiting(database, NOW + 2 * A_MINUTE) == (second,)


def test_failures_are_counted_and_a_retry_begins_anew(database: Database) -> None:
    event_id = stored(database, an_event())
    for count in (1, 2, 3):
        with database.write() as tx:
            assert provider_events.failed(tx, event_id) == count
    settle(database, event_id, EventState.DEAD, "ValueError")
    with database.write() as tx:
        assert provider_events.retry(tx, event_id)
    found = kept(database, event_id)
    assert (found.state, found.cause, found.tries) == (EventState.RECEIVED, None, 0)
    assert waiting(database, NOW) == (event_id,)


def test_the_newest_word_about_a_device_is_found_whenever_it_came(database: Database) -> None:
    newest = an_event(occurred_at=NOW + timedelta(seconds=2))
    older = an_event(EventKind.CONNECTED, occurred_at=NOW + timedelta(seconds=1))
    stored(database, newest)
    stored(database, older, now=NOW + A_MINUTE)
    others = (
        {"provider_key": "nox"},
        {"pseudonym": "bertil there"},
        {"device_ids": ("d-2",)},
        {"kind": EventKind.CHANGED, "device_ids": ("d-1",)},
    )
    for number, differing in enumerate(others):
        stored(database, an_event(**{"occurred_at": NOW + A_MINUTE, **differing}), now=NOW + timedelta(hours=number))
    with database.read() as tx:
        about = ("telematica", "anna there", "d-1")
        assert provider_events.newest_about(tx, *about) == newest
        assert provider_events.newest_about(tx, *about, since=newest.occurred_at) == newest
        assert provider_events.newest_about(tx, *about, since=NOW + timedelta(seconds=3)) is None
        assert provider_events.newest_about(tx, "telematica", "anna there", "d-3") is None


def test_an_event_that_nobody_could_make_sense_of_is_no_word(database: Database) -> None:
    settle(database, stored(database, an_event()), EventState.DEAD)
    with database.read() as tx:
        assert provider_events.newest_about(tx, "telematica", "anna there", "d-1") is None


@pytest.mark.parametrize("later", [EventKind.CONNECTED, EventKind.DISCONNECTED])
def test_within_one_second_the_one_that_came_later_counts(database: Database, later: EventKind) -> None:
    (earlier,) = {EventKind.CONNECTED, EventKind.DISCONNECTED} - {later}
    stored(database, an_event(later), now=NOW + timedelta(microseconds=1))
    stored(database, an_event(earlier))
    with database.read() as tx:
        newest = provider_events.newest_about(tx, "telematica", "anna there", "d-1")
    assert newest is not None
    assert newest.kind is later


def test_of_two_that_came_at_once_the_bad_news_counts(database: Database) -> None:
    for kind in (EventKind.DISCONNECTED, EventKind.CONNECTED):
        stored(database, an_event(kind))
    with database.read() as tx:
        newest = provider_events.newest_about(tx, "telematica", "anna there", "d-1")
    assert newest is not None
    assert newest.kind is EventKind.DISCONNECTED


def test_an_event_of_another_version_of_the_portal_is_listed_though_it_cannot_be_read(database: Database) -> None:
    event_id = stored(database, an_event(EventKind.CONNECTED))
    of_the_future = [{"provider_device_id": "d-1", "device_type": "balcony_power_plant"}]
    with database.write() as tx:
        tx.connection.execute(tables.provider_events.update().values(readings=of_the_future))
    with pytest.raises(ValueError, match="balcony_power_plant"):
        to_take(database, event_id)
    assert kept(database, event_id).device_ids == ("d-1",)


def test_the_operator_sees_the_latest_of_each_state_first(database: Database) -> None:
    done, quarantined, dead, new = (
        stored(database, an_event(), now=NOW + timedelta(seconds=number)) for number in range(4)
    )
    settle(database, done, EventState.DONE)
    settle(database, quarantined, EventState.QUARANTINED, "nobody")
    settle(database, dead, EventState.DEAD, "ValueError")
    with database.read() as tx:
        everything = provider_events.listed(tx, EVERY_STATE, limit=10)
        to_see = provider_events.listed(tx, frozenset({EventState.QUARANTINED, EventState.DEAD}), limit=10)
        latest = provider_events.listed(tx, EVERY_STATE, limit=1)
    assert [found.id for found in everything] == [new, dead, quarantined, done]
    assert [(found.id, found.cause) for found in to_see] == [(dead, "ValueError"), (quarantined, "nobody")]
    assert [found.id for found in latest] == [new]


@pytest.mark.parametrize(
    ("state", "days", "is_kept"),
    [
        (EventState.DONE, 29, True),
        (EventState.DONE, 31, False),
        (EventState.QUARANTINED, 89, True),
        (EventState.QUARANTINED, 91, False),
        (EventState.DEAD, 89, True),
        (EventState.DEAD, 91, False),
        (EventState.RECEIVED, 1000, True),
    ],
)
def test_an_event_is_kept_for_as_long_as_it_may_be_told_again_or_looked_at(
    database: Database, state: EventState, days: int, is_kept: bool
) -> None:
    event_id = stored(database, an_event(), now=NOW - timedelta(days=days))
    if state is not EventState.RECEIVED:
        settle(database, event_id, state)
    with database.write() as tx:
        provider_events.purge(tx, NOW - timedelta(days=30))
        assert (provider_events.listed(tx, EVERY_STATE, limit=1) != ()) is is_kept
