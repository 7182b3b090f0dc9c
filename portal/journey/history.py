"""What happened to an attempt or a device, written down once and never changed."""

from datetime import datetime

from portal.domain.device import Device
from portal.domain.link_session import LinkSession
from portal.storage import audit
from portal.storage.database import Transaction


def note_attempt(tx: Transaction, attempt: LinkSession, action: str, *, now: datetime, actor: str = "portal") -> None:
    """Writes down a move of an attempt, with its choice and nothing secret."""
    audit.record(
        tx,
        at=now,
        actor=actor,
        customer_id=attempt.customer_id,
        action=f"link_session.{action}",
        object_type="link_session",
        object_id=attempt.id,
        details={
            "provider": attempt.provider_key,
            "device_type": attempt.device_type,
            "vendor": attempt.vendor_key,
            "purpose": attempt.purpose,
            "route_reason": attempt.route_reason,
            "reason": attempt.reason,
        },
    )


def note_device(tx: Transaction, device: Device, action: str, *, now: datetime, actor: str = "portal") -> None:
    """Writes down what became of a device."""
    audit.record(
        tx,
        at=now,
        actor=actor,
        customer_id=device.customer_id,
        action=f"device.{action}",
        object_type="device",
        object_id=device.id,
        details={"provider": device.provider_key, "connection": device.connection},
    )


def note_consent(tx: Transaction, customer_id: str, link_session_id: str, action: str, *, now: datetime) -> None:
    """Writes down what became of a permission by itself."""
    audit.record(
        tx,
        at=now,
        actor="portal",
        customer_id=customer_id,
        action=f"consent.{action}",
        object_type="consent",
        object_id=link_session_id,
    )
