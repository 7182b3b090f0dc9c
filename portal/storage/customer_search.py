"""Finding customers by the beginning of a name, a number or an e-mail address, whatever the accents and capitals."""

import unicodedata
from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, delete, exists, select

from portal.domain.people import Customer, Identity
from portal.storage import tables
from portal.storage.customers import customer_of
from portal.storage.database import Transaction

_customers = tables.customers
_words = tables.customer_words

SPECIAL = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
"""Letters that are no others with an accent, and that keyboards elsewhere do not have."""

MOST_WORDS = 8
LONGEST_WORD = 100


def folded(text: str) -> str:
    """Small plain letters: "Zofia WÓJCIK" and "zofia wojcik" are the same."""
    parts = unicodedata.normalize("NFKD", text.casefold().translate(SPECIAL))
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def words_of(texts: Iterable[str | None]) -> tuple[str, ...]:
    """The words by which these texts are found, each once."""
    words = (word[:LONGEST_WORD] for text in texts for word in folded(text or "").split())
    return tuple(dict.fromkeys(words))[:MOST_WORDS]


def keep_words(tx: Transaction, customer_id: str, identity: Identity) -> None:
    """Has a customer found by what is known of them now."""
    wanted = set(words_of((identity.number, identity.email, identity.name)))
    known = set(tx.connection.scalars(select(_words.c.word).where(_words.c.customer_id == customer_id)))
    if gone := known - wanted:
        mine = (_words.c.customer_id == customer_id, _words.c.word.in_(gone))
        tx.connection.execute(delete(_words).where(*mine))
    for word in sorted(wanted - known):
        new = tx.insert(_words).values(customer_id=customer_id, word=word)
        tx.connection.execute(new.on_conflict_do_nothing())


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
