"""The ids that stand in our URLs: random, opaque, and told apart from nobody else's."""

import secrets


def new_id() -> str:
    """A fresh id, safe in a URL. It never starts with a dash, which commands would take for an option."""
    while (fresh := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return fresh
