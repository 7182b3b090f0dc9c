"""What a provider's flags and the age of its data amount to, for each kind of device."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.health import ASKED_WITHIN, CONNECTIONS, USUAL_CAUSES, Cause, Connection, aged, judge
from portal.domain.pace import SELDOMEST

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MOMENT = timedelta(minutes=5)
LONG = timedelta(days=30)


def cause(
    flags: Connection,
    age: timedelta | None = None,
    *,
    of: DeviceType = DeviceType.HEAT_PUMP,
    linked_for: timedelta | None = None,
) -> Cause:
    heard_at = None if age is None else NOW - age
    awaited_since = None if linked_for is None else NOW - linked_for
    return judge(flags, device_type=of, heard_at=heard_at, awaited_since=awaited_since, now=NOW)


def test_every_cause_belongs_to_a_connection_and_every_connection_has_its_usual_cause() -> None:
    assert set(CONNECTIONS) == set(Cause)
    assert {connection: usual.connection for connection, usual in USUAL_CAUSES.items()} == {c: c for c in Connection}


@pytest.mark.parametrize("age", [None, MOMENT, LONG])
@pytest.mark.parametrize("linked_for", [None, MOMENT])
def test_a_provider_that_says_what_is_wrong_is_believed_however_new_its_data(
    age: timedelta | None, linked_for: timedelta | None
) -> None:
    assert cause(Connection.NEEDS_REAUTHENTICATION, age, linked_for=linked_for) is Cause.ACCESS_ENDED
    assert cause(Connection.UNREACHABLE, age, linked_for=linked_for) is Cause.OFFLINE


@pytest.mark.parametrize(
    ("device_type", "longest"),
    [
        (DeviceType.HEAT_PUMP, timedelta(days=1)),
        (DeviceType.BATTERY, timedelta(days=1)),
        (DeviceType.HVAC, timedelta(days=1)),
        (DeviceType.CHARGER, timedelta(days=3)),
        (DeviceType.INVERTER, timedelta(days=3)),
    ],
)
def test_fine_flags_are_not_believed_when_data_has_stopped(device_type: DeviceType, longest: timedelta) -> None:
    assert cause(Connection.WORKING, longest, of=device_type) is Cause.DATA_FLOWS
    assert cause(Connection.WORKING, longest + timedelta(seconds=1), of=device_type) is Cause.DATA_STOPPED


def test_a_parked_car_sleeps_for_as_long_as_it_likes() -> None:
    assert cause(Connection.WORKING, LONG, of=DeviceType.VEHICLE) is Cause.DATA_FLOWS


@pytest.mark.parametrize("device_type", list(DeviceType))
def test_a_provider_that_does_not_tell_how_old_its_data_is_counts_by_its_flags(device_type: DeviceType) -> None:
    assert cause(Connection.WORKING, None, of=device_type) is Cause.DATA_FLOWS
    assert cause(Connection.UNKNOWN, None, of=device_type) is Cause.NO_WORD


@pytest.mark.parametrize("device_type", list(DeviceType))
def test_a_provider_without_a_flag_counts_by_its_data(device_type: DeviceType) -> None:
    assert cause(Connection.UNKNOWN, MOMENT, of=device_type) is Cause.DATA_FLOWS
    assert cause(Connection.UNKNOWN, LONG, of=device_type) is Cause.NO_WORD


def test_data_from_a_clock_that_is_ahead_is_new() -> None:
    assert cause(Connection.WORKING, -LONG) is Cause.DATA_FLOWS


@pytest.mark.parametrize(
    ("flags", "age", "afterwards"),
    [
        (Connection.WAITING, None, Cause.OFFLINE),
        (Connection.UNKNOWN, None, Cause.NO_WORD),
        (Connection.UNKNOWN, LONG, Cause.NO_WORD),
        (Connection.WORKING, LONG, Cause.DATA_STOPPED),
    ],
)
def test_the_first_data_after_linking_may_take_an_hour(
    flags: Connection, age: timedelta | None, afterwards: Cause
) -> None:
    an_hour = timedelta(hours=1)
    assert cause(flags, age, linked_for=an_hour) is Cause.FIRST_DATA
    assert cause(flags, age, linked_for=an_hour + timedelta(seconds=1)) is afterwards
    assert cause(flags, age) is afterwards


def after(cause: Cause, unread_for: timedelta, *, since: timedelta = LONG) -> Cause:
    return aged(cause, changed_at=NOW - since, read_at=NOW - unread_for, now=NOW)


@pytest.mark.parametrize("cause", list(Cause))
def test_a_judgement_lasts_for_as_long_as_devices_are_read_as_planned(cause: Cause) -> None:
    assert after(cause, SELDOMEST, since=MOMENT) is cause


def test_what_could_not_be_asked_for_long_is_not_known() -> None:
    lasting = {cause for cause in Cause if after(cause, ASKED_WITHIN + MOMENT) is cause}
    assert lasting == {Cause.ACCESS_ENDED, Cause.RENEWING, Cause.NOT_ASKED}
    assert after(Cause.DATA_FLOWS, ASKED_WITHIN + MOMENT) is Cause.NOT_ASKED


def test_nobody_waits_for_the_first_data_for_ever() -> None:
    assert after(Cause.FIRST_DATA, MOMENT, since=timedelta(hours=2)) is Cause.NO_WORD
