"""Error pages that customers were shown, remembered by the number on them."""

from datetime import datetime

from portal.domain.people import Customer
from portal.journey.ports import Ports
from portal.storage import references
from portal.storage.references import ErrorPage


def remember(*, ports: Ports, customer: Customer, reference: str, status: int, now: datetime) -> None:
    """Keeps the number for support to find."""
    with ports.database.write() as tx:
        references.keep_error(tx, ErrorPage(reference, customer.id, status, now))
