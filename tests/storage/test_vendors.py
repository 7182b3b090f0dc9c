"""What customers miss is counted by what they mean, and what a provider refuses is known until it takes it again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.people import Customer
from portal.storage import vendor_refusals, vendor_requests
from portal.storage.database import Database, DatabaseFault
from tests.storage.made import NOW

PUMP, CAR = DeviceType.HEAT_PUMP, DeviceType.VEHICLE


def test_one_manufacturer_in_many_spellings_is_counted_once(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    with database.write() as tx:
        for who, device_type, text in (
            (anna, PUMP, "Ölz-Wärme"),
            (anna, PUMP, "olz wärme"),
            (bertil, PUMP, "OLZ WARME!"),
            (bertil, CAR, "Lucid"),
            (anna, PUMP, "Lucid"),
        ):
            vendor_requests.record(tx, customer_id=who.id, device_type=device_type, text=text, now=NOW)
    with database.read() as tx:
        found = vendor_requests.wanted(tx)
    told = [(wanted.device_type, wanted.customers, wanted.requests) for wanted in found]
    assert told == [(PUMP, 2, 3), (PUMP, 1, 1), (CAR, 1, 1)]
    assert found[0].text in {"Ölz-Wärme", "olz wärme", "OLZ WARME!"}
    assert found[0].latest_at == NOW


def test_only_what_was_missed_since_is_counted(database: Database, anna: Customer) -> None:
    with database.write() as tx:
        vendor_requests.record(tx, customer_id=anna.id, device_type=CAR, text="Lucid", now=NOW - timedelta(days=9))
        vendor_requests.record(tx, customer_id=anna.id, device_type=CAR, text="Zeekr", now=NOW)
    with database.read() as tx:
        assert [wanted.text for wanted in vendor_requests.wanted(tx, since=NOW - timedelta(days=1))] == ["Zeekr"]


def is_refused(database: Database, code: str = "ZOE", device_type: DeviceType = CAR) -> bool:
    with database.read() as tx:
        return vendor_refusals.is_refused(tx, "nox", device_type, code, since=NOW - timedelta(hours=6))


def test_a_refusal_is_known_until_the_vendor_is_taken_again(database: Database) -> None:
    for moment in (NOW - timedelta(days=1), NOW):
        with database.write() as tx:
            vendor_refusals.refused(tx, "nox", CAR, "ZOE", now=moment)
        assert is_refused(database) is (moment == NOW)
    assert not is_refused(database, "LEAF")
    assert not is_refused(database, device_type=PUMP)
    with database.write() as tx:
        vendor_refusals.taken(tx, "nox", CAR, "ZOE")
    assert not is_refused(database)


def test_what_is_only_read_is_not_learnt(database: Database) -> None:
    with pytest.raises(DatabaseFault), database.read_only().write() as tx:
        vendor_refusals.refused(tx, "nox", CAR, "ZOE", now=NOW)
    assert not is_refused(database)
