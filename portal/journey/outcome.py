"""How an attempt stands, for its page: the outcome and all that the customer has linked."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from portal.domain.catalogue import Vendor
from portal.domain.device import Device
from portal.domain.link_session import LinkSession, Reason, State
from portal.domain.people import Customer
from portal.domain.waiting import Wait
from portal.journey.devices import as_shown
from portal.journey.link import leave
from portal.journey.ports import Ports
from portal.journey.provider_health import wait_of
from portal.journey.which_device import Question, came_back, can_keep, question_of
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
    `question`: what the customer is asked about it. `replaced`: what is off the list because of it.
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
    question: Question | None = None
    replaced: tuple[Device, ...] = ()

    @property
    def needs_help(self) -> bool:
        """Whether its customer may want to ask support about it."""
        attempt = self.attempt
        was_refused = attempt.reason in {Reason.ANSWER_UNREADABLE, Reason.USER_CHANGED}
        return attempt.state in {State.FAILED, State.HELD, State.EXPIRED} or was_refused

    @property
    def came(self) -> tuple[Device, ...]:
        """What came back instead of the pinned device."""
        return came_back(self.attempt, self.provider)

    @property
    def may_keep_both(self) -> bool:
        """Whether the other account's device can be kept beside the one that was to be reconnected."""
        return self._may_keep and not self._is_instead

    @property
    def may_keep_other(self) -> bool:
        """Whether the other account's device can be kept in place of the one that was to be reconnected."""
        return self._may_keep and self._is_instead

    @property
    def may_let_go(self) -> bool:
        """Whether the access to the other account's device can be ended instead."""
        return self._may_keep and self.provider.removes_devices

    @property
    def _may_keep(self) -> bool:
        return can_keep(self.attempt, self.provider, self.devices)

    @property
    def _is_instead(self) -> bool:
        return self.attempt.device_type in self.provider.replaces_on_link


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
    view = view_of(ports=ports, attempt=attempt, linked=linked, now=now)
    return replace(view, replaced=_replaced(ports, attempt)) if whole else view


def view_of(*, ports: Ports, attempt: LinkSession, linked: tuple[Device, ...], now: datetime) -> AttemptView:
    """The attempt as it is stored, beside these devices."""
    traits = ports.traits(attempt.provider_key)
    return AttemptView(
        attempt=attempt,
        provider=traits,
        vendor=ports.catalogue.vendor(attempt.vendor_key),
        device=next((device for device in linked if device.id == attempt.device_id), None),
        devices=linked,
        polls=attempt.state in {State.CREATED, State.ARRIVED, State.WAITING},
        may_go_on=attempt.departed_at is None and attempt.may_follow(now),
        wait=wait_of(ports=ports, attempt=attempt, now=now),
        is_late=attempt.is_late(now),
        question=question_of(attempt, linked, traits),
    )


def _linked(ports: Ports, customer: Customer, attempt: LinkSession, now: datetime) -> tuple[Device, ...]:
    """All devices, those that the attempt is about first."""
    with ports.database.read() as tx:
        linked = [as_shown(ports, device, now) for device in devices.all_of(tx, customer.id)]
    return tuple(sorted(linked, key=lambda device: (not is_of(attempt, device), device.id != attempt.device_id)))


def is_of(attempt: LinkSession, device: Device) -> bool:
    """Whether the attempt has linked the device or is to reconnect it."""
    return device.id == attempt.device_id or device.consent_id == attempt.id


def _replaced(ports: Ports, attempt: LinkSession) -> tuple[Device, ...]:
    """What left the list in the moment in which the attempt linked another."""
    if attempt.state is not State.LINKED or attempt.ended_at is None:
        return ()
    with ports.database.read() as tx:
        known = devices.known(tx, attempt.customer_id, attempt.provider_key)
    gone = (device for device in known if device.removed_at == attempt.ended_at)
    return tuple(device for device in gone if device.device_type is attempt.device_type)


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
