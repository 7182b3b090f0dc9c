"""Codes and permissions on both databases: good once, whoever asks at the same moment, and never readable."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from portal.domain.letter import Letter, is_address
from portal.domain.people import Customer
from portal.domain.support import MOST_TRIES
from portal.journey.letters import rest
from portal.storage import outbox, support_codes, tables
from portal.storage.database import Database
from tests.storage.made import LATER, NOW, all_at_once

LETTER = Letter("anna@example.com", "sv", "Hej", "Hej\n", "<p>Hej</p>")


def test_a_code_is_good_once_for_those_who_ask_at_the_same_moment(database: Database, anna: Customer) -> None:
    with database.write() as tx:
        support_codes.give(tx, anna.id, "123456", expires_at=LATER)
        kept = tx.connection.scalars(select(tables.support_codes.c.code_hash)).one()
    taken = []

    def take(_: int) -> None:
        with database.write() as tx:
            taken.append(support_codes.take(tx, anna.id, "123456", now=NOW))

    all_at_once(4, take)
    assert sorted(taken) == [False, False, False, True]
    assert "123456" not in kept


def test_a_code_does_not_outlive_many_wrong_ones(database: Database, anna: Customer) -> None:
    with database.write() as tx:
        support_codes.give(tx, anna.id, "123456", expires_at=LATER)
        for _ in range(MOST_TRIES):
            assert not support_codes.take(tx, anna.id, "654321", now=NOW)
        assert not support_codes.take(tx, anna.id, "123456", now=NOW)
        support_codes.purge(tx, LATER)
        assert not tx.connection.scalars(select(tables.support_codes.c.customer_id)).all()


def test_a_letter_is_kept_once_and_taken_by_one(database: Database, anna: Customer) -> None:
    with database.write() as tx:
        mail_id = outbox.keep(tx, LETTER, key="k", customer_id=anna.id, now=NOW)
        assert mail_id
        assert outbox.keep(tx, LETTER, key="k", customer_id=anna.id, now=NOW) is None
        assert "Hej" not in str(tx.connection.execute(tables.outbox.select()).all())
    taken = []

    def take(_: int) -> None:
        with database.write() as tx:
            taken.append(outbox.take_up(tx, mail_id, now=NOW, rest=rest))

    all_at_once(4, take)
    (mail,) = [one for one in taken if one is not None]
    assert (mail.letter, mail.tries) == (LETTER, 1)
    with database.write() as tx:
        again = outbox.take_up(tx, mail_id, now=NOW + timedelta(minutes=1), rest=rest)
        assert again
        assert again.tries == 2
        outbox.done(tx, mail_id)
        assert outbox.take_up(tx, mail_id, now=NOW + timedelta(hours=2), rest=rest) is None


def test_an_address_is_one_address() -> None:
    assert is_address("anna@example.com")
    for text in (None, "", "anna", "a@b.c, d@e.f", "a@b.c\nBcc: d@e.f", "<a@b.c>", "a b@c.d", "a@b"):
        assert not is_address(text), text
