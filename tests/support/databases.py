"""Databases for the tests: a fresh one for whoever asks, empty or prepared once and copied."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import psycopg
import pytest
from sqlalchemy import make_url

Backend = Literal["sqlite", "postgresql"]
Prepare = Callable[[str], None]

BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))
"""Each kind of database, for what is tested on both."""

ON_RECORD = frozenset({"audit", "access_events", "access_head"})
"""What cannot be emptied: the database itself keeps it."""


class Databases:
    """Hands out database URLs; each names a database that nobody else has."""

    def __init__(self, folder: Path, server_url: Callable[[], str]) -> None:
        self._folder = folder
        self._server_url = server_url
        self._numbers = itertools.count(1)
        self._templates: dict[tuple[Backend, Prepare], str] = {}

    def empty(self, backend: Backend) -> str:
        """A new database without any table."""
        return self._copy(backend, None)

    def prepared(self, backend: Backend, prepare: Prepare) -> str:
        """A new database as `prepare` leaves it; prepared once, then copied, which takes milliseconds.

        `prepare` must close every connection it opened.
        """
        key = (backend, prepare)
        if key not in self._templates:
            template = self.empty(backend)
            prepare(template)
            self._templates[key] = template
        return self._copy(backend, self._templates[key])

    def discard(self, url: str) -> None:
        """Drop a database that `empty` or `prepared` handed out."""
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            self._execute(f'DROP DATABASE IF EXISTS "{parsed.database}" WITH (FORCE)')
            return
        for path in sqlite_files(url):
            path.unlink(missing_ok=True)

    def _copy(self, backend: Backend, template: str | None) -> str:
        name = f"test_{next(self._numbers)}"
        if backend == "postgresql":
            pattern = make_url(template).database if template else "template0"
            self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{pattern}"')
            return make_url(self._server_url()).set(database=name).render_as_string(hide_password=False)
        target = self._folder / f"{name}.sqlite3"
        for path in sqlite_files(template) if template else ():
            if path.exists():
                shutil.copyfile(path, target.with_name(path.name.replace(path.name.split(".")[0], name)))
        return f"sqlite:///{target}"

    def _execute(self, statement: str) -> None:
        plain = make_url(self._server_url()).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement.encode())


def sqlite_files(url: str) -> Iterator[Path]:
    """A SQLite database and the files that may stand beside it."""
    database = make_url(url).database or ""
    return (Path(database + suffix) for suffix in ("", "-wal", "-shm"))
