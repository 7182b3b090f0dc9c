"""Reference numbers that customers read out to support on the telephone: eight characters in two groups."""

import hashlib

ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
"""No letters that read like digits and no vowels, so that no number spells a word."""

LENGTH = 8


def spelled(octets: bytes) -> str:
    """The number for eight random or hashed octets."""
    digits = "".join(ALPHABET[octet % len(ALPHABET)] for octet in octets[:LENGTH])
    return f"{digits[:4]}-{digits[4:]}"


def reference_of(attempt_id: str) -> str:
    """The number of an attempt. It follows from the id, and the id does not follow from it."""
    return spelled(hashlib.sha256(b"reference " + attempt_id.encode()).digest())


def as_typed(text: str) -> str | None:
    """The number that somebody typed, in any case and with any spaces or dashes; None for anything else."""
    digits = "".join(letter for letter in text.upper() if letter.isalnum())
    if len(digits) != LENGTH or any(letter not in ALPHABET for letter in digits):
        return None
    return f"{digits[:4]}-{digits[4:]}"
