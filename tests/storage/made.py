"""Things to store, and many threads to do it at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Table, select

from portal.domain.catalogue import DeviceType, RouteReason
from portal.domain.device import Connection, Device
from portal.domain.link_session import LinkSession, Purpose, State
from portal.domain.people import Customer, Identity
from portal.storage.database import Database
from portal.storage.ids import new_id

T = TypeVar("T")

KEY = b"a key of thirty-two bytes or so.."
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=10)
LATER = NOW + timedelta(hours=1)


def an_identity(subject: str, **told: str) -> Identity:
    return replace(Identity(issuer="https://issuer.example", subject=subject), **told)


def an_attempt(customer: Customer, **differing: Any) -> LinkSession:
    attempt = LinkSession(
        id=new_id(),
        customer_id=customer.id,
        purpose=Purpose.LINK,
        provider_key="podero",
        device_type=DeviceType.HEAT_PUMP,
        vendor_key="nibe",
        vendor_code="NIBE",
        language="sv",
        route_reason=RouteReason.SPEAKS_LANGUAGE,
        state=State.CREATED,
        created_at=NOW,
        expires_at=SOON,
    )
    return replace(attempt, **differing)


def a_device(customer: Customer, **differing: Any) -> Device:
    device = Device(
        id=new_id(),
        customer_id=customer.id,
        provider_key="podero",
        provider_device_id=f"podero-{new_id()}",
        device_type=DeviceType.HEAT_PUMP,
        vendor_key="nibe",
        vendor_name="NIBE",
        model="S1255",
        nickname=None,
        connection=Connection.WORKING,
        last_contact_at=None,
        linked_at=NOW,
        read_at=NOW,
        observed_at=NOW,
    )
    return replace(device, **differing)


def all_at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """What `work` returns in each of `count` threads that start together; any exception is raised here."""
    start = threading.Barrier(count)

    def one(number: int) -> T:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def raw(database: Database, table: Table) -> str:
    """Everything that a table holds, as a thief of the database would read it."""
    with database.read() as tx:
        return repr(tx.connection.execute(select(table)).all())
