"""Provider accounts: one random pseudonym for each customer and provider, bound to one provider user for good."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from portal.domain.people import Customer
from portal.storage import provider_accounts
from portal.storage.database import Database
from portal.storage.provider_accounts import AlreadyBound
from tests.storage.made import all_at_once


def test_a_customer_has_one_account_at_each_provider(database: Database, anna: Customer) -> None:
    with database.write() as tx:
        podero = provider_accounts.ensure(tx, anna.id, "podero")
        nox = provider_accounts.ensure(tx, anna.id, "nox")
        assert provider_accounts.ensure(tx, anna.id, "podero") == podero
        assert provider_accounts.of(tx, anna.id, "podero") == podero
        assert provider_accounts.all_of(tx, anna.id) == (nox, podero)
    assert podero.pseudonym != nox.pseudonym


def test_a_pseudonym_tells_nothing_of_its_customer(database: Database, anna: Customer) -> None:
    with database.write() as tx:
        account = provider_accounts.ensure(tx, anna.id, "podero")
    assert re.fullmatch(r"[0-9a-f]{32}", account.pseudonym)
    assert "anna" not in account.pseudonym


def test_a_hundred_threads_make_one_account(database: Database, anna: Customer) -> None:
    def ensure(_: int) -> str:
        with database.write() as tx:
            return provider_accounts.ensure(tx, anna.id, "podero").pseudonym

    assert len(set(all_at_once(100, ensure))) == 1


def test_an_account_of_another_customer_is_never_met(database: Database, anna: Customer, bertil: Customer) -> None:
    with database.write() as tx:
        provider_accounts.ensure(tx, anna.id, "podero")
        assert provider_accounts.of(tx, bertil.id, "podero") is None
        assert provider_accounts.all_of(tx, bertil.id) == ()


def test_a_provider_finds_a_customer_by_the_pseudonym_it_was_told(database: Database, anna: Customer) -> None:
    with database.write() as tx:
        account = provider_accounts.ensure(tx, anna.id, "podero")
        assert provider_accounts.by_pseudonym(tx, "podero", account.pseudonym) == account
        assert provider_accounts.by_pseudonym(tx, "nox", account.pseudonym) is None
        assert provider_accounts.by_pseudonym(tx, "podero", "\x00") is None


def test_a_provider_user_is_bound_for_good(database: Database, anna: Customer) -> None:
    with database.write() as tx:
        account = provider_accounts.ensure(tx, anna.id, "nox")
        bound = provider_accounts.bind(tx, account, "nox-1")
        assert bound == replace(account, provider_user_id="nox-1")
        assert provider_accounts.bind(tx, account, "nox-1") == bound
        assert provider_accounts.by_provider_user(tx, "nox", "nox-1") == bound
        with pytest.raises(AlreadyBound):
            provider_accounts.bind(tx, account, "nox-2")
        assert provider_accounts.of(tx, anna.id, "nox") == bound


def test_a_provider_user_of_one_customer_is_refused_to_another(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    with database.write() as tx:
        provider_accounts.bind(tx, provider_accounts.ensure(tx, anna.id, "nox"), "nox-1")
        hers = provider_accounts.ensure(tx, bertil.id, "nox")
        with pytest.raises(AlreadyBound) as caught:
            provider_accounts.bind(tx, hers, "nox-1")
        assert provider_accounts.of(tx, bertil.id, "nox") == hers
        provider_accounts.bind(tx, provider_accounts.ensure(tx, bertil.id, "podero"), "nox-1")
    assert "nox-1" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_of_many_who_bind_one_provider_user_one_gets_it(database: Database, anna: Customer, bertil: Customer) -> None:
    with database.write() as tx:
        accounts = [provider_accounts.ensure(tx, customer.id, "nox") for customer in (anna, bertil)]

    def bind(number: int) -> str | None:
        try:
            with database.write() as tx:
                return provider_accounts.bind(tx, accounts[number % 2], "nox-1").customer_id
        except AlreadyBound:
            return None

    assert len(set(all_at_once(20, bind)) - {None}) == 1


def test_an_account_is_bound_by_its_owner_only(database: Database, anna: Customer, bertil: Customer) -> None:
    with database.write() as tx:
        account = provider_accounts.ensure(tx, anna.id, "nox")
        with pytest.raises(AlreadyBound):
            provider_accounts.bind(tx, replace(account, customer_id=bertil.id), "nox-1")
