"""How a device fared is kept: whoever saves a change cannot forget to write it down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.domain.device import Connection
from portal.domain.health import Cause
from portal.domain.people import Customer
from portal.storage import device_history, devices
from portal.storage.database import Database
from portal.storage.device_history import HealthChange
from tests.storage.made import LATER, NOW, SOON, a_device


def test_every_change_of_health_is_kept_newest_first(database: Database, anna: Customer) -> None:
    device = a_device(anna, changed_at=NOW)
    lapsed = device.judged(Cause.ACCESS_ENDED, now=SOON)
    healed = lapsed.judged(Cause.DATA_FLOWS, now=LATER)
    with database.write() as tx:
        for state in (device, lapsed, healed):
            devices.save(tx, state)
    with database.read() as tx:
        assert device_history.of_device(tx, anna.id, device.id, 9) == (
            HealthChange(LATER, Connection.WORKING, Cause.DATA_FLOWS),
            HealthChange(SOON, Connection.NEEDS_REAUTHENTICATION, Cause.ACCESS_ENDED),
            HealthChange(NOW, Connection.WORKING, Cause.DATA_FLOWS),
        )
        assert [change.at for change in device_history.of_device(tx, anna.id, device.id, 1)] == [LATER]


def test_another_cause_of_the_same_connection_is_a_change(database: Database, anna: Customer) -> None:
    device = a_device(anna).judged(Cause.OFFLINE, now=NOW)
    with database.write() as tx:
        devices.save(tx, device)
        devices.save(tx, device.judged(Cause.DATA_STOPPED, now=LATER))
        changes = device_history.of_device(tx, anna.id, device.id, 9)
    assert [change.cause for change in changes] == [Cause.DATA_STOPPED, Cause.OFFLINE]


def test_what_does_not_concern_its_health_leaves_no_trace(database: Database, anna: Customer) -> None:
    device = a_device(anna)
    with database.write() as tx:
        for read_at in (NOW, SOON, LATER):
            devices.save(tx, replace(device, read_at=read_at, nickname=str(read_at), removal_asked_at=read_at))
        assert device_history.of_device(tx, anna.id, device.id, 9) == (
            HealthChange(device.observed_at, Connection.WORKING, Cause.DATA_FLOWS),
        )


def test_nobody_reads_anothers_history_or_writes_into_it(database: Database, anna: Customer, bertil: Customer) -> None:
    device = a_device(anna)
    with database.write() as tx:
        devices.save(tx, device)
        assert device_history.of_device(tx, bertil.id, device.id, 9) == ()
    stolen = replace(device.judged(Cause.OFFLINE, now=LATER), customer_id=bertil.id)
    with pytest.raises(devices.NotSaved), database.write() as tx:
        devices.save(tx, stolen)
    with database.read() as tx:
        assert len(device_history.of_device(tx, anna.id, device.id, 9)) == 1


def test_the_changes_of_all_devices_of_a_customer_are_theirs_and_newest_first(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    first, second = a_device(anna, changed_at=NOW), a_device(anna, changed_at=SOON)
    with database.write() as tx:
        for device in (first, second, first.judged(Cause.OFFLINE, now=LATER), a_device(bertil)):
            devices.save(tx, device)
    with database.read() as tx:
        assert device_history.of_customer(tx, anna.id, 2) == (
            (first.id, HealthChange(LATER, Connection.UNREACHABLE, Cause.OFFLINE)),
            (second.id, HealthChange(SOON, Connection.WORKING, Cause.DATA_FLOWS)),
        )


def test_a_device_that_was_removed_is_still_among_those_a_customer_ever_had(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    gone, here = a_device(anna, removed_at=LATER), a_device(anna, linked_at=SOON)
    with database.write() as tx:
        for device in (gone, here, a_device(bertil)):
            devices.save(tx, device)
    with database.read() as tx:
        assert [device.id for device in devices.ever(tx, anna.id, 9)] == [here.id, gone.id]
        assert [device.id for device in devices.ever(tx, anna.id, 1)] == [here.id]
