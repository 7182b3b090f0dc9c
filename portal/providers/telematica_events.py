"""Telematica's events: verified the Svix way, then read in our words."""

import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import structlog
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from portal.domain.catalogue import DeviceType
from portal.domain.device import DIGEST, Connection, DeviceReading
from portal.domain.provider_event import EventKind, ProviderEvent
from portal.providers.answers import JsonRefused, elements, members, read_json, text
from portal.providers.offers import known_vendor
from portal.providers.protocol import EventRefused, UnexpectedAnswer
from portal.providers.svix_id import first_sent_at

log = structlog.get_logger(__name__)

DEVICE_ID = re.compile(r"[0-9a-f]{24}")
DEVICE_TYPES = {
    device_type.value: device_type
    for device_type in (
        DeviceType.VEHICLE,
        DeviceType.CHARGER,
        DeviceType.HVAC,
        DeviceType.INVERTER,
        DeviceType.BATTERY,
    )
}
"""Its words are ours; a heat pump is `hvac` there."""
KINDS = {
    "user.devices-connected": EventKind.CONNECTED,
    "user.devices-disconnected": EventKind.DISCONNECTED,
}
WINDOW = timedelta(minutes=5)
LONGEST_BODY = 128 * 1024
MOST_SIGNATURES = 10
MOST_DEVICES = 200
MARK_LENGTH = 16
"""Long enough to tell a household's cars apart."""
TIMESTAMP = re.compile(r"[0-9]{1,10}")
EVENT_ID = re.compile(r"[\x21-\x7e]{1,255}")


class TelematicaEvents:
    """Reads what is proven to be Telematica's; several secrets, so that they can be changed without a gap."""

    def __init__(self, provider_key: str, secrets: Iterable[str]) -> None:
        self._provider_key = provider_key
        self._webhooks = tuple(_webhook(secret) for secret in secrets)

    def read(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        """Raises EventRefused or, where a proven event cannot be read, UnexpectedAnswer."""
        event_id, sent_at = self._verified(headers, body, now)
        try:
            told = members(read_json(body))
        except JsonRefused:
            raise UnexpectedAnswer("telematica event: not readable JSON") from None
        kind = KINDS.get(text(told.get("type")) or "", EventKind.IGNORED)
        if kind is EventKind.IGNORED:
            return ProviderEvent(self._provider_key, event_id, kind, sent_at)
        # The catalogue shows the payload flat; wrapped, as other senders of the same kind do, it is the same.
        told = told if "devices" in told else {**told, **members(told.get("data"))}
        devices = elements(told.get("devices"))[:MOST_DEVICES]
        user, shared = _user_in(told, devices), {"deviceType": told.get("deviceType")}
        readings = [_reading_of({**shared, **members(device)}, user, sent_at) for device in devices]
        return ProviderEvent(
            provider_key=self._provider_key,
            event_id=event_id,
            kind=kind,
            occurred_at=sent_at,
            pseudonym=user,
            readings=tuple(r for r in readings if r is not None) if kind is EventKind.CONNECTED else (),
            device_ids=_ids_in(devices) if kind is EventKind.DISCONNECTED else (),
            link_session_id=_link_session_in(told),
        )

    def _verified(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[str, datetime]:
        """The event's id and when it was sent first. The clock is the caller's: the library does the signing only."""
        event_id, stamp, signatures = _signed_parts(headers)
        if not EVENT_ID.fullmatch(event_id) or not TIMESTAMP.fullmatch(stamp) or len(body) > LONGEST_BODY:
            raise EventRefused("telematica event: unsigned or malformed")
        sent_at = datetime.fromtimestamp(int(stamp), UTC)
        if abs(now - sent_at) > WINDOW:
            raise EventRefused("telematica event: too old or too new")
        try:
            content = body.decode("utf-8")
        except UnicodeDecodeError:
            raise EventRefused("telematica event: not text") from None
        given = [signature.encode(errors="replace") for signature in signatures.split()[:MOST_SIGNATURES]]
        for webhook in self._webhooks:
            expected = webhook.sign(event_id, sent_at, content).encode()
            if any(hmac.compare_digest(expected, signature) for signature in given):
                return event_id, first_sent_at(event_id, delivered_at=sent_at)
        raise EventRefused("telematica event: no signature fits")


def _webhook(secret: str) -> Webhook:
    """Raises ValueError where the secret is not base64, without showing it."""
    try:
        return Webhook(secret)
    except (binascii.Error, ValueError, EmptyWebhookSecretError):
        raise ValueError("a webhook secret of Telematica is not `whsec_` and base64") from None


def _signed_parts(headers: Mapping[str, str]) -> tuple[str, str, str]:
    """Id, timestamp and signatures, under Svix's own header names or the neutral ones, never mixed."""
    lowered = {name.lower(): value for name, value in headers.items()}
    for family in ("svix", "webhook"):
        parts = tuple(lowered.get(f"{family}-{part}", "") for part in ("id", "timestamp", "signature"))
        if all(parts):
            return parts[0], parts[1], parts[2]
    raise EventRefused("telematica event: unsigned or malformed")


def _reading_of(device: Mapping[str, object], user: str | None, sent_at: datetime) -> DeviceReading | None:
    """A connected device. Its `vin` goes no further than this: a mark made of it tells the user's cars apart."""
    device_id, stated = device.get("deviceId"), device.get("deviceType")
    device_type = DEVICE_TYPES.get(stated.lower()) if isinstance(stated, str) else None
    if not isinstance(device_id, str) or not DEVICE_ID.fullmatch(device_id) or device_type is None:
        # Of what is dropped only the shape is told.
        shape = {
            "id": type(device_id).__name__,
            "type": type(stated).__name__,
            "is_known_type": device_type is not None,
        }
        log.warning("event_device_dropped", provider="telematica", **shape)
        return None
    make = text(device.get("make"))
    vendor = known_vendor(make)
    return DeviceReading(
        provider_device_id=device_id,
        device_type=device_type,
        connection=Connection.WORKING,
        vendor_code=make,
        vendor_name=vendor.name if vendor else make,
        model=text(device.get("model")),
        nickname=text(device.get("nickname")),
        last_contact_at=sent_at,
        country=text(device.get("country"), longest=3),
        mark=_mark_of(text(device.get("vin")), user),
    )


def _mark_of(vin: str | None, user: str | None) -> str | None:
    """A digest that means something among one user's devices only: nobody can follow a car from user to user."""
    if vin is None or user is None:
        return None
    made = hmac.digest(user.encode(), vin.strip().upper().encode(), hashlib.sha256).hex()
    return f"{DIGEST}{made[:MARK_LENGTH]}"


def _ids_in(devices: Iterable[object]) -> tuple[str, ...]:
    """Ids of a disconnection, where devices are strings; objects, as in a connection, are taken as well."""
    named = (members(device).get("deviceId", device) for device in devices)
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str) and DEVICE_ID.fullmatch(name)))


def _user_in(told: Mapping[str, object], devices: Iterable[object]) -> str | None:
    """Our id of the customer, from wherever it stands; devices that name several customers are nobody's."""
    stated = next((text(told[key]) for key in ("user", "userId", "clientUserId") if text(told.get(key))), None)
    owners = {text(members(device).get("clientUserId")) for device in devices} - {None}
    return stated or (owners.pop() if len(owners) == 1 else None)


def _link_session_in(told: Mapping[str, object]) -> str | None:
    """Our attempt's id, from wherever the metadata we sent is put."""
    places = (told, members(told.get("metadata")), *(members(device) for device in elements(told.get("devices"))))
    found = (
        text(place.get("link_session")) or text(members(place.get("metadata")).get("link_session")) for place in places
    )
    return next((reference for reference in found if reference is not None), None)
