"""The words by which customers are found: of their names, numbers and e-mail addresses, in small plain letters."""

import unicodedata
from collections.abc import Iterable

from sqlalchemy import delete, select

from portal.domain.people import Identity
from portal.storage import tables
from portal.storage.database import Transaction

_words = tables.customer_words

SPECIAL = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"})
"""Letters that are no others with an accent, and that keyboards elsewhere do not have."""

UNSEEN = frozenset({"Mn", "Cf", "Cs"})
"""Accents by themselves, marks of direction that come along when a name is copied, and what no database takes."""

MOST_WORDS = 8
LONGEST_WORD = 100


def folded(text: str) -> str:
    """Small plain letters: "Zofia WÓJCIK" and "zofia wojcik" are the same."""
    parts = unicodedata.normalize("NFKD", text.replace("\x00", " ")).casefold().translate(SPECIAL)
    return "".join(letter for letter in parts if unicodedata.category(letter) not in UNSEEN)


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
