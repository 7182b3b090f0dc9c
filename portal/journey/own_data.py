"""All that the portal holds of one customer, for them to take along: as plain words, numbers and times.

What is no one's to read is not in it: secrets and their hashes, what a provider calls the customer, and who in customer
support it was that looked. docs/privacy.md explains every key.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from portal.domain.device import Device
from portal.domain.link_session import LinkSession
from portal.domain.people import Consent, Customer
from portal.domain.support import SupportGrant
from portal.journey.ports import Ports
from portal.storage import (
    app_entries,
    audit,
    consents,
    device_history,
    devices,
    link_sessions,
    login_sessions,
    outbox,
    provider_accounts,
    references,
    support_grants,
    vendor_requests,
)
from portal.storage.audit import AuditEntry
from portal.storage.database import Transaction
from portal.storage.device_history import HealthChange

FORMAT = "device-portal-customer-data"
VERSION = 1

ALL = 1_000_000
"""No customer has so many rows of anything."""

Value = str | int | bool | None
Record = Mapping[str, object]


def collect(*, ports: Ports, customer: Customer, now: datetime) -> Record:
    """Everything, in one moment; that it was taken along is on record."""
    with ports.database.read() as tx:
        found = {
            "format": FORMAT,
            "version": VERSION,
            "made_at": text(now),
            "account": _account(customer),
            "providers": [ports.traits(one.provider_key).name for one in provider_accounts.all_of(tx, customer.id)],
            **_of_devices(tx, customer.id),
            **_of_visits(tx, customer.id),
            "support_looked": [_look(grant, now) for grant in support_grants.of_customer(tx, customer.id, limit=ALL)],
            "events": [_event(line) for line in audit.of_customer(tx, customer.id, ALL)],
        }
    with ports.database.write() as tx:
        audit.record(
            tx,
            at=now,
            actor="customer",
            customer_id=customer.id,
            action="data.downloaded",
            object_type="customer",
            object_id=customer.id,
        )
    return found


def text(moment: datetime | None) -> str | None:
    """A moment as ISO 8601 in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else None


def _account(customer: Customer) -> Record:
    identity = customer.identity
    return {
        "id": customer.id,
        "name": identity.name,
        "email": identity.email,
        "customer_number": identity.number,
        "locale": identity.locale,
        "price_zone": identity.price_zone,
        "language": customer.language,
        "first_signed_in_at": text(customer.created_at),
        "support_asks_first": customer.support_asks_first,
        "issuer": identity.issuer,
        "subject": identity.subject,
    }


def _of_devices(tx: Transaction, customer_id: str) -> Record:
    health: dict[str, list[HealthChange]] = {}
    for device_id, change in device_history.of_customer(tx, customer_id, ALL):
        health.setdefault(device_id, []).append(change)
    return {
        "permissions": [_permission(consent) for consent in consents.latest(tx, customer_id, ALL)],
        "devices": [_device(one, health.get(one.id, [])) for one in devices.ever(tx, customer_id, ALL)],
        "attempts": [_attempt(attempt) for attempt in link_sessions.latest(tx, customer_id, ALL)],
    }


def _of_visits(tx: Transaction, customer_id: str) -> Record:
    return {
        "signed_in": [
            {"since": text(since), "until": text(until), "in_app": in_app}
            for since, until, in_app in login_sessions.of_customer(tx, customer_id)
        ],
        "app_entries": [
            {"asked_at": text(asked_at), "entered_at": text(entered_at)}
            for asked_at, entered_at in app_entries.of_customer(tx, customer_id)
        ],
        "letters": [
            {"written_at": text(at), "is_on_its_way": waits} for at, waits in outbox.of_customer(tx, customer_id)
        ],
        "missing_manufacturers": [
            {"at": text(at), "device_type": device_type, "text": words}
            for at, device_type, words in vendor_requests.of_customer(tx, customer_id)
        ],
        "error_pages": [
            {"shown_at": text(shown.shown_at), "status": shown.status, "reference": shown.reference}
            for shown in references.errors_of(tx, customer_id)
        ],
    }


def _permission(consent: Consent) -> Record:
    return {
        "id": consent.link_session_id,
        "provider": consent.provider_key,
        "version_of_the_words": consent.version,
        "language": consent.language,
        "smart_control": consent.smart_control,
        "given_at": text(consent.given_at),
        "withdrawn_at": text(consent.withdrawn_at),
        "ended_at": text(consent.ended_at),
    }


def _device(device: Device, health: list[HealthChange]) -> Record:
    return {
        "id": device.id,
        "provider": device.provider_key,
        "id_at_provider": device.provider_device_id,
        "device_type": device.device_type,
        "manufacturer": device.vendor_name,
        "vendor_code": device.vendor_code,
        "model": device.model,
        "serial_number": device.mark if device.has_serial else None,
        "nickname": device.nickname,
        "connection": device.connection,
        "cause": device.cause,
        "changed_at": text(device.changed_at),
        "last_contact_at": text(device.last_contact_at),
        "linked_at": text(device.linked_at),
        "read_at": text(device.read_at),
        "removal_asked_at": text(device.removal_asked_at),
        "removal_failed_at": text(device.removal_failed_at),
        "removed_at": text(device.removed_at),
        "removed_because": device.removed_because,
        "put_away_at": text(device.put_away_at),
        "permission": device.consent_id,
        "history": [
            {"at": text(change.at), "connection": change.connection, "cause": change.cause} for change in health
        ],
    }


def _attempt(attempt: LinkSession) -> Record:
    return {
        "id": attempt.id,
        "reference": attempt.reference,
        "purpose": attempt.purpose,
        "provider": attempt.provider_key,
        "device_type": attempt.device_type,
        "manufacturer": attempt.vendor_key,
        "language": attempt.language,
        "why_this_provider": attempt.route_reason,
        "state": attempt.state,
        "reason": attempt.reason,
        "device": attempt.device_id,
        "created_at": text(attempt.created_at),
        "departed_at": text(attempt.departed_at),
        "arrived_at": text(attempt.arrived_at),
        "ended_at": text(attempt.ended_at),
        "put_away_at": text(attempt.put_away_at),
    }


def _look(grant: SupportGrant, now: datetime) -> Record:
    return {
        "began_at": text(grant.created_at),
        "seconds": round(grant.lasted(now).total_seconds()),
        "reason": grant.reason,
        "could_help_since": text(grant.assists_since),
    }


def _event(line: AuditEntry) -> Record:
    return {
        "at": text(line.at),
        "by": line.actor,
        "action": line.action,
        "about": line.object_type,
        "id": line.object_id,
        "details": {name: value for name, value in line.details.items() if value is not None},
    }
