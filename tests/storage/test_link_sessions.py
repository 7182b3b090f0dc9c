"""Attempts: stored whole, moved by one winner only, and seen by nobody but their customer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, DeviceReading
from portal.domain.link_session import LEASE, ONE_CLICK, ArrivalHints, LinkSession, Purpose, Reason, State
from portal.domain.people import Customer
from portal.domain.waiting import Line
from portal.storage import devices, due_attempts, link_sessions, tables
from portal.storage.database import Database
from tests.storage.made import LATER, NOW, SOON, a_device, all_at_once, an_attempt, raw

SECRET = "an arrival secret that only the provider was told"
CONNECT_URL = "https://connect.example/start?token=bearer"

HINTS = ArrivalHints(
    device_ids=("d-1", "ö\x00\ud800"),
    device_type="heat_pump",
    provider_user_id="nox-1",
    pseudonym="abc",
    connected_at=NOW,
    cancelled=True,
    unreadable=True,
)
READING = DeviceReading(
    provider_device_id="d-1",
    device_type=DeviceType.HEAT_PUMP,
    connection=Connection.WORKING,
    vendor_code="NIBE",
    vendor_name="NIBE",
    model="S1255",
    nickname="Värmepumpen 🏠",
    last_contact_at=NOW,
    country="SE",
)


def stored(database: Database, attempt: LinkSession, *, click: str | None = None) -> LinkSession:
    with database.write() as tx:
        link_sessions.insert(tx, attempt, click=click)
    return attempt


def departed(database: Database, customer: Customer, *, secret: str = SECRET, **differing: object) -> LinkSession:
    attempt = stored(database, an_attempt(customer, **differing))
    gone = replace(attempt.moved(State.DEPARTED, now=NOW), connect_url=CONNECT_URL)
    with database.write() as tx:
        assert link_sessions.move(tx, gone, was=State.CREATED, arrival_secret=secret)
    return replace(gone, version=1)


def test_a_new_attempt_comes_back_as_it_was(database: Database, anna: Customer) -> None:
    attempt = stored(database, an_attempt(anna))
    with database.read() as tx:
        assert link_sessions.get(tx, anna.id, attempt.id) == attempt


def test_everything_that_can_change_comes_back_as_it_was_moved(database: Database, anna: Customer) -> None:
    device = a_device(anna)
    attempt = stored(database, an_attempt(anna, purpose=Purpose.REAUTHENTICATE))
    moved = replace(
        attempt,
        state=State.WAITING,
        reason=Reason.NOT_CONFIRMED,
        expires_at=LATER,
        device_id=device.id,
        provider_reference="onboarding-1",
        connect_url=CONNECT_URL,
        hints=HINTS,
        confirmed=(READING, DeviceReading("d-2", DeviceType.BATTERY)),
        departed_at=NOW,
        arrived_at=SOON,
        ended_at=LATER,
        tries=3,
    )
    with database.write() as tx:
        devices.save(tx, device)
        assert link_sessions.move(tx, moved, was=State.CREATED)
    with database.read() as tx:
        assert link_sessions.get(tx, anna.id, attempt.id) == replace(moved, version=1)


def test_what_was_learned_meanwhile_is_never_overwritten(database: Database, anna: Customer) -> None:
    attempt = an_attempt(anna)
    with database.write() as tx:
        link_sessions.insert(tx, attempt, click="click")
        assert link_sessions.move(tx, replace(attempt, tries=1), was=State.CREATED)
        assert not link_sessions.move(tx, replace(attempt, tries=7), was=State.CREATED)
    with database.read() as tx:
        assert link_sessions.get(tx, anna.id, attempt.id) == replace(attempt, tries=1, version=1)


def test_an_attempt_may_be_moved_before_its_device_is_stored(database: Database, anna: Customer) -> None:
    device = a_device(anna)
    attempt = stored(database, an_attempt(anna))
    with database.write() as tx:
        link_sessions.move(tx, replace(attempt, device_id=device.id), was=State.CREATED)
        devices.save(tx, device)
    with pytest.raises(IntegrityError), database.write() as tx:
        link_sessions.move(tx, replace(attempt, device_id="no such device", version=1), was=State.CREATED)


def test_an_attempt_never_points_at_another_customer_s_device(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    device = a_device(bertil)
    with database.write() as tx:
        devices.save(tx, device)
    with pytest.raises(IntegrityError):
        stored(database, an_attempt(anna, device_id=device.id))


def test_a_stranger_meets_nobody_s_attempts(database: Database, anna: Customer, bertil: Customer) -> None:
    attempt = departed(database, anna)
    with database.write() as tx:
        assert link_sessions.get(tx, bertil.id, attempt.id) is None
        assert link_sessions.recent(tx, bertil.id, "podero") == ()
        assert link_sessions.open_of(tx, bertil.id) == ()
        assert link_sessions.of_click(tx, bertil.id, "click") is None
        assert not link_sessions.claim(tx, attempt.id, bertil.id, now=NOW, until=SOON)
        stolen = replace(attempt, customer_id=bertil.id, state=State.ARRIVED)
        assert not link_sessions.move(tx, stolen, was=State.DEPARTED)
        assert link_sessions.get(tx, anna.id, attempt.id) == attempt


def test_a_move_from_where_the_attempt_no_longer_is_changes_nothing(database: Database, anna: Customer) -> None:
    attempt = departed(database, anna)
    with database.write() as tx:
        assert not link_sessions.move(tx, replace(attempt, state=State.FAILED), was=State.CREATED)
        assert link_sessions.get(tx, anna.id, attempt.id) == attempt


def test_of_twenty_who_move_an_attempt_one_wins(database: Database, anna: Customer) -> None:
    attempt = departed(database, anna)
    arrived = attempt.moved(State.ARRIVED, now=NOW)

    def move(number: int) -> bool:
        with database.write() as tx:
            return link_sessions.move(tx, replace(arrived, tries=number), was=State.DEPARTED)

    won = all_at_once(20, move)
    assert won.count(True) == 1
    with database.read() as tx:
        kept = link_sessions.get(tx, anna.id, attempt.id)
    assert kept is not None
    assert kept.tries == won.index(True)


def test_twenty_clicks_at_once_open_one_attempt(database: Database, anna: Customer) -> None:
    def click(_: int) -> bool:
        try:
            stored(database, an_attempt(anna), click="link/heat_pump/nibe/")
        except link_sessions.Duplicate:
            return False
        return True

    assert all_at_once(20, click).count(True) == 1


def test_a_duplicate_leaves_its_transaction_usable(database: Database, anna: Customer) -> None:
    first = stored(database, an_attempt(anna), click="click")
    with database.write() as tx:
        with pytest.raises(link_sessions.Duplicate):
            link_sessions.insert(tx, an_attempt(anna), click="click")
        assert link_sessions.of_click(tx, anna.id, "click") == first


def test_the_same_click_of_two_customers_is_two_clicks(database: Database, anna: Customer, bertil: Customer) -> None:
    stored(database, an_attempt(anna), click="click")
    stored(database, an_attempt(bertil), click="click")
    stored(database, an_attempt(anna))
    stored(database, an_attempt(anna))


def test_a_forgotten_click_opens_another_attempt(database: Database, anna: Customer, bertil: Customer) -> None:
    stored(database, an_attempt(anna), click="click")
    his = stored(database, an_attempt(bertil), click="click")
    with database.write() as tx:
        link_sessions.forget_click(tx, anna.id, "click")
        assert link_sessions.of_click(tx, anna.id, "click") is None
        assert link_sessions.of_click(tx, bertil.id, "click") == his
    again = stored(database, an_attempt(anna), click="click")
    with database.read() as tx:
        assert link_sessions.of_click(tx, anna.id, "click") == again


def test_one_of_many_takes_a_departure_in_hand(database: Database, anna: Customer) -> None:
    attempt = stored(database, an_attempt(anna))

    def claim(_: int) -> bool:
        with database.write() as tx:
            return link_sessions.claim(tx, attempt.id, anna.id, now=NOW, until=SOON)

    assert all_at_once(20, claim).count(True) == 1


def test_a_departure_is_handed_back_or_runs_out(database: Database, anna: Customer) -> None:
    attempt = stored(database, an_attempt(anna))
    with database.write() as tx:
        assert link_sessions.claim(tx, attempt.id, anna.id, now=NOW, until=SOON)
        link_sessions.postpone(tx, attempt.id, anna.id, until=NOW)
        assert link_sessions.claim(tx, attempt.id, anna.id, now=NOW, until=LATER)
        link_sessions.postpone(tx, attempt.id, anna.id, until=SOON)
        assert not link_sessions.claim(tx, attempt.id, anna.id, now=NOW, until=LATER)
        assert link_sessions.claim(tx, attempt.id, anna.id, now=SOON, until=LATER)


def test_what_has_departed_cannot_depart_again(database: Database, anna: Customer) -> None:
    attempt = departed(database, anna)
    with database.write() as tx:
        assert not link_sessions.claim(tx, attempt.id, anna.id, now=LATER, until=LATER)


def test_a_return_finds_its_attempt_by_the_secret(database: Database, anna: Customer) -> None:
    attempt = departed(database, anna)
    departed(database, anna, secret="another secret")
    with database.read() as tx:
        assert link_sessions.by_arrival_secret(tx, "podero", SECRET) == attempt
        assert link_sessions.by_arrival_secret(tx, "nox", SECRET) is None
        assert link_sessions.by_arrival_secret(tx, "podero", "guessed") is None
        assert link_sessions.by_arrival_secret(tx, "podero", "\x00\ud800") is None


def test_a_later_move_keeps_the_arrival_secret(database: Database, anna: Customer) -> None:
    arrived = departed(database, anna).moved(State.ARRIVED, now=NOW)
    with database.write() as tx:
        link_sessions.move(tx, arrived, was=State.DEPARTED)
        assert link_sessions.by_arrival_secret(tx, "podero", SECRET) == replace(arrived, version=2)


def test_a_thief_of_the_database_reads_no_secret_in_it(database: Database, anna: Customer) -> None:
    departed(database, anna)
    table = raw(database, tables.link_sessions)
    assert "bearer" not in table
    assert "connect.example" not in table
    assert SECRET not in table


def test_a_used_connect_url_leaves_nothing_behind(database: Database, anna: Customer) -> None:
    attempt = replace(departed(database, anna), connect_url=None)
    with database.write() as tx:
        link_sessions.move(tx, attempt, was=State.DEPARTED)
        row = tx.connection.execute(tables.link_sessions.select()).one()
    assert row.connect_url_sealed is None


def test_a_customer_s_latest_attempts_come_newest_first(database: Database, anna: Customer) -> None:
    first = stored(database, an_attempt(anna, state=State.FAILED))
    second = stored(database, an_attempt(anna, created_at=SOON))
    stored(database, an_attempt(anna, provider_key="nox", created_at=LATER))
    with database.read() as tx:
        assert link_sessions.recent(tx, anna.id, "podero") == (second, first)


def test_open_attempts_are_those_in_which_something_may_still_happen(database: Database, anna: Customer) -> None:
    for minutes, state in enumerate(State):
        stored(database, an_attempt(anna, state=state, created_at=NOW + timedelta(minutes=minutes)))
    with database.read() as tx:
        states = [attempt.state for attempt in link_sessions.open_of(tx, anna.id)]
    assert states == [State.WAITING, State.ARRIVED, State.DEPARTED, State.CREATED]


def test_devices_that_a_stranger_s_return_named_are_known_as_held(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    held = {
        "state": State.HELD,
        "reason": Reason.ANOTHER_PERSON,
        "ended_at": SOON,
        "hints": ArrivalHints(device_ids=("d-1", "d-2")),
    }
    stored(database, an_attempt(anna, **held))
    own_browser = {"reason": Reason.NOT_SIGNED_IN, "hints": ArrivalHints(device_ids=("d-5",))}
    stored(database, an_attempt(anna, **{**held, **own_browser}))
    stored(database, an_attempt(anna, provider_key="nox", **held))
    stored(database, an_attempt(anna, state=State.ARRIVED, hints=ArrivalHints(device_ids=("d-3",))))
    stored(database, an_attempt(bertil, state=State.HELD, hints=ArrivalHints(device_ids=("d-4",))))
    with database.read() as tx:
        assert link_sessions.held_device_ids(tx, anna.id, "podero", since=SOON) == {"d-1", "d-2"}
        assert link_sessions.held_device_ids(tx, anna.id, "podero", since=LATER) == frozenset()


def due(database: Database, now: datetime = NOW, limit: int = 10) -> list[str]:
    with database.read() as tx:
        return [found.id for found in due_attempts.due(tx, now=now, limit=limit)]


def test_what_should_have_moved_is_found_the_longest_unchecked_first(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    waiting = stored(database, an_attempt(anna, state=State.WAITING))
    fresh = stored(database, an_attempt(bertil, created_at=NOW + timedelta(seconds=1)))
    in_hand = stored(database, an_attempt(anna))
    stored(database, an_attempt(anna, state=State.LINKED))
    stored(database, an_attempt(anna, state=State.DEPARTED))
    with database.write() as tx:
        link_sessions.checked(tx, anna.id, waiting.id, now=NOW - timedelta(minutes=1))
        link_sessions.claim(tx, in_hand.id, anna.id, now=NOW, until=SOON)
    assert due(database) == [fresh.id, waiting.id]
    assert due(database, limit=1) == [fresh.id]
    assert in_hand.id in due(database, SOON)


def test_links_that_ran_out_and_links_that_were_used_are_found(database: Database, anna: Customer) -> None:
    late = stored(database, an_attempt(anna, state=State.DEPARTED, expires_at=NOW - timedelta(seconds=1)))
    used = stored(database, an_attempt(anna, state=State.DEPARTED, connect_url=CONNECT_URL, departed_at=NOW))
    assert due(database) == [late.id]
    assert set(due(database, NOW + ONE_CLICK)) == {late.id, used.id}


def test_a_strangers_return_is_undone_once(database: Database, anna: Customer) -> None:
    held = stored(database, an_attempt(anna, state=State.HELD, reason=Reason.ANOTHER_PERSON))
    stored(database, an_attempt(anna, state=State.HELD, reason=Reason.NOT_SIGNED_IN))
    assert due(database) == [held.id]
    with database.write() as tx:
        link_sessions.checked(tx, anna.id, held.id, now=NOW)
    assert due(database, LATER) == []


def test_an_attempt_is_woken_once_until_it_is_taken_up_or_the_queue_has_lost_it(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    attempt = stored(database, an_attempt(anna))
    with database.write() as tx:
        assert link_sessions.wake(tx, anna.id, attempt.id, now=NOW)
        assert not link_sessions.wake(tx, anna.id, attempt.id, now=NOW + timedelta(seconds=59))
        assert not link_sessions.wake(tx, bertil.id, attempt.id, now=NOW)
        assert link_sessions.wake(tx, anna.id, attempt.id, now=NOW + timedelta(seconds=60))
        link_sessions.take_up(tx, anna.id, attempt.id)
        assert link_sessions.wake(tx, anna.id, attempt.id, now=NOW)
        assert link_sessions.claim(tx, attempt.id, anna.id, now=NOW, until=SOON)
        assert link_sessions.wake(tx, anna.id, attempt.id, now=NOW)


def test_of_many_who_wake_an_attempt_at_once_one_puts_it_in_the_queue(database: Database, anna: Customer) -> None:
    attempt = stored(database, an_attempt(anna))

    def wake(_: int) -> bool:
        with database.write() as tx:
            return link_sessions.wake(tx, anna.id, attempt.id, now=NOW)

    assert sorted(all_at_once(10, wake)) == [False] * 9 + [True]


def test_it_is_known_how_many_wait_in_front_and_since_when_the_first_is_having_its_turn(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    first = stored(database, an_attempt(bertil))
    stored(database, an_attempt(bertil, provider_key="nox"))
    stored(database, an_attempt(bertil, state=State.DEPARTED))
    mine = stored(database, an_attempt(anna, created_at=NOW + timedelta(seconds=1)))
    stored(database, an_attempt(bertil, created_at=NOW + timedelta(seconds=2)))
    with database.read() as tx:
        assert link_sessions.line_of(tx, mine, now=NOW) == Line(in_front=1)
    with database.write() as tx:
        link_sessions.claim(tx, first.id, bertil.id, now=NOW, until=NOW + LEASE)
    with database.read() as tx:
        assert link_sessions.line_of(tx, mine, now=NOW) == Line(in_front=1, under_way_since=NOW)
        assert link_sessions.line_of(tx, mine, now=NOW + LEASE) == Line(in_front=1)


def test_attempts_of_older_and_newer_portals_stay_readable(database: Database, anna: Customer) -> None:
    attempt = stored(database, an_attempt(anna))
    older_and_newer = {
        "hints": {"device_ids": ["d-1"], "colour": "green"},
        "confirmed": [{"provider_device_id": "d-1", "device_type": "heat_pump", "colour": "green"}],
    }
    with database.write() as tx:
        tx.connection.execute(tables.link_sessions.update().values(older_and_newer))
        read = link_sessions.get(tx, anna.id, attempt.id)
    assert read is not None
    assert read.hints == ArrivalHints(device_ids=("d-1",))
    assert read.confirmed == (DeviceReading("d-1", DeviceType.HEAT_PUMP),)


def test_the_latest_attempts_are_the_customer_s_own_and_come_without_their_links(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    first = an_attempt(anna, connect_url="https://connect.example/secret")
    second = an_attempt(anna, created_at=SOON, expires_at=LATER)
    with database.write() as tx:
        for attempt in (first, second, an_attempt(bertil)):
            link_sessions.insert(tx, attempt, click=None)
    with database.read() as tx:
        assert link_sessions.latest(tx, anna.id, 9) == (second, replace(first, connect_url=None))
        assert link_sessions.latest(tx, anna.id, 1) == (second,)
