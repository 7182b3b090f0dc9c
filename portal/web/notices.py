"""A word that an act leaves for the next page: a code, so that it is said in the language of then."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import session

KEY, NOT_SENT = "notice", "not_sent"


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened, and the names that belong to it."""

    code: str
    names: Mapping[str, str]


def leave(code: str, **names: str) -> None:
    """Leaves a notice for the next page that asks."""
    session[KEY] = {"code": code, "names": names}


def take() -> Notice | None:
    """The notice that was left, once."""
    left = session.pop(KEY, None)
    return Notice(left["code"], left["names"]) if left else None


def leave_not_sent() -> None:
    """Leaves word for the next whole page, whichever it is, that a form was not taken in."""
    session[NOT_SENT] = True


def take_not_sent() -> bool:
    """Whether a form was not taken in just now; said once."""
    return bool(session.pop(NOT_SENT, False))
