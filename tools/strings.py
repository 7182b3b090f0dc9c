"""Collect the words of code and templates into the catalogues, or say where a catalogue is behind."""

from __future__ import annotations

import sys
from copy import deepcopy
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.plurals import PLURALS
from babel.messages.pofile import read_po, write_po
from jinja2 import TemplateSyntaxError

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "translations"
TEMPLATE = TRANSLATIONS / "messages.pot"
SOURCE_LANGUAGE = "en"
SOURCES = [
    ("portal/sandbox/**", "ignore"),  # a program of its own, with words of its own
    ("portal/**.py", "python"),
    ("templates/**.html", "jinja2"),
]
OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
    "lazy_npgettext": ((1, "c"), 2, 3),
}
PLURALS["hu"] = (2, "(n != 1)")  # Babel counts one form for Hungarian; gettext and CLDR count two
USAGE = "usage: strings.py update [new language ...] | strings.py check"


def main(arguments: list[str]) -> int:
    """Update the catalogues, or check them."""
    match arguments:
        case ["update", *new]:
            return update(new)
        case ["check"]:
            return check()
    print(USAGE, file=sys.stderr)
    return 2


def update(new_languages: list[str]) -> int:
    """Write the template and bring every catalogue to it; no guessed translations, no leftovers."""
    words = extract()
    write(TEMPLATE, words, language=None)
    for language in sorted({*languages(), *new_languages}):
        catalogue = read(language)
        catalogue.update(deepcopy(words), no_fuzzy_matching=True)  # or the catalogues would share messages
        if language == SOURCE_LANGUAGE:
            speak_source(catalogue)
        write(path_of(language), catalogue, language)
        empty = sum(1 for message in catalogue if message.id and not is_translated(message))
        print(f"strings: {language}: {len(catalogue)} messages, {empty} to translate")
    return 0


def check() -> int:
    """Compare the words in use with the template and with every catalogue."""
    wanted = keys(extract())
    found = {language: keys(read(language)) for language in languages()}
    found["the template"] = keys(read_file(TEMPLATE, None)) if TEMPLATE.exists() else set()
    faults = [f"{name} lacks {key}" for name, has in found.items() for key in sorted(wanted - has)]
    faults += [f"{name} still has {key}" for name, has in found.items() for key in sorted(has - wanted)]
    for fault in faults:
        print(f"strings: {fault}", file=sys.stderr)
    if faults:
        print("strings: `make strings` brings the catalogues up to date", file=sys.stderr)
    return 1 if faults else 0


def extract() -> Catalog:
    """Every word that code and templates ask a translation for."""
    words = Catalog()
    opened: list[str] = []
    found = extract_from_dir(
        ROOT,
        SOURCES,
        OPTIONS,
        KEYWORDS,
        comment_tags=("Translators:",),
        strip_comment_tags=True,
        callback=lambda name, _method, _options: opened.append(name),
    )
    try:
        for _, _, message, comments, context in found:
            words.add(message, auto_comments=comments, context=context)
    except TemplateSyntaxError as fault:
        raise SystemExit(f"strings: {opened[-1]}:{fault.lineno}: {fault.message}") from fault
    return words


def languages() -> list[str]:
    """The languages that have a catalogue."""
    return sorted(path.parts[-3] for path in TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"))


def path_of(language: str) -> Path:
    """Where a language's catalogue is."""
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """A language's catalogue, empty where it is new."""
    path = path_of(language)
    return read_file(path, language) if path.exists() else Catalog(locale=language)


def read_file(path: Path, language: str | None) -> Catalog:
    """A catalogue as it is on disk."""
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def keys(catalogue: Catalog) -> set[str]:
    """What tells a message from another, readable."""
    return {
        f"{message.id!r}" + (f" ({message.context})" if message.context else "") for message in catalogue if message.id
    }


def is_translated(message: Message) -> bool:
    """Whether every form has words."""
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(forms)


def speak_source(catalogue: Catalog) -> None:
    """The source language's translation is the message itself."""
    for message in catalogue:
        if message.id:
            message.string = tuple(message.id) if message.pluralizable else message.id


def write(path: Path, catalogue: Catalog, language: str | None) -> None:
    """Write a catalogue in an order and with a header that change only with its words."""
    header = ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
    if language:
        header = [f"Language: {language}", *header, f"Plural-Forms: {Catalog(locale=language).plural_forms}"]
    lines = ['msgid ""', 'msgstr ""', *(f'"{line}\\n"' for line in header)]
    body = BytesIO()
    write_po(body, catalogue, width=110, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + body.getvalue().strip(b"\n") + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
