"""How a market writes dates and times in a language."""

from datetime import time
from functools import lru_cache

from babel.dates import format_time

ENGLISH = {"US": "en_US", "CA": "en_CA", "AU": "en_AU", "NZ": "en_NZ"}
"""The markets whose English dates and times are not the British ones."""


def locale_of(language: str, market: str) -> str:
    """The locale for dates and times. English is British, with 24 hours, unless the market has its own."""
    return ENGLISH.get(market, "en_GB") if language == "en" else language


@lru_cache(maxsize=2000)
def clock_time(hour: int, minute: int, locale: str) -> str:
    """A time of day, to the minute."""
    return format_time(time(hour, minute), "short", locale=locale)
