"""Customers: whoever has signed in, by (issuer, subject)."""

from datetime import datetime

from sqlalchemy import RowMapping, func, select, update

from portal.domain.people import Customer, Identity
from portal.storage import tables
from portal.storage.customer_words import keep_words
from portal.storage.database import Transaction
from portal.storage.ids import new_id

_customers = tables.customers


def signed_in(tx: Transaction, identity: Identity, *, now: datetime) -> Customer:
    """The customer of this identity, new or known. What the issuer leaves out this time is kept from before."""
    new = tx.insert(_customers).values(
        id=new_id(),
        issuer=identity.issuer,
        subject=identity.subject,
        email=identity.email,
        name=identity.name,
        locale=identity.locale,
        price_zone=identity.price_zone,
        number=identity.number,
        created_at=now,
    )
    told = ("email", "name", "locale", "price_zone", "number")
    upsert = new.on_conflict_do_update(
        index_elements=["issuer", "subject"],
        set_={name: func.coalesce(new.excluded[name], _customers.c[name]) for name in told},
    ).returning(*_customers.c)
    customer = customer_of(tx.connection.execute(upsert).mappings().one())
    keep_words(tx, customer.id, customer.identity)
    return customer


def get(tx: Transaction, customer_id: str) -> Customer | None:
    row = tx.connection.execute(select(_customers).where(_customers.c.id == customer_id)).mappings().one_or_none()
    return customer_of(row) if row else None


def choose_language(tx: Transaction, customer_id: str, language: str) -> None:
    tx.connection.execute(update(_customers).where(_customers.c.id == customer_id).values(language=language))


def have_support_ask_first(tx: Transaction, customer_id: str, *, asks: bool) -> bool:
    """Keeps whether customer support has to ask first; False where that was so already."""
    tx.in_turn(customer_id)
    other = (_customers.c.id == customer_id, _customers.c.support_asks_first.is_not(asks))
    changed = update(_customers).where(*other).values(support_asks_first=asks)
    return tx.connection.execute(changed).rowcount == 1


def price_zones(tx: Transaction) -> dict[str, int]:
    """The price zones that customers have, in their issuers' spelling, and how many have each."""
    zone = _customers.c.price_zone
    counted = select(zone, func.count()).where(zone.is_not(None)).group_by(zone).order_by(zone)
    return {row[0]: row[1] for row in tx.connection.execute(counted)}


def customer_of(row: RowMapping) -> Customer:
    """A customer from a row that holds all columns of the table."""
    return Customer(
        id=row["id"],
        identity=Identity(
            issuer=row["issuer"],
            subject=row["subject"],
            email=row["email"],
            name=row["name"],
            locale=row["locale"],
            price_zone=row["price_zone"],
            number=row["number"],
        ),
        language=row["language"],
        created_at=row["created_at"],
        support_asks_first=row["support_asks_first"],
    )
