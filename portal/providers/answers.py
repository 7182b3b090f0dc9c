"""What providers answer, read with suspicion: strict JSON, and fields that may be missing or of any type."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DEEPEST = 32
LONGEST_TEXT = 200
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class JsonRefused(ValueError):
    """Not the JSON we accept: UTF-8 without BOM, finite numbers, no name twice, not too deep."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. `text` is its beginning, for reading error words in; it is never shown or logged.

    `may_be_done`: a failure that does not tell whether what was asked for has been done.
    """

    status: int
    body: object = field(default=None, repr=False)
    retry_after: float | None = None
    text: str = field(default="", repr=False)
    may_be_done: bool = False

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def read_json(raw: bytes, *, deepest: int = DEEPEST) -> object:
    """The document. Raises JsonRefused."""
    try:
        document: object = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refused, parse_float=_finite
        )
    except (ValueError, RecursionError):
        raise JsonRefused from None
    if _is_deeper(document, deepest):
        raise JsonRefused
    return document


def members(value: object) -> Mapping[str, object]:
    """The object, or an empty one where there is none."""
    return value if isinstance(value, dict) else {}


def elements(value: object) -> list[object]:
    """The array, or an empty one where there is none."""
    return value if isinstance(value, list) else []


def text(value: object, *, longest: int = LONGEST_TEXT) -> str | None:
    """One printable line, cut where it is too long; None for anything else and for nothing."""
    if not isinstance(value, str):
        return None
    printable = "".join(letter if letter.isprintable() else " " for letter in value[: longest * 4])
    return " ".join(printable.split())[:longest].strip() or None


def uuid(value: object) -> str | None:
    """A uuid in its canonical form."""
    if not isinstance(value, str):
        return None
    lowered = value.lower()
    return lowered if UUID.fullmatch(lowered) else None


def moment(value: object) -> datetime | None:
    """An ISO 8601 time, taken as UTC where it names no zone."""
    if not isinstance(value, str):
        return None
    try:
        stated = datetime.fromisoformat(value)
        return (stated if stated.tzinfo else stated.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def unix_moment(value: object) -> datetime | None:
    """Unix seconds, whole and of our age."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**32:
        return None
    return datetime.fromtimestamp(value, UTC)


def seconds_asked(value: str | None) -> float | None:
    """The seconds a Retry-After header asks for, in either of its spellings."""
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) < 9:
        return float(value)
    try:
        stated = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    until = stated if stated.tzinfo else stated.replace(tzinfo=UTC)
    return max((until - datetime.now(UTC)).total_seconds(), 0.0)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise JsonRefused
    return dict(pairs)


def _refused(_constant: str) -> object:
    raise JsonRefused


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise JsonRefused
    return number


def _is_deeper(document: object, deepest: int) -> bool:
    level = [document]
    for _ in range(deepest + 1):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
