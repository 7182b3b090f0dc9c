"""The door to the database: transactions that read, transactions that write, and the schema's own life."""

import copy
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, Executable, Table, create_engine, event, func, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection

from portal.storage.sealing import Seal

DatabaseFault = SQLAlchemyError
"""What every call here may raise when the database is away, full or not ours."""

LOCK_PATIENCE = 5
"""Seconds that a transaction waits for another before it gives up."""

MIGRATION_LOCK = 7_276_011
"""One process at a time changes the schema; any number that nobody else uses."""


AWAY_IN_SQLITE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY")


def is_away(fault: Exception) -> bool:
    """Whether the database is away, locked or full, so that the same will work once that is over."""
    if isinstance(fault, DBAPIError) and fault.connection_invalidated:
        return True
    cause = fault.orig if isinstance(fault, DBAPIError) else fault
    if isinstance(cause, sqlite3.Error):
        return str(getattr(cause, "sqlite_errorname", "")).startswith(AWAY_IN_SQLITE)
    return isinstance(cause, (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout))


class Transaction:
    """One open transaction. Everything in `storage` works inside one, and sees what it did before."""

    def __init__(self, connection: Connection, seal: Seal, *, writes: bool) -> None:
        self.connection = connection
        self._seal = seal
        self._takes_turns = writes and connection.dialect.name == "postgresql"
        self._turns: set[str] = set()

    def seal(self, text: str) -> str:
        return self._seal.seal(text)

    def unseal(self, sealed: str) -> str | None:
        return self._seal.unseal(sealed)

    def digest(self, text: str) -> str:
        return self._seal.digest(text)

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An insert that knows ON CONFLICT, in this database's dialect."""
        return postgresql.insert(table) if self.connection.dialect.name == "postgresql" else sqlite.insert(table)

    def kept(self, build: Callable[["Transaction"], Executable]) -> Executable:
        """The statement that `build` makes in this database's dialect, made once: building costs more than asking."""
        key = (self.connection.dialect.name, build)
        if key not in _KEPT:
            _KEPT[key] = build(self)
        return _KEPT[key]

    def in_turn(self, customer_id: str) -> None:
        """Lets writing transactions about one customer happen one after another, as SQLite does by itself.

        What such a transaction reads of its customer is therefore still true when it writes. Reads never wait.
        """
        if self._takes_turns and customer_id not in self._turns:
            self._turns.add(customer_id)
            self.connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(customer_id, 0))))


_KEPT: dict[tuple[str, Callable[[Transaction], Executable]], Executable] = {}


class Database:
    """A SQLite file (`sqlite:///var/portal.sqlite`) or a PostgreSQL database (`postgresql://...`).

    Raises ValueError for any other URL. Nothing is connected before it is needed; make one per process, after forking.
    """

    def __init__(self, url: str, *, seal_key: bytes) -> None:
        parsed = make_url(url)
        self._seal = Seal(seal_key)
        if parsed.drivername == "sqlite" and parsed.database not in {None, "", ":memory:"}:
            self._writing, self._reading = _sqlite_engines(parsed)
        elif parsed.drivername in {"postgresql", "postgresql+psycopg"}:
            self._writing, self._reading = _postgresql_engines(parsed)
        else:
            raise ValueError("the database is a SQLite file (sqlite:///...) or PostgreSQL (postgresql://...)")

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that commits, or rolls back on any exception. Nothing slow belongs inside."""
        with self._writing.begin() as connection:
            if connection.dialect.name == "postgresql":
                # Said in each transaction: behind a pooler the next one may have another session.
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}s'")
            yield Transaction(connection, self._seal, writes=True)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent view; the database refuses to write in it."""
        with self._reading.begin() as connection:
            yield Transaction(connection, self._seal, writes=False)

    def read_only(self) -> "Database":
        """The same database for whoever must only look: what writes is refused by the database itself."""
        same = copy.copy(self)
        same._writing = self._reading  # noqa: SLF001 - a copy of its own kind
        return same

    def upgrade(self) -> None:
        """Brings the schema to the newest revision; two processes may try at once."""
        with self._migrating() as config:
            command.upgrade(config, "head")

    def downgrade(self, revision: str = "base") -> None:
        with self._migrating() as config:
            command.downgrade(config, revision)

    def is_current(self) -> bool:
        """Whether the schema is the one that this code was written for."""
        with self._reading.begin() as connection:
            stored = MigrationContext.configure(connection).get_current_heads()
        return set(stored) == set(ScriptDirectory.from_config(alembic_config()).get_heads())

    def ping(self) -> None:
        """Raises DatabaseFault where the database does not answer, or cannot be written to."""
        # On SQLite the beginning alone takes the lock that writing needs.
        with self._writing.begin() as connection:
            if connection.dialect.name == "postgresql":
                is_read_only = connection.scalar(select(func.current_setting("transaction_read_only")))
                if is_read_only == "on":
                    connection.invalidate()
                    raise SQLAlchemyError("the database server takes no writes: a standby, or one that was demoted")

    def close(self) -> None:
        self._writing.dispose()
        self._reading.dispose()

    @contextmanager
    def _migrating(self) -> Iterator[Config]:
        with self._writing.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL lock_timeout = '60s'"))
                connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            yield alembic_config(connection)


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's settings; there is no ini file."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "portal.storage:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _sqlite_engines(url: URL) -> tuple[Engine, Engine]:
    """SQLite has one writer: a pool of one queues this process's threads, the busy timeout the other processes.

    Connections are kept, because opening one costs more than a page, and the last one used is the first one taken.
    """
    Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    writing = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=30, hide_parameters=True)
    reading = create_engine(
        url, pool_size=25, max_overflow=0, pool_timeout=30, pool_use_lifo=True, hide_parameters=True
    )
    _prepare_sqlite(writing, begin="BEGIN IMMEDIATE", query_only=False)
    _prepare_sqlite(reading, begin="BEGIN", query_only=True)
    return writing, reading


def _prepare_sqlite(engine: Engine, *, begin: str, query_only: bool) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {LOCK_PATIENCE * 1000}")
        _enter_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA query_only = {int(query_only)}")

    # A deferred transaction that starts to write later fails at once when another writes, however long the timeout.
    # Said by the dialect and not by a listener to "begin": with one listener every statement looks for all of them.
    def begin_transaction(connection: PoolProxiedConnection) -> None:
        connection.cursor().execute(begin)

    dialect: Any = engine.dialect
    dialect.do_begin = begin_transaction


def _enter_wal(connection: sqlite3.Connection) -> None:
    """A new file is changed to WAL once and stays so; this one change does not heed the busy timeout."""
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _postgresql_engines(url: URL) -> tuple[Engine, Engine]:
    """One pool; reading transactions are read-only and see one snapshot, as they do on SQLite.

    Nothing of a session is relied on, so that a transaction pooler may stand in between: no prepared statements, and
    what is set is set in each transaction. Only a server that takes writes is connected to, unless the URL says
    otherwise: after a fail-over the old primary may still answer.
    """
    wanted = {} if "target_session_attrs" in url.query else {"target_session_attrs": "read-write"}
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=5,
        max_overflow=20,
        pool_timeout=30,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"connect_timeout": LOCK_PATIENCE, "prepare_threshold": None, **wanted},
    )

    @event.listens_for(engine, "handle_error")
    def cannot_write(context: ExceptionContext) -> None:
        """A connection to a server that was demoted is as good as lost, and so are the others in the pool."""
        is_demoted = isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction)
        options = context.connection.get_execution_options() if context.connection is not None else {}
        if is_demoted and not options.get("postgresql_readonly"):
            context.is_disconnect = True

    return engine, engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
