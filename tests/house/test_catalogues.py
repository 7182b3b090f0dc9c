"""Eleven catalogues that are complete, that cannot break or deceive a page, and that speak the glossary's words."""

from __future__ import annotations

import gettext
import re
import unicodedata
from collections.abc import Iterator
from functools import cache

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message

from portal.i18n import LANGUAGES
from portal.translations import PLACEHOLDER, placeholders
from tests.support.house import ROOT
from tools import strings

COUNT = {"%(num)d", "%(num)s"}
SOURCE = "en"
ENDS = {".": ".", "…": "…", "?": "?", "!": "!", ":": ":"}
MARKUP = re.compile(r"<[^>]*>|<[a-zA-Z/!]|&[#a-zA-Z][\w]*;")
ADDRESS = re.compile(r"\bhttps?:|\bwww\.|\b[\w.]+@[\w.]+|\bjavascript:", re.I)
JOINING = {"\u00ad", "\u2011"}  # a soft hyphen and a hyphen that does not break are a translator's tools

# What must stand somewhere in a translation whose source speaks of the concept: stems, as languages inflect.
GLOSSARY = {
    "heat pump": "sv värmepump de wärmepump hu hőszivatty it pomp et soojuspum pl pomp ro pomp nl warmtepomp "
    "fr pompe es bomba",
    "manufacturer": "sv tillverkar de hersteller hu gyártó it produttor et tootja pl producen ro producător "
    "nl fabrikant fr fabricant es fabricante",
    "customer support": "sv kundtjänst de kundenservice hu ügyfélszolgálat it assistenza et kliendit "
    "pl obsłu ro asistenț nl klantenservice fr service es atención",
    "home battery": "sv hembatteri de heimspeicher hu akkumulátor it batteri et koduaku pl magazyn ro bateri "
    "nl thuisbatterij fr batterie es batería",
    "charging station": "sv laddbox de wallbox hu töltő it ricarica et laadimisjaam pl ładowania ro încărcare "
    "nl laadpa fr borne es punto",
}
# Where one verb could mean both signing in and connecting a device, it is kept for one of them.
NEVER = (
    (
        "fr",
        re.compile(r"\b(re)?connect", re.I),
        re.compile(r"sign(ed|ing)? (in|out)", re.I),
        re.compile(r"\bconnect", re.I),
    ),
    ("ro", re.compile(r"\bsign(ed|ing)? in", re.I), re.compile(r"connect", re.I), re.compile(r"conect", re.I)),
)


@cache
def source() -> Catalog:
    return strings.extract()


@cache
def catalogue_of(language: str) -> Catalog:
    """A catalogue as it is on disk; English may do without, being the language of the source."""
    if language == SOURCE and not strings.path_of(SOURCE).exists():
        spoken = Catalog(locale=SOURCE)
        for message in source():
            if message.id:
                spoken.add(message.id, message.id, context=message.context)
        return spoken
    return strings.read(language)


def forms_of(text: object) -> tuple[str, ...]:
    """A message or its translation as one or several forms; a missing form is empty."""
    several = text if isinstance(text, list | tuple) else (text,)
    return tuple(str(form or "") for form in several)


def translated(language: str) -> Iterator[tuple[Message, str]]:
    """Every message with each form of its translation; those that are still empty are another test's business."""
    for message in catalogue_of(language):
        for form in forms_of(message.string) if message.id else ():
            if form:
                yield message, form


def name_of(message: Message) -> str:
    return repr(forms_of(message.id)[0])


def plural_of(language: str) -> tuple[int, str]:
    return catalogue_of(language).num_plurals, catalogue_of(language).plural_expr


def told(faults: list[str]) -> str:
    return "\n" + "\n".join(faults)


every_language = pytest.mark.parametrize("language", LANGUAGES)


@every_language
def test_every_word_in_use_is_translated(language: str) -> None:
    catalogue = catalogue_of(language)
    faults = []
    for message in source():
        if not message.id:
            continue
        found = catalogue.get(forms_of(message.id)[0], context=message.context)
        if found is None:
            faults.append(f"{name_of(message)} is not in the catalogue; run `make strings`")
            continue
        forms = forms_of(found.string)
        wanted = catalogue.num_plurals if message.pluralizable else 1
        if len(forms) != wanted or not all(form.strip() for form in forms):
            faults.append(f"{name_of(message)} has {len([f for f in forms if f.strip()])} of {wanted} forms")
        if found.fuzzy:
            faults.append(f"{name_of(message)} is only a guess (fuzzy)")
    assert not faults, told(faults)


@every_language
def test_every_number_gets_the_form_its_language_has_for_it(language: str) -> None:
    count, expression = plural_of(language)
    form_of = gettext.c2py(expression)
    category_of = Locale(language).plural_form
    pairs = {(category_of(number), form_of(number)) for number in range(201)}
    categories, forms = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    assert len(pairs) == len(categories) == len(forms), f"{expression} does not part numbers as the language does"
    assert count >= len(forms)


@every_language
def test_no_translation_holds_markup(language: str) -> None:
    faults = [f"{name_of(message)}: {form!r}" for message, form in translated(language) if MARKUP.search(form)]
    assert not faults, told(faults)


@every_language
def test_placeholders_are_the_sources(language: str) -> None:
    count, expression = plural_of(language)
    for_one = gettext.c2py(expression)(1)
    faults = []
    for message in catalogue_of(language):
        if not message.id:
            continue
        wanted = placeholders(" ".join(forms_of(message.id)))
        for index, form in enumerate(forms_of(message.string)):
            may_miss = COUNT if message.pluralizable and index == for_one and count > 1 else set()
            has = placeholders(form)
            if form and (has - wanted or wanted - has - may_miss or "%" in PLACEHOLDER.sub("", form)):
                faults.append(f"{name_of(message)} wants {sorted(wanted)}, the translation has {sorted(has)}: {form!r}")
    assert not faults, told(faults)


@every_language
def test_no_translation_holds_characters_that_cannot_be_seen(language: str) -> None:
    faults = [
        f"{name_of(message)} has U+{ord(letter):04X}"
        for message, form in translated(language)
        for letter in form
        if unicodedata.category(letter) in {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"} and letter not in JOINING
    ]
    assert not faults, told(faults)


@every_language
def test_no_translation_leads_anywhere_the_source_does_not(language: str) -> None:
    faults = [
        f"{name_of(message)} holds {sorted(addresses)}"
        for message, form in translated(language)
        if (addresses := set(ADDRESS.findall(form)) - set(ADDRESS.findall(" ".join(forms_of(message.id)))))
    ]
    assert not faults, told(faults)


@every_language
def test_a_translation_ends_and_begins_like_its_source(language: str) -> None:
    faults = []
    for message, form in translated(language):
        original = forms_of(message.id)[0]
        if ENDS.get(original[-1]) != ENDS.get(form[-1]):
            faults.append(f"{name_of(message)} and {form!r} end differently")
        if form != form.strip() and original == original.strip():
            faults.append(f"{form!r} has space around it")
    assert not faults, told(faults)


@every_language
def test_no_translation_repeats_a_word_or_a_space(language: str) -> None:
    doubled = re.compile(r"  |\b(\w{5,}) \1\b", re.I)
    faults = [f"{name_of(message)}: {form!r}" for message, form in translated(language) if doubled.search(form)]
    assert not faults, told(faults)


@every_language
def test_the_glossarys_words_are_used(language: str) -> None:
    faults = []
    for concept, stems in GLOSSARY.items():
        words = stems.split()
        stem = dict(zip(words[::2], words[1::2], strict=True)).get(language)
        for message, form in translated(language):
            said = " ".join(forms_of(message.id)).casefold()
            if stem and re.search(rf"\b{concept}", said) and stem not in form.casefold():
                faults.append(f"{name_of(message)} speaks of a {concept}; {form!r} lacks {stem!r}")
    assert not faults, told(faults)


@pytest.mark.parametrize(("language", "about", "unless", "never"), NEVER, ids=["fr", "ro"])
def test_one_verb_does_not_mean_two_things(
    language: str, about: re.Pattern[str], unless: re.Pattern[str], never: re.Pattern[str]
) -> None:
    faults = [
        f"{name_of(message)}: {form!r}"
        for message, form in translated(language)
        if about.search(said := " ".join(forms_of(message.id))) and not unless.search(said) and never.search(form)
    ]
    assert not faults, told(faults)


def test_the_source_itself_can_be_translated() -> None:
    forms = [form for message in source() if message.id for form in forms_of(message.id)]
    faults = [
        repr(form)
        for form in forms
        if MARKUP.search(form) or "%" in PLACEHOLDER.sub("", form) or form != form.strip() or "  " in form
    ]
    assert not faults, told(faults)


def test_lazy_words_are_those_that_a_page_escapes() -> None:
    # Flask-Babel's own lazy words call themselves safe HTML, whatever a translator wrote.
    imported = re.compile(r"from flask_babel import [^\n]*lazy_|flask_babel\.lazy_")
    users = [path for path in (ROOT / "portal").rglob("*.py") if imported.search(path.read_text(encoding="utf-8"))]
    assert not users, f"take lazy_gettext and its kin from portal.i18n in {[path.name for path in users]}"


def test_every_catalogue_is_of_a_language_on_the_one_list() -> None:
    assert set(strings.languages()) <= set(LANGUAGES)
