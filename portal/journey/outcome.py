"""How an attempt stands, for its page: the outcome and all that the customer has linked."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from portal.domain.catalogue import Vendor
from portal.domain.device import Device
from portal.domain.link_session import LinkSession, Reason, State
from portal.domain.people import Customer
from portal.domain.waiting import Wait
from portal.journey.confirm import as_devices, take_in
from portal.journey.devices import as_shown
from portal.journey.history import note_attempt
from portal.journey.link import leave
from portal.journey.ports import Ports
from portal.journey.provider_health import wait_of
from portal.providers.protocol import Traits
from portal.storage import devices, link_sessions, unfinished

log = structlog.get_logger(__name__)

TAKEN_UP_WITHIN = timedelta(seconds=30)
"""An attempt that stays in the queue for longer tells of a crowd, or of a worker that does not run."""


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt as its customer sees it.

    `polls`: something may still change by itself. `may_go_on`: a link is ready. `is_late`: its device
    should have shown up by now. `wait`: what it waits for, where there is something to be said of that.
    """

    attempt: LinkSession
    provider: Traits
    vendor: Vendor
    device: Device | None
    devices: tuple[Device, ...]
    polls: bool
    may_go_on: bool
    wait: Wait | None = None
    is_late: bool = False

    @property
    def needs_help(self) -> bool:
        """Whether its customer may want to ask support about it."""
        return self.attempt.state in {State.FAILED, State.HELD, State.EXPIRED}

    @property
    def may_keep_both(self) -> bool:
        """Whether the other account's device can be kept beside the one that was to be reconnected."""
        return can_hold_both(self.attempt, self.provider)


def can_hold_both(attempt: LinkSession, provider: Traits) -> bool:
    """Whether another account's device came back, and the provider does not hold it in place of the first."""
    came_back = attempt.reason is Reason.OTHER_ACCOUNT and bool(attempt.confirmed)
    return came_back and attempt.device_type not in provider.replaces_on_link


def look(
    *,
    ports: Ports,
    customer: Customer,
    link_session_id: str,
    now: datetime,
    patience: float = 0.0,
    whole: bool = True,
) -> AttemptView | None:
    """The attempt now, after waking the step that moves it for at most `patience` seconds; None where unknown.

    Without the `whole` view the devices are not looked up.
    """
    with ports.database.read() as tx:
        stored = link_sessions.get(tx, customer.id, link_session_id)
    if stored is None:
        return None
    attempt = leave(ports=ports, attempt=stored, patience=patience, now=now)
    if attempt.state is State.CREATED and attempt.checks == 0 and now - attempt.created_at > TAKEN_UP_WITHIN:
        log.warning("attempt_not_taken_up", provider=attempt.provider_key, link_session=attempt.id)
    linked = _linked(ports, customer, attempt, now) if whole else ()
    return view_of(ports=ports, attempt=attempt, linked=linked, now=now)


def view_of(*, ports: Ports, attempt: LinkSession, linked: tuple[Device, ...], now: datetime) -> AttemptView:
    """The attempt as it is stored, beside these devices."""
    return AttemptView(
        attempt=attempt,
        provider=ports.traits(attempt.provider_key),
        vendor=ports.catalogue.vendor(attempt.vendor_key),
        device=next((device for device in linked if device.id == attempt.device_id), None),
        devices=linked,
        polls=attempt.state in {State.CREATED, State.ARRIVED, State.WAITING},
        may_go_on=attempt.departed_at is None and attempt.may_follow(now),
        wait=wait_of(ports=ports, attempt=attempt, now=now),
        is_late=attempt.is_late(now),
    )


def _linked(ports: Ports, customer: Customer, attempt: LinkSession, now: datetime) -> tuple[Device, ...]:
    """All devices, those that the attempt is about first."""
    with ports.database.read() as tx:
        linked = [as_shown(ports, device, now) for device in devices.all_of(tx, customer.id)]
    return tuple(sorted(linked, key=lambda device: (not is_of(attempt, device), device.id != attempt.device_id)))


def is_of(attempt: LinkSession, device: Device) -> bool:
    """Whether the attempt has linked the device or is to reconnect it."""
    return device.id == attempt.device_id or device.consent_id == attempt.id


def is_known(*, ports: Ports, customer: Customer, link_session_id: str) -> bool:
    """Whether the customer has this attempt."""
    return provider_of(ports=ports, customer=customer, link_session_id=link_session_id) is not None


def provider_of(*, ports: Ports, customer: Customer, link_session_id: str) -> Traits | None:
    """The provider of one of the customer's attempts; None where they have no such attempt."""
    with ports.database.read() as tx:
        attempt = link_sessions.get(tx, customer.id, link_session_id)
    return ports.traits(attempt.provider_key) if attempt else None


def put_away(*, ports: Ports, customer: Customer, link_session_id: str, now: datetime) -> bool:
    """The customer wants to read no more of this attempt among their devices; False where they have no such attempt."""
    with ports.database.write() as tx:
        return unfinished.put_away(tx, customer.id, link_session_id, now=now)


def keep_both(*, ports: Ports, customer: Customer, link_session_id: str, now: datetime) -> bool:
    """Links the other vendor account's device beside the one that was to be reconnected; False where there is none."""
    with ports.database.write() as tx:
        attempt = link_sessions.get(tx, customer.id, link_session_id)
        if attempt is None or not can_hold_both(attempt, ports.traits(attempt.provider_key)):
            return False
        known = devices.known(tx, customer.id, attempt.provider_key)
        beside = as_devices(replace(attempt, device_id=None), attempt.confirmed, known, now)
        first = next((device for device in known if device.id == attempt.device_id), None)
        beside = tuple(device.consented(first.consent_id if first is not None else None) for device in beside)
        kept = replace(attempt, device_id=beside[0].id, reason=Reason.KEPT_BOTH)
        link_sessions.move(tx, kept, was=attempt.state)
        take_in(tx, beside, now)
        note_attempt(tx, kept, "kept_both", now=now, actor="customer")
    return True
