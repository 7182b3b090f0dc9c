"""A letter to a customer: an e-mail with its words made up, in their language."""

import re
from dataclasses import dataclass

PART = r"[^@\s<>,;:()\[\]\\\"\x00-\x1f]+"
ADDRESS = re.compile(rf"{PART}@{PART}\.{PART}")


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail. `html` says the same as `text`."""

    to: str
    language: str
    subject: str
    text: str
    html: str


def is_address(text: str | None) -> bool:
    """Whether this is one address, and nothing that a mail server could take for several or for a header."""
    return text is not None and ADDRESS.fullmatch(text) is not None
