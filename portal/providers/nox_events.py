"""NOX's events: verified by their HMAC, then read in our words; they say that something changed, never what."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from portal.domain.provider_event import EventKind, ProviderEvent
from portal.providers.answers import JsonRefused, members, read_json, text
from portal.providers.protocol import EventRefused, UnexpectedAnswer

SIGNED_TEXTS = ("{timestamp}.{body}", "{id}.{timestamp}.{body}", "{body}")
"""What may be signed; the documents do not show which it is. The first is the likeliest."""

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
ABOUT_DEVICES = "device."
WINDOW = timedelta(minutes=5)
LONGEST_BODY = 128 * 1024
TIMESTAMP = re.compile(r"[0-9]{1,10}")
EVENT_ID = re.compile(r"[\x21-\x7e]{1,255}")
HEADERS = ("x-webhook-id", "x-webhook-timestamp", "x-webhook-signature")


class NoxEvents:
    """Reads what is proven to be NOX's; several secrets, so that they can be changed without a gap."""

    def __init__(self, provider_key: str, secrets: Iterable[str], signed_text: str) -> None:
        if signed_text not in SIGNED_TEXTS:
            raise ValueError("NOX signs no such text")
        self._provider_key = provider_key
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._signed_text = signed_text

    def read(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        """Raises EventRefused or, where a proven event cannot be read, UnexpectedAnswer."""
        event_id, sent_at = self._verified(headers, body, now)
        try:
            told = members(read_json(body))
        except JsonRefused:
            raise UnexpectedAnswer("nox event: not readable JSON") from None
        if not (text(told.get("type")) or "").startswith(ABOUT_DEVICES):
            return ProviderEvent(self._provider_key, event_id, EventKind.IGNORED, sent_at)
        concerned = members(told.get("metadata"))
        device_id = concerned.get("device_id")
        is_named = isinstance(device_id, str) and IDENTIFIER.fullmatch(device_id)
        return ProviderEvent(
            provider_key=self._provider_key,
            event_id=event_id,
            kind=EventKind.CHANGED,
            occurred_at=sent_at,
            pseudonym=text(concerned.get("external_user_id")),
            device_ids=(str(device_id),) if is_named else (),
        )

    def _verified(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[str, datetime]:
        """The event's id and when it was sent."""
        lowered = {name.lower(): value for name, value in headers.items()}
        event_id, stamp, given = (lowered.get(name, "") for name in HEADERS)
        if not EVENT_ID.fullmatch(event_id) or not TIMESTAMP.fullmatch(stamp) or len(body) > LONGEST_BODY:
            raise EventRefused("nox event: unsigned or malformed")
        sent_at = datetime.fromtimestamp(int(stamp), UTC)
        if abs(now - sent_at) > WINDOW:
            raise EventRefused("nox event: too old or too new")
        signed = signed_bytes(self._signed_text, event_id, stamp, body)
        expected = [f"sha256={hmac.new(secret, signed, hashlib.sha256).hexdigest()}" for secret in self._secrets]
        if not any(hmac.compare_digest(one.encode(), given.encode(errors="replace")) for one in expected):
            raise EventRefused("nox event: no signature fits")
        return event_id, sent_at


def signed_bytes(template: str, event_id: str, stamp: str, body: bytes) -> bytes:
    """What NOX has signed. The body stands last in every template, and goes in as it came."""
    return template.removesuffix("{body}").format(id=event_id, timestamp=stamp).encode() + body
