"""The database: transactions are whole, reads never write, and fifty writers do not get in each other's way."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from portal.domain.catalogue import DeviceType
from portal.domain.people import Customer
from portal.storage import customers, tables, vendor_requests
from portal.storage.database import Database
from portal.storage.ids import new_id
from tests.storage.made import KEY, NOW, all_at_once, an_identity


def test_what_is_written_is_there_for_the_next_reader(database: Database, anna: Customer) -> None:
    with database.read() as tx:
        assert customers.get(tx, anna.id) == anna


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def fail_half_way() -> None:
        with database.write() as tx:
            customers.signed_in(tx, an_identity("cecilia"), now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with database.read() as tx:
        assert tx.connection.execute(select(tables.customers)).all() == []


def test_a_reading_transaction_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError), database.read() as tx:
        customers.signed_in(tx, an_identity("cecilia"), now=NOW)
    with database.write() as tx:
        customers.signed_in(tx, an_identity("cecilia"), now=NOW)


def test_a_reader_sees_one_state_of_things(database: Database, anna: Customer) -> None:
    with database.read() as tx:
        before = customers.get(tx, anna.id)
        with database.write() as other:
            customers.choose_language(other, anna.id, "hu")
        assert customers.get(tx, anna.id) == before


def test_fifty_writers_each_get_their_turn(database: Database, anna: Customer) -> None:
    def write(number: int) -> None:
        for _ in range(10):
            with database.write() as tx:
                assert customers.get(tx, anna.id) is not None
                vendor_requests.record(
                    tx, customer_id=anna.id, device_type=DeviceType.CHARGER, text=str(number), now=NOW
                )

    all_at_once(50, write)
    with database.read() as tx:
        assert len(tx.connection.execute(select(tables.vendor_requests)).all()) == 500


def test_what_a_writer_read_of_its_customer_is_still_true_when_it_writes(database: Database, anna: Customer) -> None:
    """Ten threads read a number and store the next one; none is lost."""

    def count(_: int) -> None:
        with database.write() as tx:
            tx.in_turn(anna.id)
            customer = customers.get(tx, anna.id)
            assert customer is not None
            customers.choose_language(tx, anna.id, str(int(customer.language or 0) + 1))

    all_at_once(10, count)
    with database.read() as tx:
        counted = customers.get(tx, anna.id)
    assert counted is not None
    assert counted.language == "10"


def test_a_writer_of_one_customer_does_not_wait_for_another_s_on_postgresql(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    with database.write() as tx:
        if tx.connection.dialect.name != "postgresql":
            return  # SQLite has one writer in all
        tx.in_turn(anna.id)
        with database.write() as other:
            other.in_turn(bertil.id)


def test_a_page_s_transactions_cost_no_statements_of_their_own(database: Database, anna: Customer) -> None:
    statements: list[str] = []
    event.listen(database._reading, "before_cursor_execute", lambda *seen: statements.append(seen[2]))
    with database.read() as tx:
        customers.get(tx, anna.id)
    assert len(statements) == 1


def test_moments_keep_their_instant_and_come_back_in_utc(database: Database) -> None:
    in_stockholm = datetime(2026, 11, 21, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    with database.write() as tx:
        customer = customers.signed_in(tx, an_identity("david"), now=in_stockholm)
    assert customer.created_at == in_stockholm
    assert customer.created_at.utcoffset() == timedelta(0)
    assert customer.created_at.replace(tzinfo=UTC).isoformat() == "2026-11-21T12:00:00.123456+00:00"


def test_a_moment_without_a_time_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="time zone"), database.write() as tx:
        customers.signed_in(tx, an_identity("david"), now=NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    "name", ["Åsa Őry-Łukasiewicz", "山田 🏠", "a\u0301", "ș ț", "'; DROP TABLE customers; --", ""]
)
def test_names_of_all_the_world_come_back_as_they_were(database: Database, name: str) -> None:
    with database.write() as tx:
        customer = customers.signed_in(tx, an_identity(name, name=name), now=NOW)
    with database.read() as tx:
        assert customers.get(tx, customer.id) == customer
    assert customer.identity.name == name


def test_text_that_no_database_takes_is_mended_and_not_an_error(database: Database) -> None:
    with database.write() as tx:
        customer = customers.signed_in(tx, an_identity("eva", name="a\x00b\ud800c🏠"), now=NOW)
    assert customer.identity.name == "a\ufffdb\ufffdc🏠"


def test_words_that_the_product_does_not_use_are_refused(database: Database, anna: Customer) -> None:
    row = {"id": new_id(), "customer_id": anna.id, "device_type": "toaster", "text": "", "created_at": NOW}
    with pytest.raises(IntegrityError), database.write() as tx:
        tx.connection.execute(insert(tables.vendor_requests).values(row))


def test_a_row_of_nobody_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as tx:
        vendor_requests.record(tx, customer_id="nobody", device_type=DeviceType.HVAC, text="", now=NOW)


def test_an_error_carries_no_values(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught, database.write() as tx:
        vendor_requests.record(tx, customer_id="nobody", device_type=DeviceType.HVAC, text="secret-text", now=NOW)
    assert "secret-text" not in str(caught.value)


def test_what_was_sealed_with_another_key_is_unreadable_and_not_an_error(url: str, database: Database) -> None:
    with database.read() as tx:
        sealed = tx.seal("https://connect.example/?token=bearer")
        assert tx.unseal(sealed) == "https://connect.example/?token=bearer"
        assert "bearer" not in sealed
        assert tx.unseal("not sealed at all") is None
    other = Database(url, seal_key=b"another key entirely, also long..")
    with other.read() as tx:
        assert tx.unseal(sealed) is None
    other.close()


def test_a_database_that_answers_answers_a_ping(database: Database) -> None:
    database.ping()


def test_a_plain_postgresql_url_is_understood(url: str) -> None:
    database = Database(url.replace("postgresql+psycopg:", "postgresql:"), seal_key=KEY)
    assert database.is_current()
    database.close()


def test_the_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/some/where/portal.sqlite", seal_key=KEY)
    database.upgrade()
    database.close()
    assert (tmp_path / "some/where/portal.sqlite").exists()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://portal:hunter2@db/portal"])
def test_any_other_database_is_refused_without_telling_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="SQLite file") as caught:
        Database(url, seal_key=KEY)
    assert "hunter2" not in str(caught.value)


def test_a_second_process_waits_for_the_writer_on_sqlite(tmp_path: Path) -> None:
    """Two `Database` objects share nothing but the file, as two processes do."""
    url = f"sqlite:///{tmp_path}/portal.sqlite"
    first, second = Database(url, seal_key=KEY), Database(url, seal_key=KEY)
    first.upgrade()
    started = threading.Event()

    def hold() -> None:
        with first.write() as tx:
            customers.signed_in(tx, an_identity("anna"), now=NOW)
            started.set()
            threading.Event().wait(0.3)

    holder = threading.Thread(target=hold)
    holder.start()
    started.wait()
    with second.write() as tx:
        customers.signed_in(tx, an_identity("bertil"), now=NOW)
    holder.join()
    first.close()
    second.close()


def test_ids_are_opaque_and_never_look_like_an_option() -> None:
    ids = {new_id() for _ in range(2000)}
    assert len(ids) == 2000
    assert all(len(each) == 22 and not each.startswith("-") for each in ids)
