"""Events as their providers sign them."""

from __future__ import annotations

import hashlib
import hmac

from portal.sandbox.telematica_events import signature


def telematica_headers(
    secret: str, event_id: str, stamp: object, body: bytes, *, family: str = "svix"
) -> dict[str, str]:
    """The headers that Telematica would send with it, in one of their two spellings."""
    proof = signature(secret, event_id, str(stamp), body)
    return {f"{family}-id": event_id, f"{family}-timestamp": str(stamp), f"{family}-signature": proof}


def nox_headers(key: str, event_id: str, stamp: object, body: bytes) -> dict[str, str]:
    """The headers that NOX would send with it."""
    mac = hmac.new(key.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    return {
        "X-Webhook-Id": event_id,
        "X-Webhook-Timestamp": str(stamp),
        "X-Webhook-Signature": f"sha256={mac.hexdigest()}",
    }
