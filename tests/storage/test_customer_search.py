"""Customers are found by number, address or the beginning of a name, whatever the keyboard, and never by tricks."""

import pytest
from sqlalchemy import text

from portal.storage import customer_search, customers
from portal.storage.customer_words import folded
from portal.storage.database import Database
from tests.storage.made import NOW, an_identity

NAMES = {
    "Søren Ærøskøbing": ("soren", "AEROSKOBING", "ærø", "Søren Ærøs"),
    "Łukasz Wójcik": ("lukasz", "łukasz", "WOJCIK", "wójc"),
    "Đorđe Weiß": ("dorde", "weiss", "WEISS", "weiß"),
    "Ömer Işık": ("omer isik", "ışık", "OMER"),
    "Béla Erdős-Szűcs": ("bela", "erdos", "ERDŐS", "erdos-szucs"),
    "Ștefan Țânțar": ("stefan", "ştefan", "tantar"),
    "Õie Šõštak": ("oie", "sostak", "ÕIE"),
    "Cœur Noël": ("coeur", "cœur", "noel"),
    "Inés Muñoz": ("ines", "munoz", "MUÑOZ"),
    "Åsa Ångström": ("asa", "angstrom", "a\u030asa"),
    "Jørn Gǿrdahl": ("gordahl", "gørdahl"),
}

HOSTILE = (
    "",
    " ",
    "\x00",
    "an\x00na",
    "%",
    "_nna",
    "a%",
    "'; DROP TABLE customers; --",
    "\\",
    "🙂",
    "\u202eanna",
    "א",
    "a" * 10_000,
    "anna " * 2000,
    "\ud800",
    "\uffff",
    "\U0010ffff",
)


def found(database: Database, query: str) -> list[str | None]:
    with database.read() as tx:
        return [hit.customer.identity.name for hit in customer_search.find(tx, query, limit=50)]


def test_every_name_is_found_on_every_keyboard(database: Database) -> None:
    with database.write() as tx:
        for number, name in enumerate(NAMES):
            customers.signed_in(tx, an_identity(f"customer-{number}", name=name), now=NOW)
    for name, queries in NAMES.items():
        for query in queries:
            assert found(database, query) == [name], query


def test_all_letters_of_the_eleven_languages_become_plain_ones() -> None:
    letters = "åäö äöüß áéíóöőúüű àèéìíòóù äõöüšž ąćęłńóśźż ăâîșț ëïéèöü àâæçèéêëîïôœùûüÿ áéíñóúü øæđþıðœ"
    for text_ in (letters, letters.upper()):
        assert folded(text_).replace(" ", "").isascii(), text_


def test_a_hostile_query_finds_nothing_and_breaks_nothing(database: Database) -> None:
    with database.write() as tx:
        customers.signed_in(tx, an_identity("anna", name="Anna Lindqvist", email="anna@example.com"), now=NOW)
    for query in HOSTILE:
        assert found(database, query) in ([], ["Anna Lindqvist"]), ascii(query[:20])
    for query in ("%", "_nna", "a%", "\x00", " ", "🙂", "\uffff"):
        assert found(database, query) == [], ascii(query)
    assert found(database, "\u200fanna\u200e") == ["Anna Lindqvist"]


def test_the_words_are_in_the_order_of_their_letters_whatever_the_country_of_the_server(database: Database) -> None:
    """The range that finds a beginning means nothing in the order of a language's dictionary."""
    with database.read() as tx:
        if tx.connection.dialect.name == "postgresql":
            found = (
                "SELECT collation_name FROM information_schema.columns "
                "WHERE table_name = 'customer_words' AND column_name = 'word'"
            )
            assert tx.connection.scalar(text(found)) == "C"


@pytest.mark.parametrize("query", ["anna", "anna lind", "lind anna", "lindqvist"])
def test_a_page_of_many_goes_on_where_the_last_one_ended(database: Database, query: str) -> None:
    with database.write() as tx:
        for number in range(7):
            identity = an_identity(f"anna-{number}", name="Anna Lindqvist", number=f"C-000{number}")
            customers.signed_in(tx, identity, now=NOW)
    seen: list[str] = []
    last: tuple[str, str] | None = None
    with database.read() as tx:
        while page := customer_search.find(tx, query, limit=3, after=last):
            seen += [hit.customer.id for hit in page]
            last = page[-1].word, page[-1].customer.id
    assert len(seen) == len(set(seen)) == 7


def test_an_address_and_a_number_are_found_whole_and_never_letter_by_letter(database: Database) -> None:
    told = {"name": "Li Anderberg", "email": "anders.berg@example.com", "number": "N-4711"}
    with database.write() as tx:
        customers.signed_in(tx, an_identity("li", **told), now=NOW)
    for whole in ("anders.berg@example.com", "ANDERS.BERG@example.com", "n-4711", "Li", "Anderberg", "ande", "li ande"):
        assert found(database, whole) == ["Li Anderberg"], whole
    for value in ("anders.berg@example.com", "n-4711"):
        for length in range(1, len(value)):
            known = ["Li Anderberg"] if "anderberg".startswith(value[:length]) and length >= 4 else []
            assert found(database, value[:length]) == known, value[:length]
    for part in ("a", "an", "and", "l", "berg", "example.com", "@example.com", "4711", "anderberg l"):
        assert found(database, part) == [], part
