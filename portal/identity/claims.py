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
    """What the issuer calls what we read; None where it says nothing of it. `claim_at` tells how a name is read."""

    price_zone: str | None = None
    number: str | None = None
    email: str = "email"
    name: str = "name"


def read_identity(told: Mapping[str, Any], issuer: str, names: ClaimNames) -> Identity:
    """A person from verified claims; a claim that makes no sense is as good as none."""
    given_and_family = " ".join(filter(None, (line(told.get("given_name")), line(told.get("family_name")))))
    email = matching(EMAIL, _first(claim_at(told, names.email))) if _may_be_theirs(told) else None
    return Identity(
        issuer=issuer,
        subject=told["sub"],
        email=email,
        name=line(claim_at(told, names.name)) or given_and_family or None,
        locale=matching(LOCALE, told.get("locale")),
        price_zone=matching(PRICE_ZONE, claim_at(told, names.price_zone)) if names.price_zone else None,
        number=line(claim_at(told, names.number)) if names.number else None,
    )


def claim_at(claims: Mapping[str, Any], name: str) -> object:
    """The claim of this name; else what the dots in it lead to: `realm_access.roles` is `roles` in `realm_access`.

    A name may hold dots itself (`https://portal.example/roles`, or a client id on the way), so the longest one that is
    there is followed first. None where nothing is.
    """
    if name in claims:
        return claims[name]
    for end in range(len(name) - 1, 0, -1):
        inner = claims.get(name[:end]) if name[end] == "." else None
        found = claim_at(inner, name[end + 1 :]) if isinstance(inner, Mapping) else None
        if found is not None:
            return found
    return None


def _first(value: object) -> object:
    """The first of a list: Azure AD B2C lists addresses (`emails`) where others write one."""
    return (value[0] if value else None) if isinstance(value, list) else value


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
