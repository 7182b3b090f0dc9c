"""Customers: one for each (issuer, subject), whatever else the issuer says."""

from __future__ import annotations

from datetime import timedelta

from portal.domain.people import Customer
from portal.storage import customers
from portal.storage.database import Database
from tests.storage.made import NOW, all_at_once, an_identity


def test_a_customer_is_the_same_at_every_sign_in(database: Database) -> None:
    with database.write() as tx:
        first = customers.signed_in(tx, an_identity("anna", email="a@example.se"), now=NOW)
        again = customers.signed_in(tx, an_identity("anna", email="b@example.se"), now=NOW + timedelta(days=1))
    assert again.id == first.id
    assert again.created_at == NOW
    assert again.identity.email == "b@example.se"


def test_what_the_issuer_leaves_out_is_kept(database: Database) -> None:
    told = an_identity("anna", email="a@example.se", name="Anna", locale="sv-SE", price_zone="SE3")
    with database.write() as tx:
        customers.signed_in(tx, told, now=NOW)
        silent = customers.signed_in(tx, an_identity("anna"), now=NOW)
    assert silent.identity == told


def test_the_same_address_at_two_issuers_is_two_customers(database: Database) -> None:
    with database.write() as tx:
        one = customers.signed_in(tx, an_identity("anna", email="a@example.se"), now=NOW)
        two = customers.signed_in(tx, an_identity("anna", email="a@example.se", issuer="https://evil.example"), now=NOW)
        three = customers.signed_in(tx, an_identity("Anna", email="a@example.se"), now=NOW)
    assert len({one.id, two.id, three.id}) == 3


def test_a_customer_who_signs_in_in_many_windows_at_once_is_one(database: Database) -> None:
    def sign_in(_: int) -> str:
        with database.write() as tx:
            return customers.signed_in(tx, an_identity("anna"), now=NOW).id

    assert len(set(all_at_once(40, sign_in))) == 1


def test_a_chosen_language_outlives_the_next_sign_in(database: Database, anna: Customer) -> None:
    assert anna.language is None
    with database.write() as tx:
        customers.choose_language(tx, anna.id, "hu")
        again = customers.signed_in(tx, an_identity("anna", locale="sv"), now=NOW)
    assert again.language == "hu"


def test_choosing_a_language_changes_nobody_else_s(database: Database, anna: Customer, bertil: Customer) -> None:
    with database.write() as tx:
        customers.choose_language(tx, anna.id, "hu")
        assert customers.get(tx, bertil.id) == bertil


def test_nobody_is_no_customer(database: Database) -> None:
    with database.read() as tx:
        assert customers.get(tx, "nobody") is None
