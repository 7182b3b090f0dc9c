"""Where the portal is shown."""

from enum import StrEnum


class Surface(StrEnum):
    """What the pages are shown in."""

    BROWSER = "browser"


def surface() -> Surface:
    """The surface of this request."""
    return Surface.BROWSER
