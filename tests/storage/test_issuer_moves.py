"""An issuer gets another name: its people keep their devices."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.domain.people import Customer
from portal.storage import customers, devices, issuer_moves, provider_accounts, tables
from portal.storage.database import Database
from portal.storage.issuer_moves import Move
from tests.storage.made import LATER, NOW, a_device, an_identity

OLD, NEW = "https://issuer.example", "https://id.example"


def moved(database: Database, subject: str) -> Move:
    with database.write() as tx:
        return issuer_moves.move(tx, subject, old=OLD, new=NEW, now=LATER)


def signs_in(database: Database, subject: str, issuer: str) -> Customer:
    with database.write() as tx:
        return customers.signed_in(tx, an_identity(subject, issuer=issuer), now=NOW)


def link(database: Database, customer: Customer) -> None:
    with database.write() as tx:
        provider_accounts.ensure(tx, customer.id, "podero")
        devices.save(tx, a_device(customer))


def test_who_signs_in_under_the_new_name_finds_their_devices(database: Database, anna: Customer) -> None:
    link(database, anna)
    assert moved(database, anna.identity.subject) == Move(anna.id, is_held=False)
    again = signs_in(database, anna.identity.subject, NEW)
    assert again.id == anna.id
    with database.read() as tx:
        assert len(devices.all_of(tx, again.id)) == 1
        assert issuer_moves.subjects_of(tx, OLD) == ()
        (line,) = tx.connection.execute(select(tables.audit).where(tables.audit.c.customer_id == anna.id)).mappings()
    assert (line["actor"], line["action"]) == ("operator", "customer.issuer_moved")
    assert line["details"] == {"from": OLD, "to": NEW}


def test_who_came_in_between_and_linked_nothing_is_joined(database: Database, anna: Customer) -> None:
    link(database, anna)
    newcomer = signs_in(database, anna.identity.subject, NEW)
    assert moved(database, anna.identity.subject) == Move(anna.id, is_held=False)
    with database.read() as tx:
        assert customers.get(tx, newcomer.id) is None
    assert signs_in(database, anna.identity.subject, NEW).id == anna.id


def test_who_has_linked_under_both_names_is_left_alone(database: Database, anna: Customer) -> None:
    newcomer = signs_in(database, anna.identity.subject, NEW)
    link(database, anna)
    link(database, newcomer)
    assert moved(database, anna.identity.subject) == Move(anna.id, is_held=True)
    assert signs_in(database, anna.identity.subject, OLD).id == anna.id
    assert signs_in(database, anna.identity.subject, NEW).id == newcomer.id


def test_nobody_else_moves(database: Database, anna: Customer, bertil: Customer) -> None:
    moved(database, anna.identity.subject)
    with database.read() as tx:
        assert issuer_moves.subjects_of(tx, OLD) == (bertil.identity.subject,)
        assert customers.get(tx, bertil.id) == bertil
    with pytest.raises(LookupError):
        moved(database, anna.identity.subject)
