"""The words of the hosted pages, one table a language."""

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

TEXTS_FILE = Path(__file__).with_name("texts.toml")


@cache
def all_texts() -> dict[str, dict[str, str]]:
    """Every language's table; English fills what a provider does not serve in a language."""
    with TEXTS_FILE.open("rb") as file:
        tables: dict[str, dict[str, str]] = tomllib.load(file)
    return {language: {**tables["en"], **table} for language, table in tables.items()}


def first_known(wanted: Iterable[str], languages: Iterable[str]) -> str:
    """The first wanted language (`sv-SE` counts as `sv`) that is on offer, else English."""
    offered = set(languages)
    plain = (tag.replace("_", "-").partition("-")[0].lower() for tag in wanted)
    return next((language for language in plain if language in offered), "en")
