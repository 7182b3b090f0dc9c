"""Two devices connected in two tabs at the one address of a provider that tells by itself: both are linked, in whatever
order the returns and the events come, and without anybody looking."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from portal.domain.people import Customer
from tests.journey.surroundings import EASEE, Message, Return
from tests.journey.telling import A_DEVICE, pseudonym, signed, work_off
from tests.journey.world import World

DEVICES = ("a" * 24, "b" * 24)
ORDERS = tuple(permutations(["return 0", "event 0", "return 1", "event 1"]))


def leaves(world: World, customer: Customer, vendor: str) -> str:
    attempt_id = world.opens(customer, replace(EASEE, vendor=vendor))
    work_off(world)
    assert world.goes_on(customer, attempt_id) is not None
    return attempt_id


def told(world: World, customer: Customer, device: str, attempt_id: str | None) -> Message:
    row = {**A_DEVICE, "deviceId": device, "make": "Easee" if device == DEVICES[0] else "Zaptec"}
    named = {"metadata": {"link_session": attempt_id}} if attempt_id else {}
    payload = {"type": "user.devices-connected", "user": pseudonym(world, customer), "devices": [row], **named}
    return signed(world, payload, world.clock.now)


@pytest.mark.parametrize("are_named", [True, False], ids=["events name their attempt", "events name none"])
def test_both_are_linked_in_whatever_order_returns_and_events_come(by_hand: World, are_named: bool) -> None:
    for number, order in enumerate(ORDERS):
        customer = by_hand.customer(f"customer {number}")
        attempts = [leaves(by_hand, customer, vendor) for vendor in ("easee", "zaptec")]
        for happening in order:
            kind, which = happening.split()
            device, attempt_id = DEVICES[int(which)], attempts[int(which)]
            if kind == "return":
                back = Return("telematica", None, "", {"devices": [device], "deviceType": ["charger"]})
                by_hand.comes_back(customer, back)
            else:
                by_hand.hears(told(by_hand, customer, device, attempt_id if are_named else None))
            work_off(by_hand)
        linked = {device.provider_device_id for device in by_hand.devices(customer)}
        assert linked == set(DEVICES), order
