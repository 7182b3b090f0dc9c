"""The catalogues of words: where they lie, and what must not be wrong with them."""

import re
from collections.abc import Sequence
from pathlib import Path

from babel.messages.mofile import read_mo
from babel.support import NullTranslations

TRANSLATIONS = Path(__file__).parent.parent / "translations"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")
ACCENTED = str.maketrans("aceinouyACEINOUY", "áçéíñóúýÁÇÉÍÑÓÚÝ")


class CatalogueError(Exception):
    """The catalogues cannot be used as they are. `faults` are all that is wrong."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("the catalogues do not hold:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = tuple(faults)


def catalogue_faults(languages: Sequence[str], folder: Path = TRANSLATIONS) -> tuple[str, ...]:
    """Why these languages cannot be spoken. English needs no catalogue: it is the language of the source."""
    faults: list[str] = []
    for language in languages:
        words = folder / language / "LC_MESSAGES" / "messages.po"
        compiled = words.with_suffix(".mo")
        if not words.exists():
            faults += [] if language == "en" else [f"{language}: there is no catalogue; run `make strings`"]
        elif not compiled.exists() or compiled.stat().st_mtime < words.stat().st_mtime:
            faults.append(f"{language}: the catalogue is not compiled since its last change; run `make setup`")
        else:
            faults += [f"{language}: {fault}" for fault in _dangerous(compiled)]
    return tuple(faults)


def placeholders(text: str) -> set[str]:
    """What the source fills in, such as `%(name)s`."""
    return {found.group() for found in PLACEHOLDER.finditer(text)} - {"%%"}


def _dangerous(compiled: Path) -> list[str]:
    """Messages that would break a page: markup, or placeholders that the source does not fill."""
    faults = []
    with compiled.open("rb") as file:
        catalogue = read_mo(file)
    for message in catalogue:
        if not message.id:
            continue
        sources = message.id if isinstance(message.id, tuple | list) else (message.id,)
        forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
        filled = placeholders(" ".join(sources))
        for form in (form or "" for form in forms):
            if not placeholders(form) <= filled or "%" in PLACEHOLDER.sub("", form):
                faults.append(f"{sources[0]!r} is translated with a placeholder that is not in it")
            if re.search(r"<[a-zA-Z/!]|&[#a-zA-Z]", form):
                faults.append(f"{sources[0]!r} is translated with markup")
    return faults


def bracketed(text: str) -> str:
    """Text in a made-up language, to be seen at a glance; placeholders stay as they are."""
    parts = enumerate(re.split(r"(%\(\w+\)[sd]|%%)", text))
    return f"[{''.join(part if index % 2 else part.translate(ACCENTED) for index, part in parts)}]"


class PseudoTranslations(NullTranslations):
    """Every message bracketed: what stays bare on a page was never marked for translation."""

    def ugettext(self, message: str) -> str:
        return bracketed(message)

    def ungettext(self, one: str, many: str, count: int) -> str:
        return bracketed(one if count == 1 else many)
