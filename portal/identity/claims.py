"""A person as verified claims describe them, whoever made the claims."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.domain.people import Identity

EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
LOCALE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{1,8}){0,4}")
PRICE_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{1,15}")
"""Any short word: what it means, a provider's own reader judges."""


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """The claims that are the retailer's own: what they are called, where there are any."""

    price_zone: str | None = None
    number: str | None = None


def read_identity(told: Mapping[str, Any], issuer: str, names: ClaimNames) -> Identity:
    """A person from verified claims; a claim that makes no sense is as good as none."""
    given_and_family = " ".join(filter(None, (line(told.get("given_name")), line(told.get("family_name")))))
    email = matching(EMAIL, told.get("email")) if _may_be_theirs(told) else None
    return Identity(
        issuer=issuer,
        subject=told["sub"],
        email=email,
        name=line(told.get("name")) or given_and_family or None,
        locale=matching(LOCALE, told.get("locale")),
        price_zone=matching(PRICE_ZONE, told.get(names.price_zone)) if names.price_zone else None,
        number=line(told.get(names.number)) if names.number else None,
    )


def _may_be_theirs(told: Mapping[str, Any]) -> bool:
    """Whether the issuer does not deny that the address is this person's. Cognito says it as text.

    Many issuers verify every address and say nothing of it, so silence is no denial; anything but "true" is.
    """
    if "email_verified" not in told:
        return True
    said = told["email_verified"]
    return said is True or (isinstance(said, str) and said.casefold() == "true")


def line(value: object) -> str | None:
    """One printable line of bearable length."""
    if not isinstance(value, str):
        return None
    spaced = "".join(" " if letter.isspace() else letter for letter in value)
    printable = "".join(letter for letter in spaced if letter.isprintable())
    return " ".join(printable.split())[:200].strip() or None


def matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and value.isprintable() and pattern.fullmatch(value) else None
