"""Translated words, now, as plain text; days and lists in the customer's language."""

from collections.abc import Sequence
from datetime import datetime

import flask_babel
from babel.lists import format_list

from portal.i18n import current_language, gettext, ngettext

__all__ = ["day_of", "gettext", "listed", "ngettext"]


def day_of(when: datetime) -> str:
    """The day, in the retailer's time zone."""
    return str(flask_babel.format_date(when, "long"))


def listed(names: Sequence[str]) -> str:
    """Names as one reads them out: "one, two and three"."""
    return format_list(names, locale=current_language())
