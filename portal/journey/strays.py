"""Devices that another vendor account brought in: their provider holds them, and their customer has not decided yet."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from portal.domain.device import Device
from portal.domain.link_session import LinkSession
from portal.domain.people import Customer
from portal.journey import remove
from portal.journey.history import note_attempt
from portal.journey.linked_devices import take_in
from portal.journey.ports import Ports
from portal.journey.tasks import Task
from portal.journey.waking import put
from portal.journey.which_device import beside, came_back, can_keep
from portal.providers.protocol import Traits
from portal.storage import devices, link_sessions, unfinished


@dataclass(frozen=True, slots=True)
class Stray:
    """A device that a reconnecting of another one brought in, and that is on no list of its customer's."""

    link_session_id: str
    device: Device
    provider: Traits


def strays(*, ports: Ports, customer: Customer, now: datetime) -> tuple[Stray, ...]:
    """What this customer still has to decide about, the latest first, each device once."""
    with ports.database.read() as tx:
        attempts = unfinished.lately(tx, customer.id, since=now)
        owned = devices.all_of(tx, customer.id)
    return strays_among(attempts, owned, ports=ports)


def strays_among(attempts: Iterable[LinkSession], owned: tuple[Device, ...], *, ports: Ports) -> tuple[Stray, ...]:
    """The same, of what has been read already; the attempts are the newest first."""
    found: dict[tuple[str, str], Stray] = {}
    for attempt in attempts:
        traits = ports.traits(attempt.provider_key)
        if can_keep(attempt, traits, owned):
            device = came_back(attempt, traits)[0]
            found.setdefault((device.provider_key, device.provider_device_id), Stray(attempt.id, device, traits))
    return tuple(found.values())


def let_go(*, ports: Ports, customer: Customer, link_session_id: str, now: datetime) -> bool:
    """Has the access to what the other account brought in ended at its provider; False where there is nothing of it.

    It goes the way of every removal: it is on the list as being removed until the provider has ended the access, and
    that is tried for days.
    """
    tasks: list[Task] = []
    with ports.database.write() as tx:
        attempt = link_sessions.get(tx, customer.id, link_session_id)
        if attempt is None:
            return False
        traits = ports.traits(attempt.provider_key)
        known = devices.known(tx, customer.id, attempt.provider_key)
        owned = tuple(device for device in known if device.removed_at is None)
        if not traits.removes_devices or not can_keep(attempt, traits, owned):
            return False
        brought = beside(attempt, known, traits, now)
        link_sessions.move(tx, replace(attempt, confirmed=()), was=attempt.state)
        take_in(tx, brought, now)
        for device in brought:
            tasks += remove.ask(tx, ports=ports, device=device, now=now, must_go=True)[1]
        note_attempt(tx, attempt, "let_go_other", now=now, actor="customer")
    for task in tasks:
        put(ports=ports, task=task)
    return True
