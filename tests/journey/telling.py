"""What providers tell by themselves, as they would sign it, and a queue that a test works off by hand."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.domain.people import Customer
from portal.domain.provider_event import EventState
from portal.journey.ports import Ports
from portal.journey.tasks import Task
from portal.journey.work import do
from portal.storage import provider_accounts, provider_events
from portal.storage.provider_events import InboxEvent
from tests.journey.surroundings import Message
from tests.journey.world import World
from tests.support.webhooks import nox_headers, telematica_headers

A_DEVICE = {"deviceId": "a" * 24, "deviceType": "charger", "make": "Easee"}


@dataclass
class ByHand:
    """A queue in which nothing is done until the test says so, in the order of the tasks."""

    tasks: list[Task] = field(default_factory=list)

    def put(self, task: Task) -> bool:
        self.tasks.append(task)
        return True

    def work_off(self, ports: Ports) -> None:
        while self.tasks:
            do(ports=ports, task=self.tasks.pop(0))


def work_off(world: World) -> None:
    """Does all that is in the queue of a world that nobody works in."""
    assert isinstance(world.ports.queue, ByHand)
    world.ports.queue.work_off(world.ports)


def pseudonym(world: World, customer: Customer, provider: str = "telematica") -> str:
    with world.ports.database.write() as tx:
        return provider_accounts.ensure(tx, customer.id, provider).pseudonym


def signed(world: World, payload: dict[str, Any], at: datetime, event_id: str = "") -> Message:
    """An event as Telematica sends it."""
    body = json.dumps(payload).encode()
    event_id = event_id or f"msg_{secrets.token_hex(8)}"
    secret = world.sandbox.config.telematica_webhook_secret
    return Message(telematica_headers(secret, event_id, int(at.timestamp()), body), body)


def disconnected(world: World, customer: Customer, device_id: str, at: datetime, event_id: str = "") -> Message:
    payload = {"type": "user.devices-disconnected", "user": pseudonym(world, customer), "devices": [device_id]}
    return signed(world, payload, at, event_id)


def connected(world: World, customer: Customer, at: datetime, **row: str) -> Message:
    payload = {"type": "user.devices-connected", "user": pseudonym(world, customer), "devices": [{**A_DEVICE, **row}]}
    return signed(world, payload, at)


def nox_changed(world: World, customer: Customer, at: datetime, value: object = None) -> Message:
    """An event as NOX sends it; what it says of the value is not to be believed."""
    event_id = f"evt_{secrets.token_hex(8)}"
    payload = {
        "id": event_id,
        "type": "device.needs_reauthentication.updated",
        "timestamp": at.isoformat(),
        "data": {"value": value, "previous_value": None},
        "metadata": {"device_id": None, "external_user_id": pseudonym(world, customer, "nox")},
    }
    body = json.dumps(payload).encode()
    key = world.sandbox.config.nox_api_key
    return Message(nox_headers(key, f"{event_id}:updated", int(at.timestamp()), body), body)


def inbox(world: World, *states: EventState) -> tuple[InboxEvent, ...]:
    """What an operator sees in these states, or in all."""
    with world.ports.database.read() as tx:
        return provider_events.listed(tx, frozenset(states or EventState), limit=1000)
