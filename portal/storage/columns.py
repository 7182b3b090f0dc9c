"""Column types and checks that mean the same on SQLite and PostgreSQL."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ColumnClause, DateTime, Dialect, Text, TypeDecorator, literal_column
from sqlalchemy.types import TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware in, aware and in UTC out. SQLite keeps no time zone, so there it is UTC by agreement."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("a moment needs a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def result_processor(self, dialect: Dialect, _coltype: object) -> Callable[[Any], datetime | None]:
        if dialect.name == "sqlite":
            # A page reads dozens: SQLAlchemy's own way there is three calls for each.
            return lambda text: datetime.fromisoformat(f"{text}+00:00") if text is not None else None
        return lambda value: value.astimezone(UTC) if value is not None else None


class PlainText(TypeDecorator[str]):
    """Text that any client may have sent: what a database refuses (NUL, lone surrogates) becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        return None if value is None else mended(value)


class Word(PlainText):
    """One of the words of an enumeration, which whoever reads it gets."""

    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Callable[[Any], str | None]:
        words: dict[str | None, str | None] = {None: None, **{word.value: word for word in self.words}}
        return words.__getitem__


class OrderedText(PlainText):
    """Text in the order of its letters, as SQLite has it anyway, whatever language a PostgreSQL server sorts by."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        return Text(collation="C") if dialect.name == "postgresql" else dialect.type_descriptor(Text())


def mended(text: str) -> str:
    """The text as a PlainText column keeps it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")


def spelt_out(word: StrEnum) -> ColumnClause[str]:
    """The word as part of a statement that is asked on every page, and no parameter to be filled in each time."""
    return literal_column(f"'{word.value}'")


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    """Only the words of the enumeration; a new word needs a migration."""
    listed = ", ".join(str(spelt_out(word)) for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def is_hash(column: str) -> CheckConstraint:
    """Whatever else is put in by mistake, a clear secret does not fit."""
    return CheckConstraint(f"length({column}) = 64", name=column)
