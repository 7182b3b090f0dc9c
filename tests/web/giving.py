"""Devices and attempts that a customer has already."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from portal.domain.catalogue import DeviceType, RouteReason
from portal.domain.device import Connection, Device
from portal.domain.link_session import LinkSession, Purpose, State
from portal.domain.people import Consent
from portal.storage import consents, devices, link_sessions, provider_accounts
from portal.storage.ids import new_id
from tests.support.live import Installation
from tests.web.visitor import Visitor


def give(running: Installation, visitor: Visitor, **differences: object) -> Device:
    """Gives a customer a device."""
    now = datetime.now(UTC)
    assert visitor.customer
    made: dict[str, object] = {
        "id": f"device-{visitor.customer.id}-{differences.get('device_type', 'heat_pump')}",
        "customer_id": visitor.customer.id,
        "provider_key": "podero",
        "provider_device_id": f"there-{visitor.customer.id}",
        "device_type": DeviceType.HEAT_PUMP,
        "vendor_key": "nibe",
        "vendor_name": "NIBE",
        "model": "S1255",
        "nickname": None,
        "connection": Connection.WORKING,
        "last_contact_at": now,
        "linked_at": now,
        "read_at": now,
        "observed_at": now,
    }
    device = Device(**{**made, **differences})  # type: ignore[arg-type]  # the fields are listed just above
    keep(running, device)
    return device


def keep(running: Installation, device: Device) -> None:
    """Stores a device as it is now."""
    with running.database.write() as tx:
        devices.save(tx, device)


def give_attempt(running: Installation, visitor: Visitor, state: State, **differences: object) -> str:
    """Gives a customer an attempt to link a NIBE heat pump, begun twenty minutes ago; answers the path of its page."""
    now = datetime.now(UTC)
    assert visitor.customer
    made: dict[str, object] = {
        "id": new_id(),
        "customer_id": visitor.customer.id,
        "purpose": Purpose.LINK,
        "provider_key": "podero",
        "device_type": DeviceType.HEAT_PUMP,
        "vendor_key": "nibe",
        "vendor_code": None,
        "language": "en",
        "route_reason": RouteReason.ONLY_OFFER,
        "state": state,
        "created_at": now - timedelta(minutes=20),
        "expires_at": now + timedelta(hours=1),
    }
    attempt = LinkSession(**{**made, **differences})  # type: ignore[arg-type]  # the fields are listed just above
    with running.database.write() as tx:
        link_sessions.insert(tx, attempt, click=None)
    return f"/link-sessions/{attempt.id}"


def give_renewal(running: Installation, device: Device, state: State, **differences: object) -> str:
    """Gives the owner of a device an attempt to reconnect it; answers the path of its page."""
    now = datetime.now(UTC)
    made: dict[str, object] = {
        "id": new_id(),
        "customer_id": device.customer_id,
        "purpose": Purpose.REAUTHENTICATE,
        "provider_key": device.provider_key,
        "device_type": device.device_type,
        "vendor_key": device.vendor_key,
        "vendor_code": None,
        "language": "en",
        "route_reason": RouteReason.PINNED_DEVICE,
        "state": state,
        "created_at": now - timedelta(minutes=20),
        "expires_at": now,
        "device_id": device.id,
    }
    attempt = LinkSession(**{**made, **differences})  # type: ignore[arg-type]  # the fields are listed just above
    with running.database.write() as tx:
        link_sessions.insert(tx, attempt, click=None)
    return f"/link-sessions/{attempt.id}"


def give_permission(running: Installation, visitor: Visitor, **differences: object) -> str:
    """Gives a customer a device that is connected on a permission of theirs; answers the permission's id."""
    device = give(running, visitor, **differences)
    now = datetime.now(UTC)
    attempt = LinkSession(
        id=new_id(),
        customer_id=device.customer_id,
        purpose=Purpose.LINK,
        provider_key=device.provider_key,
        device_type=device.device_type,
        vendor_key=device.vendor_key,
        vendor_code=None,
        language="en",
        route_reason=RouteReason.ONLY_OFFER,
        state=State.LINKED,
        created_at=now,
        expires_at=now,
        device_id=device.id,
    )
    consent = Consent(
        customer_id=device.customer_id,
        link_session_id=attempt.id,
        provider_key=device.provider_key,
        version=running.portal.ports.policy.consent_version,
        language="en",
        smart_control=False,
        given_at=now,
    )
    with running.database.write() as tx:
        provider_accounts.ensure(tx, device.customer_id, device.provider_key)
        link_sessions.insert(tx, attempt, click=None)
        consents.record(tx, consent)
        devices.save(tx, replace(device, consent_id=attempt.id))
    return attempt.id
