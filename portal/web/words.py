"""Translated words, now, as plain text."""

from portal.i18n import gettext, ngettext

__all__ = ["gettext", "ngettext"]
