"""Reconnecting: the same journey with a device pinned, which is looked at first and may turn out to work."""

from datetime import datetime

from portal.domain.link_session import LinkSession
from portal.domain.people import Customer
from portal.journey.link import open_attempt
from portal.journey.ports import Ports
from portal.storage import devices


def start(*, ports: Ports, customer: Customer, device_id: str, language: str, now: datetime) -> LinkSession | None:
    """An attempt to renew the access to this device; None where the customer has no such device."""
    with ports.database.read() as tx:
        device = devices.get(tx, customer.id, device_id)
    if device is None or device.must_go:
        return None
    route = ports.catalogue.pinned(device.provider_key, device.device_type, device.vendor_key, device.vendor_code)
    return open_attempt(ports=ports, customer=customer, route=route, language=language, device_id=device.id, now=now)
