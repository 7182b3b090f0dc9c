"""Finding customers by the beginning of a name, a number or an e-mail address, whatever the accents and capitals."""

from sqlalchemy import ColumnElement, and_, exists, select

from portal.domain.people import Customer
from portal.storage import tables
from portal.storage.customer_words import words_of
from portal.storage.customers import customer_of
from portal.storage.database import Transaction

_customers = tables.customers
_words = tables.customer_words


def find(tx: Transaction, query: str, *, limit: int, after: str | None = None) -> tuple[Customer, ...]:
    """Customers of whom every word of the query begins one, in the order of their ids, those after `after`."""
    asked = words_of((query,))
    if not asked:
        return ()
    first, *others = sorted(asked, key=len, reverse=True)
    found = (
        select(*_customers.c)
        .join(_words, _words.c.customer_id == _customers.c.id)
        .where(_begins(_words.c.word, first), *(_has(word) for word in others))
        .distinct()
        .order_by(_customers.c.id)
        .limit(limit)
    )
    if after is not None:
        found = found.where(_customers.c.id > after)
    return tuple(customer_of(row) for row in tx.connection.execute(found).mappings())


def _has(word: str) -> ColumnElement[bool]:
    other = _words.alias()
    return exists().where(and_(other.c.customer_id == _customers.c.id, _begins(other.c.word, word)))


def _begins(column: ColumnElement[str], word: str) -> ColumnElement[bool]:
    """A range, which an index serves, where a pattern may not."""
    return and_(column >= word, column < word + "\uffff")
