"""Whether a device that came back, or was linked once more, is one that the customer had."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Device, DeviceReading
from portal.domain.health import Cause, Connection
from portal.domain.resemblance import Counterpart, Resemblance, counterpart, replaced, resemblance

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

AUDI = Device(
    id="audi",
    customer_id="anna",
    provider_key="telematica",
    provider_device_id="a" * 24,
    device_type=DeviceType.VEHICLE,
    vendor_key="audi",
    vendor_name="Audi",
    model="Q4",
    nickname="Blue",
    connection=Connection.NEEDS_REAUTHENTICATION,
    last_contact_at=None,
    linked_at=NOW,
    read_at=NOW,
    observed_at=NOW,
)


def reading(**differing: Any) -> DeviceReading:
    told = DeviceReading("b" * 24, DeviceType.VEHICLE, vendor_name="Audi", model="Q4", nickname="Blue")
    return replace(told, **differing)


@pytest.mark.parametrize(
    ("told", "is_it"),
    [
        ({}, Resemblance.SAME),
        ({"nickname": "BLUE ", "model": "q4"}, Resemblance.SAME),
        ({"vendor_name": None}, Resemblance.SAME),
        ({"nickname": None}, Resemblance.UNKNOWN),
        ({"model": None}, Resemblance.UNKNOWN),
        ({"nickname": "Red"}, Resemblance.ANOTHER),
        ({"nickname": None, "model": "Q6"}, Resemblance.ANOTHER),
        ({"nickname": None, "vendor_name": "Cupra"}, Resemblance.ANOTHER),
        ({"device_type": DeviceType.CHARGER}, Resemblance.ANOTHER),
        ({"provider_device_id": "a" * 24, "nickname": "Red"}, Resemblance.SAME),
    ],
)
def test_name_and_model_together_tell_a_device_and_any_of_them_tells_another(
    told: dict[str, Any], is_it: Resemblance
) -> None:
    assert resemblance(AUDI, reading(**told), known=(AUDI,)) is is_it


def test_a_mark_has_the_last_word() -> None:
    marked = replace(AUDI, mark="1")
    assert resemblance(marked, reading(mark="1", nickname="Red"), known=(marked,)) is Resemblance.SAME
    assert resemblance(marked, reading(mark="2"), known=(marked,)) is Resemblance.ANOTHER
    assert resemblance(marked, reading(nickname=None), known=(marked,)) is Resemblance.UNKNOWN


def test_a_nickname_that_is_the_model_once_more_names_nobody() -> None:
    for name in ("Q4", "Audi Q4"):
        plain = replace(AUDI, nickname=name)
        assert resemblance(plain, reading(nickname=name), known=(plain,)) is Resemblance.UNKNOWN


def test_two_of_the_same_name_and_model_are_not_told_apart_by_these() -> None:
    twin = replace(AUDI, id="twin", provider_device_id="c" * 24)
    assert resemblance(AUDI, reading(), known=(AUDI, twin)) is Resemblance.UNKNOWN


def found(told: DeviceReading, *known: Device, reads_devices: bool = True) -> Counterpart:
    return counterpart(told, known, reads_devices=reads_devices)


def test_a_device_that_is_linked_once_more_is_the_lapsed_one_or_the_one_no_longer_named() -> None:
    lost = replace(AUDI, connection=Connection.UNKNOWN, cause=Cause.NOT_NAMED)
    for before in (AUDI, lost):
        assert found(reading(), before).same == before
        assert found(reading(nickname=None), before) == Counterpart(may_be=(before,))
        assert found(reading(nickname="Red"), before) == Counterpart()


def test_a_device_that_works_is_another_one_unless_both_carry_one_mark() -> None:
    works = replace(AUDI, connection=Connection.WORKING, cause=Cause.DATA_FLOWS)
    assert found(reading(), works) == Counterpart()
    assert found(reading(mark="1"), replace(works, mark="1")).same == replace(works, mark="1")


def test_where_a_provider_cannot_be_asked_a_working_device_of_the_same_name_is_asked_about() -> None:
    works = replace(AUDI, connection=Connection.WORKING, cause=Cause.DATA_FLOWS)
    assert found(reading(), works, reads_devices=False) == Counterpart(may_be=(works,))
    assert found(reading(nickname=None), works, reads_devices=False) == Counterpart()


def test_a_device_that_is_off_the_list_or_on_its_way_off_is_not_asked_about() -> None:
    for gone in ({"removed_at": NOW}, {"removal_asked_at": NOW}, {"must_go": True}):
        assert found(reading(nickname=None), replace(AUDI, **gone)) == Counterpart()


def test_of_two_lapsed_devices_that_may_be_it_the_customer_says_which() -> None:
    one, two = replace(AUDI, nickname=None), replace(AUDI, id="two", provider_device_id="c" * 24, nickname=None)
    assert found(reading(), one, two) == Counterpart(may_be=(one, two))


def test_a_provider_that_replaces_drops_the_others_of_the_type_that_it_no_longer_names() -> None:
    new = replace(AUDI, id="new", provider_device_id="b" * 24)
    panels = replace(AUDI, id="panels", device_type=DeviceType.INVERTER, provider_device_id="p")
    beside = replace(AUDI, id="beside", provider_device_id="c" * 24)
    gone = replace(AUDI, id="gone", provider_device_id="d" * 24, removed_at=NOW)
    listed = frozenset({new.provider_device_id, beside.provider_device_id})
    assert replaced((AUDI, panels, beside, gone, new), (new,), listed) == (AUDI,)
