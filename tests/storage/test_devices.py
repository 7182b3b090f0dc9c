"""Devices: a customer's own, in an order people understand, never lost when removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection
from portal.domain.health import Cause
from portal.domain.people import Customer
from portal.storage import devices
from portal.storage.database import Database
from tests.storage.made import LATER, NOW, a_device


def test_a_device_comes_back_as_it_was_saved(database: Database, anna: Customer) -> None:
    device = replace(
        a_device(anna, nickname="Pumpen i källaren ♨", last_contact_at=NOW).judged(Cause.DATA_STOPPED, now=LATER),
        removal_asked_at=NOW,
        removal_failed_at=LATER,
    )
    with database.write() as tx:
        devices.save(tx, device)
        assert devices.get(tx, anna.id, device.id) == device


def test_saving_again_changes_the_same_device(database: Database, anna: Customer) -> None:
    device = a_device(anna)
    relinked = replace(
        device,
        provider_device_id="a new id at the provider",
        connection=Connection.NEEDS_REAUTHENTICATION,
        model=None,
        last_contact_at=NOW,
        read_at=LATER,
        observed_at=LATER,
    )
    with database.write() as tx:
        devices.save(tx, device)
        devices.save(tx, relinked)
        assert devices.all_of(tx, anna.id) == (relinked,)


def test_devices_are_ordered_by_type_and_vendor(database: Database, anna: Customer) -> None:
    expected = (
        a_device(anna, vendor_name="Bosch", linked_at=LATER),
        a_device(anna, vendor_name="NIBE"),
        a_device(anna, vendor_name="NIBE", linked_at=NOW + timedelta(seconds=1)),
        a_device(anna, vendor_name="Audi", device_type=DeviceType.VEHICLE),
        a_device(anna, vendor_name="Ctek", device_type=DeviceType.CHARGER, provider_key="telematica"),
    )
    with database.write() as tx:
        for device in reversed(expected):
            devices.save(tx, device)
    with database.read() as tx:
        assert devices.all_of(tx, anna.id) == expected


def test_a_removed_device_is_gone_for_its_customer_but_known(database: Database, anna: Customer) -> None:
    removed = a_device(anna, removed_at=NOW)
    elsewhere = a_device(anna, provider_key="nox")
    with database.write() as tx:
        devices.save(tx, removed)
        devices.save(tx, elsewhere)
        assert devices.all_of(tx, anna.id) == (elsewhere,)
        assert devices.get(tx, anna.id, removed.id) is None
        assert devices.known(tx, anna.id, "podero") == (removed,)
        devices.save(tx, replace(removed, removed_at=None))
        assert devices.get(tx, anna.id, removed.id) is not None


def test_a_stranger_neither_sees_nor_changes_a_device(database: Database, anna: Customer, bertil: Customer) -> None:
    device = a_device(anna)
    with database.write() as tx:
        devices.save(tx, device)
        assert devices.get(tx, bertil.id, device.id) is None
        assert devices.all_of(tx, bertil.id) == ()
        assert devices.known(tx, bertil.id, "podero") == ()
    with pytest.raises(devices.NotSaved), database.write() as tx:
        devices.save(tx, replace(device, customer_id=bertil.id, nickname="mine now"))
    with database.read() as tx:
        assert devices.get(tx, anna.id, device.id) == device


def test_the_provider_s_same_device_is_never_two_rows_of_one_customer(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    with database.write() as tx:
        devices.save(tx, a_device(anna, provider_device_id="d-1"))
        devices.save(tx, a_device(bertil, provider_device_id="d-1"))
    with pytest.raises(devices.NotSaved) as caught, database.write() as tx:
        devices.save(tx, a_device(anna, provider_device_id="d-1"))
    assert "d-1" not in str(caught.value)
