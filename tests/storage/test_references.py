"""Error pages are found by their number, of one customer no more than a bound, and for a while."""

from datetime import timedelta

from portal.domain.people import Customer
from portal.storage import references
from portal.storage.database import Database
from portal.storage.references import MOST_OF_ONE, ErrorPage
from tests.storage.made import NOW


def test_a_page_that_fails_again_and_again_fills_nothing(database: Database, anna: Customer, bertil: Customer) -> None:
    with database.write() as tx:
        references.keep_error(tx, ErrorPage("BERTIL", bertil.id, 404, NOW))
    for count in range(MOST_OF_ONE + 5):
        with database.write() as tx:
            references.keep_error(tx, ErrorPage(f"ANNA-{count}", anna.id, 500, NOW + timedelta(seconds=count)))
    with database.read() as tx:
        assert references.error_page(tx, "ANNA-4") is None
        assert references.error_page(tx, "ANNA-5") is not None
        assert references.error_page(tx, "BERTIL") == ErrorPage("BERTIL", bertil.id, 404, NOW)


def test_old_ones_are_forgotten(database: Database, anna: Customer) -> None:
    with database.write() as tx:
        references.keep_error(tx, ErrorPage("OLD", anna.id, 500, NOW - timedelta(days=31)))
        references.keep_error(tx, ErrorPage("NEW", anna.id, 500, NOW))
        references.purge(tx, NOW - timedelta(days=30))
        assert references.error_page(tx, "OLD") is None
        assert references.error_page(tx, "NEW") is not None
