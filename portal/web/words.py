"""Translated words, now, as plain text: Flask-Babel's calls with their types."""

import flask_babel


def gettext(message: str, **names: object) -> str:
    return str(flask_babel.gettext(message, **names))


def ngettext(one: str, many: str, num: int, **names: object) -> str:
    return str(flask_babel.ngettext(one, many, num, **names))
