"""The customer's own choice of language, kept for every later visit."""

from portal.domain.people import Customer
from portal.journey.ports import Ports
from portal.storage import customers


def choose_language(*, ports: Ports, customer: Customer, language: str) -> None:
    """Keeps the choice. `language` is one of the portal's."""
    with ports.database.write() as tx:
        customers.choose_language(tx, customer.id, language)
