"""What a provider's reading changes on a device, and what it leaves alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from portal.domain.device import Connection, Device
from portal.domain.health import ASKED_WITHIN, CONNECTIONS, Cause
from tests.domain.test_confirmation import NOW, device, reading

LATER = NOW + timedelta(minutes=5)


def test_what_the_provider_leaves_out_is_kept() -> None:
    named = replace(device(), nickname="Cellar", last_contact_at=NOW)
    after = named.with_reading(reading("pump"), now=LATER)
    assert (after.nickname, after.model, after.last_contact_at) == ("Cellar", "S1255", NOW)
    assert (after.connection, after.read_at, after.observed_at) == (Connection.WORKING, LATER, LATER)


def test_a_new_id_keeps_the_row_and_the_nickname() -> None:
    after = replace(device(), nickname="Cellar").with_reading(reading("new"), now=LATER)
    assert (after.id, after.provider_device_id, after.nickname) == ("ours", "new", "Cellar")


def test_a_provider_that_lags_behind_a_renewal_is_not_believed_at_once() -> None:
    lapsed = reading("pump", Connection.NEEDS_REAUTHENTICATION)
    assert device().with_reading(lapsed, now=LATER, settling=True).connection is Connection.WAITING
    assert device().with_reading(lapsed, now=LATER).connection is Connection.NEEDS_REAUTHENTICATION
    assert device().with_reading(reading("pump"), now=LATER, settling=True).connection is Connection.WORKING


def test_a_device_the_provider_does_not_name_is_unknown_and_raises_no_alarm() -> None:
    gone = replace(device(), connection=Connection.WORKING).missing(now=LATER)
    assert (gone.connection, gone.needs_customer) == (Connection.UNKNOWN, False)
    assert device().needs_customer


def test_a_device_that_is_gone_there_is_off_the_list_and_known_to_be() -> None:
    gone = device().gone_there(now=LATER)
    assert (gone.removed_at, gone.read_at, gone.observed_at) == (LATER, LATER, LATER)
    assert not gone.is_active_as(reading("pump"))


def test_a_device_answers_to_its_id_while_it_is_on_the_list() -> None:
    assert device().is_active_as(reading("pump"))
    assert not device().is_active_as(reading("another"))
    assert not device(removed=True).is_active_as(reading("pump"))


def test_a_device_is_called_by_its_maker_and_model_and_never_by_the_maker_twice() -> None:
    assert device().made == "NIBE S1255"
    assert replace(device(), model="Nibe F730").made == "Nibe F730"
    assert replace(device(), model=None).made == "NIBE"
    assert replace(device(), model=None, vendor_name="").made == ""


def healthy(**differences: Any) -> Device:
    working = replace(device(), connection=Connection.WORKING, last_contact_at=NOW, changed_at=NOW)
    return replace(working, **differences)


def test_a_connection_brings_its_usual_cause_and_never_keeps_anothers() -> None:
    assert {replace(device(), connection=connection).cause.connection for connection in Connection} == set(Connection)
    assert replace(healthy(), connection=Connection.UNREACHABLE).cause is Cause.OFFLINE
    for cause in Cause:
        assert device().judged(cause, now=LATER).connection is CONNECTIONS[cause]


def test_data_that_stopped_is_noticed_though_the_provider_says_that_all_is_well() -> None:
    two_days_on = NOW + timedelta(days=2)
    stopped = healthy().with_reading(reading("pump", last_contact_at=NOW), now=two_days_on)
    assert (stopped.connection, stopped.cause) == (Connection.UNREACHABLE, Cause.DATA_STOPPED)
    assert (stopped.last_contact_at, stopped.changed_at) == (NOW, two_days_on)
    again = stopped.with_reading(reading("pump", last_contact_at=two_days_on), now=two_days_on)
    assert (again.connection, again.cause) == (Connection.WORKING, Cause.DATA_FLOWS)


def test_what_stays_the_same_has_been_so_since_it_began() -> None:
    assert healthy().with_reading(reading("pump"), now=LATER).changed_at == NOW
    assert healthy().with_reading(reading("pump", Connection.UNREACHABLE), now=LATER).changed_at == LATER


def test_old_data_is_no_alarm_right_after_reconnecting_and_is_one_in_the_end() -> None:
    lapsed = healthy().judged(Cause.ACCESS_ENDED, now=NOW)
    old = reading("pump", last_contact_at=NOW - timedelta(days=4))
    back = lapsed.with_reading(old, now=LATER)
    assert (back.connection, back.cause) == (Connection.WAITING, Cause.FIRST_DATA)
    assert back.with_reading(old, now=LATER + timedelta(minutes=59)).cause is Cause.FIRST_DATA
    assert back.with_reading(old, now=LATER + timedelta(minutes=61)).cause is Cause.DATA_STOPPED
    assert back.with_reading(reading("pump", last_contact_at=LATER), now=LATER).cause is Cause.DATA_FLOWS


def test_a_device_linked_again_begins_anew_and_forgets_its_removal() -> None:
    removed = replace(device(removed=True), linked_at=NOW - timedelta(days=99), removal_failed_at=NOW)
    back = removed.with_reading(reading("pump"), now=LATER)
    assert (back.linked_at, back.removed_at, back.removal_failed_at) == (LATER, None, None)
    old = reading("pump", last_contact_at=NOW - timedelta(days=4))
    assert removed.with_reading(old, now=LATER).cause is Cause.FIRST_DATA


def test_a_provider_that_could_not_be_asked_for_long_leaves_the_device_unknown() -> None:
    much_later = NOW + ASKED_WITHIN + timedelta(minutes=1)
    unknown = healthy().as_of(much_later, reads_devices=True)
    assert (unknown.connection, unknown.cause) == (Connection.UNKNOWN, Cause.NOT_ASKED)
    assert healthy().as_of(LATER, reads_devices=True) == healthy()
    assert replace(healthy(), changed_at=None).as_of(LATER, reads_devices=True).cause is Cause.DATA_FLOWS
    assert unknown.with_reading(reading("pump", last_contact_at=much_later), now=much_later).cause is Cause.DATA_FLOWS


def test_where_only_events_tell_silence_means_nothing() -> None:
    assert healthy().as_of(NOW + timedelta(days=99), reads_devices=False) == healthy()


def test_a_lapsed_device_that_is_being_removed_needs_nobody() -> None:
    assert not replace(device(), removal_asked_at=NOW).needs_customer
