"""Finding customers by a number, an e-mail address, or the beginning of a name, whatever the accents and capitals."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, tuple_

from portal.domain.people import Customer
from portal.storage import tables
from portal.storage.customer_words import words_of
from portal.storage.customers import customer_of
from portal.storage.database import Transaction

_customers = tables.customers
_words = tables.customer_words

SHORTEST_BEGINNING = 4
"""Letters of a name from which on its beginning is enough."""

MANY = 2000
"""From here on a word is as common as any other: it is not counted further."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A customer who was found, and the word by which: the next page begins after it."""

    customer: Customer
    word: str


def find(tx: Transaction, query: str, *, limit: int, after: tuple[str, str] | None = None) -> tuple[Hit, ...]:
    """Customers who have every word of the query, in the order of the words by which the rarest finds them.

    Of a name the beginning is enough, from four letters on. A number and an address are found only whole: an answer to
    every beginning of them would tell them letter by letter.

    `after` are the word and the customer's id of the last one on the page before. A customer with two such words may
    come twice, on two pages.
    """
    asked = sorted(words_of((query,)), key=len, reverse=True)
    if not asked:
        return ()
    rarest = min(asked, key=lambda word: _how_many(tx, word)) if len(asked) > 1 else asked[0]
    # In the order of the index, so that what is common is no slower than what is rare.
    found = (
        select(*_customers.c, _words.c.word)
        .join_from(_words, _customers, _words.c.customer_id == _customers.c.id)
        .where(_is_meant(_words.c.word, rarest), *(_has(word) for word in asked if word != rarest))
        .order_by(_words.c.word, _words.c.customer_id)
        .limit(limit)
    )
    if after is not None:
        found = found.where(tuple_(_words.c.word, _words.c.customer_id) > tuple_(*after))
    hits = (Hit(customer_of(row), row["word"]) for row in tx.connection.execute(found).mappings())
    return tuple({hit.customer.id: hit for hit in hits}.values())


def ids_of(query: str) -> Select[tuple[str]]:
    """The ids of all customers whom the query finds, for a condition of another question."""
    asked = sorted(words_of((query,)), key=len, reverse=True)
    if not asked:
        return select(_words.c.customer_id).where(false())
    return select(_words.c.customer_id).where(_is_meant(_words.c.word, asked[0]), *map(_has, asked[1:]))


def _how_many(tx: Transaction, word: str) -> int:
    """How many words are meant by it, counted only as far as it matters."""
    some = select(_words.c.word).where(_is_meant(_words.c.word, word)).limit(MANY).subquery()
    return tx.connection.scalars(select(func.count()).select_from(some)).one()


def _has(word: str) -> ColumnElement[bool]:
    other = _words.alias()
    return exists().where(and_(other.c.customer_id == _words.c.customer_id, _is_meant(other.c.word, word)))


def _is_meant(column: ColumnElement[str], word: str) -> ColumnElement[bool]:
    """Whether a word that is known of a customer is the one that was typed, or begins with it."""
    if len(word) < SHORTEST_BEGINNING or "@" in word or any(letter.isdigit() for letter in word):
        return column == word
    return and_(_begins(column, word), or_(column == word, column.not_like("%@%")))


def _begins(column: ColumnElement[str], word: str) -> ColumnElement[bool]:
    """A range, which an index serves, where a pattern may not."""
    return and_(column >= word, column < word + "\uffff")
