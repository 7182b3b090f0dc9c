"""The one list of languages, the order in which one is chosen, and words and times in it.

Order of choice, each only where the retailer offers that language:
1. what this browser chose in the language menu, or by `?lang=`;
2. what the customer chose before, on any browser;
3. the locale that the OpenID issuer gives of the customer;
4. the browser's Accept-Language;
5. the retailer's default.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import flask_babel
from babel import Locale
from babel.dates import format_date, format_datetime
from babel.support import NullTranslations
from flask import Flask, current_app, g, request, session
from flask_babel import Babel
from flask_babel.speaklater import LazyString
from markupsafe import Markup, escape
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from portal.domain.people import Customer
from portal.regions import clock_time, locale_of
from portal.translations import TRANSLATIONS, CatalogueError, PseudoTranslations, catalogue_faults

LANGUAGES = {
    "en": "English",
    "sv": "Svenska",
    "de": "Deutsch",
    "hu": "Magyar",
    "it": "Italiano",
    "et": "Eesti",
    "pl": "Polski",
    "ro": "Română",
    "nl": "Nederlands",
    "fr": "Français",
    "es": "Español",
}
"""Every language the portal speaks, with its own name. English is the language of the source."""

LONGEST_HEADER = 200
CHOICE = "language"
escaped = lru_cache(maxsize=10_000)(escape)


@dataclass(frozen=True, slots=True)
class Voice:
    """A language and the words in it."""

    language: str
    words: NullTranslations


@dataclass(frozen=True, slots=True)
class Speech:
    """How one installation speaks; `voices` are those in which it has spoken."""

    languages: tuple[str, ...]
    default: str
    time_zone: ZoneInfo
    market: str
    viewer: Callable[[], Customer | None]
    chosen: Callable[[], str | None]
    clock: Callable[[], datetime]
    pseudo: bool
    voices: dict[str, Voice] = field(default_factory=dict)


SOURCE = Voice("en", NullTranslations())
"""Outside a request words stay as they are in the source."""


def init_app(
    app: Flask,
    *,
    languages: Sequence[str],
    default: str,
    time_zone: str,
    market: str,
    viewer: Callable[[], Customer | None],
    clock: Callable[[], datetime],
    chosen: Callable[[], str | None] | None = None,
    pseudo: bool = False,
    folder: Path = TRANSLATIONS,
) -> None:
    """Teach an application its languages. Raises CatalogueError; `pseudo` brackets every translated word, for tests."""
    if faults := catalogue_faults(languages, folder):
        raise CatalogueError(faults)
    app.extensions["portal.i18n"] = Speech(
        tuple(languages), default, ZoneInfo(time_zone), market, viewer, chosen or own_choice, clock, pseudo
    )
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(folder)
    babel = Babel(configure_jinja=False)
    babel.init_app(app, default_locale=default, default_timezone=time_zone, locale_selector=_choose)
    app.jinja_env.globals.update(_=_words, ngettext=_words_for)
    app.jinja_env.filters.update(moment=moment, exact=exact)
    app.before_request(_take_choice_from_query)


def chosen_language(
    languages: Sequence[str],
    default: str,
    *,
    explicit: str | None = None,
    stored: str | None = None,
    locale: str | None = None,
    accept_language: str = "",
) -> str:
    """The language to speak, in the order of choice above: one of `languages`, whatever strangers send."""
    for choice in (explicit, stored, primary(locale)):
        if choice in languages:
            return str(choice)
    for tag, quality in parse_accept_header(accept_language[:LONGEST_HEADER], LanguageAccept):
        if quality > 0 and (tag == "*" or primary(tag) in languages):
            return default if tag == "*" else str(primary(tag))
    return default


def language_of(customer: Customer) -> str:
    """The language in which to write to a customer who is not here."""
    speech = _speech()
    return chosen_language(speech.languages, speech.default, stored=customer.language, locale=customer.identity.locale)


def enabled_languages() -> tuple[tuple[str, str], ...]:
    """The languages on offer with their own names, in the order of the menu."""
    return tuple((code, LANGUAGES[code]) for code in _speech().languages)


def current_language() -> str:
    """The language of this request."""
    return _voice().language


def name_of(language: str) -> str:
    """What this request's language calls another: "engelska" for `en` on a Swedish page."""
    return Locale.parse(language).get_language_name(current_language()) or LANGUAGES[language]


def choose(language: str) -> bool:
    """Keep this browser's explicit choice; False, and nothing kept, where the language is not on offer."""
    if language not in _speech().languages:
        return False
    session[CHOICE] = language
    flask_babel.refresh()
    g.pop("voice", None)
    return True


def browsers_language() -> str:
    """The language of this browser, whoever is looked at with it: its choice, else what it asks for."""
    speech, asked = _speech(), request.headers.get("Accept-Language", "")
    return chosen_language(speech.languages, speech.default, explicit=own_choice(), accept_language=asked)


def own_choice() -> str | None:
    """What this browser chose."""
    return session.get(CHOICE)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """For a while in another language, as for words to one person on the page of another."""
    before = _voice()
    g.voice = _voice_in(language)
    with flask_babel.force_locale(language):
        try:
            yield
        finally:
            g.voice = before


def gettext(message: str, **variables: object) -> str:
    """A message in the language of this request, as plain text."""
    text = str(_voice().words.ugettext(message))
    return text % variables if variables else text


def ngettext(one: str, many: str, num: int, **variables: object) -> str:
    """The message for that many, in the language of this request, as plain text."""
    return str(_voice().words.ungettext(one, many, num)) % {"num": num, **variables}


def moment(when: datetime) -> str:
    """A time as customers read it, in the retailer's time zone: "today 13:42", "yesterday 13:42" or a date."""
    speech = _speech()
    day, today = when.astimezone(speech.time_zone).date(), speech.clock().astimezone(speech.time_zone).date()
    if day == today:
        return gettext("today %(time)s", time=time_of_day(when))
    if day == today - timedelta(days=1):
        return gettext("yesterday %(time)s", time=time_of_day(when))
    return format_date(day, "long", locale=_region())


def time_of_day(when: datetime) -> str:
    """The hour and minute, in the retailer's time zone."""
    local = when.astimezone(_speech().time_zone)
    return clock_time(local.hour, local.minute, _region())


def exact(when: datetime) -> str:
    """A time to the second, for whoever compares, in the retailer's time zone."""
    return format_datetime(when.astimezone(_speech().time_zone), "medium", locale=_region())


def beginning_of(day: date) -> datetime:
    """The moment at which a day begins in the retailer's time zone."""
    return datetime.combine(day, time(), _speech().time_zone)


def _region() -> str:
    return locale_of(current_language(), _speech().market)


class LazyWords(LazyString):  # type: ignore[misc]  # Flask-Babel has no types
    """Words that are translated when they are shown; a template escapes them like any other text."""

    def __html__(self) -> Markup:
        return escape(str(self))


def lazy_gettext(message: str, **variables: object) -> LazyWords:
    return LazyWords(gettext, message, **variables)


def lazy_ngettext(one: str, many: str, num: int, **variables: object) -> LazyWords:
    return LazyWords(ngettext, one, many, num, **variables)


def _choose() -> str:
    """The language of this request, asked once per request by Flask-Babel."""
    speech, customer = _speech(), _speech().viewer()
    return chosen_language(
        speech.languages,
        speech.default,
        explicit=speech.chosen(),
        stored=customer.language if customer else None,
        locale=customer.identity.locale if customer else None,
        accept_language=request.headers.get("Accept-Language", ""),
    )


def _take_choice_from_query() -> None:
    if request.method == "GET" and "lang" in request.args:
        choose(request.args["lang"])


def primary(tag: str | None) -> str | None:
    """The language of a locale such as `sv-SE` or `pl_PL`."""
    return re.split("[-_]", tag, maxsplit=1)[0].lower() if tag else None


def _words(message: str, **variables: object) -> Markup:
    """A message for a template: its words are escaped, and so is what is filled in."""
    words = escaped(_voice().words.ugettext(message))
    return words % variables if variables or "%" in words else words


def _words_for(one: str, many: str, num: int, **variables: object) -> Markup:
    """The message for that many, for a template."""
    return escape(_voice().words.ungettext(one, many, num)) % {"num": num, **variables}


def _voice() -> Voice:
    """Found once per request. A page asks for dozens of words, so this goes past the proxy, which costs more."""
    try:
        here = g._get_current_object()  # noqa: SLF001 - as Werkzeug's documentation says
    except RuntimeError:
        return SOURCE
    voice: Voice | None = here.get("voice")
    if voice is None:
        voice = here.voice = _voice_in(_choose())
    return voice


def _voice_in(language: str) -> Voice:
    """Looked up in the catalogues once."""
    speech = _speech()
    voice = speech.voices.get(language)
    if voice is None:
        with flask_babel.force_locale(language):
            words = PseudoTranslations() if speech.pseudo else flask_babel.get_translations()
        voice = speech.voices[language] = Voice(language, words)
    return voice


def _speech() -> Speech:
    speech: Speech = current_app.extensions["portal.i18n"]
    return speech
