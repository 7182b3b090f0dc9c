"""A customer has their account deleted, here and at the providers: at once what is here, behind it what is there.

What the customer reads here stands in the database; the steps behind are in `deletion_work`.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.domain.deletion import PORTAL, Deletion, DeletionStep
from portal.domain.people import Customer
from portal.journey import remove
from portal.journey.ending import end_attempt
from portal.journey.ports import Ports
from portal.journey.tasks import HOUSE, Step, Task
from portal.journey.waking import put
from portal.providers.protocol import Traits
from portal.storage import audit, deletions, devices, erasure, link_sessions, provider_accounts
from portal.storage.database import Transaction
from portal.storage.ids import new_id

MOST_ATTEMPTS = 1000


class Ending(StrEnum):
    """What a provider can do for it: forget the customer, end the access to each device, or nothing."""

    FORGETS = "forgets"
    ENDS_ACCESS = "ends_access"
    NOT_OFFERED = "not_offered"


@dataclass(frozen=True, slots=True)
class Checklist:
    """What has become of a deletion in each system, each with its name; None for the portal itself."""

    deletion: Deletion
    steps: tuple[tuple[DeletionStep, str | None], ...]


def ending_at(provider: Traits) -> Ending:
    """What this provider can do."""
    if provider.deletes_users:
        return Ending.FORGETS
    return Ending.ENDS_ACCESS if provider.removes_devices else Ending.NOT_OFFERED


def preview(*, ports: Ports, customer: Customer) -> tuple[Traits, ...]:
    """The providers that know the customer, for them to read what happens at each."""
    with ports.database.read() as tx:
        accounts = provider_accounts.all_of(tx, customer.id)
    return tuple(ports.traits(account.provider_key) for account in accounts)


def ask(*, ports: Ports, customer: Customer, now: datetime) -> str:
    """Deletes the account; answers the secret by which whoever holds it sees how far that has come.

    In one transaction all sessions end, attempts end, who it was is forgotten, and what is left to do is written down.
    """
    receipt = secrets.token_urlsafe(32)
    with ports.database.write() as tx:
        tx.in_turn(customer.id)
        known = deletions.of_customer(tx, customer.id)
        if known is not None:
            deletions.renew_receipt(tx, known, receipt=receipt)
            return receipt
        tasks = _begin(tx, ports, customer, receipt, now)
    for task in tasks:
        put(ports=ports, task=task)
    return receipt


def look(*, ports: Ports, receipt: str) -> Checklist | None:
    """How far a deletion has come; None for what opens none, or none any more."""
    with ports.database.read() as tx:
        deletion = deletions.by_receipt(tx, receipt)
        steps = deletions.steps(tx, deletion.id) if deletion else ()
    if deletion is None:
        return None
    names = ((step, None if step.system == PORTAL else ports.traits(step.system).name) for step in steps)
    return Checklist(deletion, tuple(names))


def task_of(deletion_id: str, system: str) -> Task:
    return Task(Step.DELETE, HOUSE if system == PORTAL else system, (deletion_id, system))


def _begin(tx: Transaction, ports: Ports, customer: Customer, receipt: str, now: datetime) -> list[Task]:
    deletion = Deletion(new_id(), customer.id, now, None)
    systems = tuple(account.provider_key for account in provider_accounts.all_of(tx, customer.id))
    deletions.begin(tx, deletion, systems, receipt=receipt)
    for attempt in link_sessions.latest(tx, customer.id, MOST_ATTEMPTS):
        end_attempt(tx, attempt, now=now)
    for device in devices.all_of(tx, customer.id):
        remove.ask(tx, ports=ports, device=device, now=now, must_go=True)
    erasure.forget_person(tx, customer.id, now=now)
    audit.record(
        tx,
        at=now,
        actor="customer",
        customer_id=customer.id,
        action="deletion.asked",
        object_type="deletion",
        object_id=deletion.id,
    )
    # What becomes of attempts and devices is part of what is done at each provider, and not queued by itself.
    return [task_of(deletion.id, system) for system in systems or (PORTAL,)]
