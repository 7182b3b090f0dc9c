"""A letter to a customer: an e-mail with its words made up, in their language."""

import re
from dataclasses import dataclass

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LOCAL = re.compile(rf"{ATOM}(?:\.{ATOM})*")
DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
LONGEST_LOCAL, LONGEST_DOMAIN = 64, 253


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail. `html` says the same as `text`."""

    to: str
    language: str
    subject: str
    text: str
    html: str


def is_address(text: str | None) -> bool:
    """Whether this is one address that can be written to, and nothing that a mail server could take for several."""
    return text is not None and deliverable(text) is not None


def deliverable(text: str) -> str | None:
    """The address as every mail server takes it (RFC 5321), a domain of any script as IDNA has it; None for no address.

    A local part beyond ASCII needs SMTPUTF8 on the whole way, which nobody can promise.
    """
    local, _, domain = text.rpartition("@")
    if len(local) > LONGEST_LOCAL or not LOCAL.fullmatch(local):
        return None
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    return f"{local}@{ascii_domain}" if len(ascii_domain) <= LONGEST_DOMAIN and DOMAIN.fullmatch(ascii_domain) else None
