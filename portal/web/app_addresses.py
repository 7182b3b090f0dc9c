"""Where the retailer's app is opened: only ever an address that is registered in the settings."""

from dataclasses import dataclass
from urllib.parse import urlencode

from portal.web.wiring import portal


@dataclass(frozen=True, slots=True)
class Address:
    """Where the app is opened: a link that is its own, and one by its own scheme, if it has one."""

    link: str
    fallback: str | None


def address_of(app_link: str | None, **words: str) -> Address | None:
    """The registered way back to the app, with these words on it; None for one that is not registered."""
    app = portal().app
    registered = app.links.get(app_link) if app and app_link else None
    if registered is None:
        return None
    query = f"?{urlencode(words)}" if words else ""
    fallback = f"{registered.scheme}:/back{query}" if registered.scheme else None
    return Address(f"{registered.url}{query}", fallback)
