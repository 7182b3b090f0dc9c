"""What a customer allowed, and taking it back: the access of what is connected on it ends."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.domain.catalogue import DeviceType, Vendor
from portal.domain.device import Device
from portal.domain.link_session import OPEN
from portal.domain.people import Consent, Customer
from portal.journey import remove
from portal.journey.ending import end_attempt
from portal.journey.ports import Ports
from portal.journey.tasks import Task
from portal.journey.waking import put
from portal.journey.watch import watch
from portal.providers.protocol import Traits
from portal.storage import audit, consents, devices, link_sessions
from portal.storage.database import Transaction

MOST = 200
"""How many permissions and devices a customer is shown; nobody has so many."""


class Access(StrEnum):
    """How the access to a device stands. MAY_REMAIN: its provider cannot end it. TRYING: it has not yet."""

    THERE = "there"
    ENDING = "ending"
    TRYING = "trying"
    ENDED = "ended"
    MAY_REMAIN = "may_remain"


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission: for what, to whom, and the devices that are or were connected on it.

    `is_worded`: it was given in the words that are in use today. `is_under_way`: its attempt may connect something
    soon.
    """

    consent: Consent
    device_type: DeviceType
    vendor: Vendor
    provider: Traits
    devices: tuple[Device, ...]
    is_worded: bool
    is_under_way: bool = False

    @property
    def connected(self) -> tuple[Device, ...]:
        """What is still on the customer's list."""
        return tuple(device for device in self.devices if device.removed_at is None)

    @property
    def is_current(self) -> bool:
        """Whether something rests on it now, or is about to; what else there was is read as earlier."""
        return self.consent.is_in_force and (bool(self.connected) or self.is_under_way)


def access(device: Device) -> Access:
    """How the access to a device stands."""
    if device.removed_at is not None:
        return Access.ENDED if device.removal_failed_at is None else Access.MAY_REMAIN
    if device.removal_asked_at is None:
        return Access.THERE
    return Access.TRYING if device.removal_failed_at is not None else Access.ENDING


def given(*, ports: Ports, customer: Customer) -> tuple[Permission, ...]:
    """All that the customer allowed, the latest first."""
    with ports.database.read() as tx:
        return _all(tx, ports, customer)


def find(*, ports: Ports, customer: Customer, consent_id: str) -> Permission | None:
    """One permission of this customer."""
    return next(
        (one for one in given(ports=ports, customer=customer) if one.consent.link_session_id == consent_id), None
    )


def withdraw(*, ports: Ports, customer: Customer, consent_id: str, patience: float = 0.0, now: datetime) -> bool:
    """Takes a permission back, for good: once is as good as twice. False where the customer has none of this id.

    That it is taken back is stored together with all that follows from it; what the providers have to do comes behind,
    and is waited for, for `patience` seconds.
    """
    with ports.database.write() as tx:
        tx.in_turn(customer.id)
        consent = consents.of_attempt(tx, customer.id, consent_id)
        if consent is None:
            return False
        if not consents.withdraw(tx, customer.id, consent_id, now=now):
            return True
        audit.record(
            tx,
            at=now,
            actor="customer",
            customer_id=customer.id,
            action="consent.withdrawn",
            object_type="consent",
            object_id=consent_id,
            details={"provider": consent.provider_key, "version": consent.version},
        )
        tasks = _end_what_rests_on(tx, ports, consent, now)
    for task in tasks:
        put(ports=ports, task=task)
    watch(lambda: _is_settled(ports, customer, consent_id) or None, patience=patience)
    return True


def _is_settled(ports: Ports, customer: Customer, consent_id: str) -> bool:
    """Whether each provider has been heard."""
    found = find(ports=ports, customer=customer, consent_id=consent_id)
    return found is None or all(access(device) is not Access.ENDING for device in found.devices)


def _end_what_rests_on(tx: Transaction, ports: Ports, consent: Consent, now: datetime) -> list[Task]:
    tasks: list[Task] = []
    for attempt_id in consents.attempts_on(tx, consent.customer_id, consent.link_session_id):
        attempt = link_sessions.get(tx, consent.customer_id, attempt_id)
        tasks += end_attempt(tx, attempt, now=now) if attempt is not None else ()
    for device in devices.all_of(tx, consent.customer_id):
        if device.consent_id == consent.link_session_id:
            tasks += remove.ask(tx, ports=ports, device=device, now=now, must_go=True)[1]
    return tasks


def _all(tx: Transaction, ports: Ports, customer: Customer) -> tuple[Permission, ...]:
    owned = devices.ever(tx, customer.id, MOST)
    attempts = {attempt.id: attempt for attempt in link_sessions.latest(tx, customer.id, MOST * 5)}
    return tuple(
        Permission(
            consent=consent,
            device_type=attempt.device_type,
            vendor=ports.catalogue.vendor(attempt.vendor_key),
            provider=ports.traits(consent.provider_key),
            devices=tuple(device for device in owned if device.consent_id == consent.link_session_id),
            is_worded=consent.version == ports.policy.consent_version,
            is_under_way=attempt.state in OPEN,
        )
        for consent in consents.latest(tx, customer.id, MOST)
        if (attempt := attempts.get(consent.link_session_id)) is not None
    )
