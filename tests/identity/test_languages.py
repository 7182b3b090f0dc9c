"""Which language a customer reads, and that no catalogue can harm a page."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import write_po
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import i18n, translations
from portal.domain.people import Customer, Identity

OFFERED = ("en", "sv", "de", "pl")
NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
Words = dict[str | tuple[str, str], str | tuple[str, str]]
WORDS: Words = {
    "Connect a device": "Anslut en enhet & <3",
    "Hello %(name)s": "Hej %(name)s & välkommen",
    ("%(num)s device", "%(num)s devices"): ("%(num)s enhet <1>", "%(num)s enheter <2>"),
    "today %(time)s": "i dag %(time)s",
    "yesterday %(time)s": "i går %(time)s",
}
Make = Callable[..., FlaskClient]


def customer(language: str | None = None, locale: str | None = None) -> Customer:
    return Customer("id", Identity("https://issuer.example", "anna", locale=locale), language, NOON)


def write_catalogue(folder: Path, words: Words, language: str = "sv") -> Path:
    catalogue = Catalog(locale=language)
    for message, translation in words.items():
        catalogue.add(message, translation)
    target = folder / language / "LC_MESSAGES"
    target.mkdir(parents=True, exist_ok=True)
    with (target / "messages.po").open("wb") as file:
        write_po(file, catalogue)
    with (target / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)
    return target


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """An application with one page that shows a template in the visitor's language."""

    def made(
        template: str = "{{ language() }}",
        viewer: Customer | None = None,
        *,
        pseudo: bool = False,
        market: str = "SE",
        **context: object,
    ) -> FlaskClient:
        write_catalogue(tmp_path, WORDS)
        app = Flask(__name__)
        app.config["SECRET_KEY"] = "a-key-for-these-tests"
        i18n.init_app(
            app,
            languages=("en", "sv"),
            default="en",
            time_zone="Europe/Stockholm",
            market=market,
            viewer=lambda: viewer,
            clock=lambda: NOON,
            pseudo=pseudo,
            folder=tmp_path,
        )

        @app.get("/")
        def page() -> str:
            return render_template_string(template, language=i18n.current_language, **context)

        @app.post("/choose/<language>")
        def choose(language: str) -> str:
            return f"{i18n.choose(language)} {i18n.current_language()}"

        return app.test_client()

    return made


SWEDISH = {"Accept-Language": "sv-SE,sv;q=0.9"}


@pytest.mark.parametrize(
    ("explicit", "stored", "locale", "accepted", "expected"),
    [
        ("pl", "de", "sv-SE", "en", "pl"),
        (None, "de", "sv-SE", "en", "de"),
        (None, None, "sv-SE", "de", "sv"),
        (None, None, None, "de", "de"),
        (None, None, None, "", "en"),
        ("fr", "de", None, "", "de"),  # no longer on offer
        ("sv-SE", None, None, "", "en"),  # the menu offers no such thing
        (None, "xx", "fr-FR", "hu, et", "en"),
        (None, None, "pl_PL", "", "pl"),
        (None, None, "SV", "", "sv"),
        (None, None, "", "", "en"),
        (None, None, None, "sv-FI", "sv"),
        (None, None, None, "de-CH-1996, en;q=0.5", "de"),
        (None, None, None, "pl_PL", "pl"),
        (None, None, None, "hu, pl;q=0.3, de;q=0.7", "de"),
        (None, None, None, "*", "en"),
        (None, None, None, "fr, *;q=0.5", "en"),
        (None, None, None, "de;q=0, sv;q=0.1", "sv"),
        (None, None, None, "de;q=banana", "en"),
        (None, None, None, "../../../etc/passwd", "en"),
        (None, None, None, ";;;,,,===", "en"),
    ],
)
def test_the_order_of_choice(
    explicit: str | None, stored: str | None, locale: str | None, accepted: str, expected: str
) -> None:
    chosen = i18n.chosen_language(
        OFFERED, "en", explicit=explicit, stored=stored, locale=locale, accept_language=accepted
    )
    assert chosen == expected


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300), st.text(max_size=40))
def test_whatever_strangers_send_the_language_is_one_on_offer(accepted: str, locale: str) -> None:
    assert i18n.chosen_language(OFFERED, "sv", locale=locale, accept_language=accepted) in OFFERED


def test_an_endless_header_is_read_to_its_two_hundredth_letter() -> None:
    header = "xx-" + "y" * 8000 + ", de"
    assert i18n.chosen_language(OFFERED, "en", accept_language=header) == "en"
    assert i18n.chosen_language(OFFERED, "en", accept_language="de, " + "x" * 8000) == "de"


def test_a_browser_that_asks_for_swedish_reads_swedish(make: Make) -> None:
    assert make().get("/", headers=SWEDISH).text == "sv"


def test_a_customer_reads_their_own_choice_on_any_browser(make: Make) -> None:
    assert make(viewer=customer(language="en")).get("/", headers=SWEDISH).text == "en"


def test_the_issuers_locale_comes_before_the_browsers(make: Make) -> None:
    assert make(viewer=customer(locale="sv-SE")).get("/", headers={"Accept-Language": "en"}).text == "sv"


def test_a_choice_holds_at_once_and_from_then_on(make: Make) -> None:
    client = make(viewer=customer(language="en"))
    assert client.post("/choose/sv").text == "True sv"
    assert client.get("/").text == "sv"


@pytest.mark.parametrize("language", ["de", "xx", "..", "sv-SE"])
def test_a_language_that_is_not_on_offer_cannot_be_chosen(make: Make, language: str) -> None:
    client = make()
    assert client.post(f"/choose/{language}").text == "False en"
    assert client.get("/", query_string={"lang": language}).text == "en"


def test_a_link_may_name_the_language_of_the_first_page(make: Make) -> None:
    client = make()
    assert client.get("/?lang=sv").text == "sv"
    assert client.get("/").text == "sv"


def test_the_words_of_a_catalogue_never_become_markup(make: Make) -> None:
    hello = "{{ _('Hello %(name)s', name=name) }}"
    template = "|".join(("{{ _('Connect a device') }}", hello, "{{ lazy }}", hello.replace("=name", "=lazy")))
    client = make(template, name="<b>Anna</b>", lazy=i18n.lazy_gettext("Connect a device"))
    once = "Anslut en enhet &amp; &lt;3"
    anna = "Hej &lt;b&gt;Anna&lt;/b&gt; &amp; välkommen"
    assert client.get("/", headers=SWEDISH).text == f"{once}|{anna}|{once}|Hej {once} &amp; välkommen"


def test_plural_words_are_escaped_and_counted(make: Make) -> None:
    template = "{{ ngettext('%(num)s device', '%(num)s devices', 1) }}|{{ lazy }}"
    lazy = i18n.lazy_ngettext("%(num)s device", "%(num)s devices", 3)
    client = make(template, lazy=lazy)
    assert client.get("/", headers=SWEDISH).text == "1 enhet &lt;1&gt;|3 enheter &lt;2&gt;"


def test_lazy_words_are_plain_text_outside_a_page(make: Make) -> None:
    client = make("{{ text() }}", text=lambda: len(str(i18n.lazy_gettext("Connect a device"))))
    assert client.get("/", headers=SWEDISH).text == str(len("Anslut en enhet & <3"))


def test_the_pseudo_language_brackets_every_translated_word(make: Make) -> None:
    template = "{{ _('Hello %(name)s', name='Anna') }} bare {{ lazy }}"
    client = make(template, pseudo=True, lazy=i18n.lazy_gettext("Connect a device"))
    assert client.get("/").text == "[Hélló Anna] bare [Çóññéçt á dévíçé]"


@pytest.mark.parametrize(
    ("ago", "language", "expected"),
    [
        (timedelta(hours=1), "sv", "i dag 11:00"),
        (timedelta(hours=12), "sv", "i dag 00:00"),
        (timedelta(hours=12, minutes=1), "sv", "i går 23:59"),
        (timedelta(days=3), "sv", "18 november 2026"),
        (timedelta(days=200), "en", "5 May 2026"),
        (timedelta(hours=-1), "en", "today 13:00"),
    ],
)
def test_times_are_told_in_the_retailers_zone(make: Make, ago: timedelta, language: str, expected: str) -> None:
    client = make("{{ when|moment }}", when=NOON - ago)
    assert client.get("/", headers={"Accept-Language": language}).text == expected


@pytest.mark.parametrize(
    ("market", "today", "long_ago", "exactly"),
    [
        ("SE", "today 13:00", "5 May 2026", "21 Nov 2026, 13:00:00"),
        ("NL", "today 13:00", "5 May 2026", "21 Nov 2026, 13:00:00"),
        ("US", "today 1:00\u202fPM", "May 5, 2026", "Nov 21, 2026, 1:00:00\u202fPM"),
    ],
)
def test_english_dates_and_times_are_those_of_the_market(
    make: Make, market: str, today: str, long_ago: str, exactly: str
) -> None:
    later = NOON + timedelta(hours=1)
    template = "{{ later|moment }} / {{ old|moment }} / {{ later|exact }}"
    client = make(template, market=market, later=later, old=NOON - timedelta(days=200))
    assert client.get("/", headers={"Accept-Language": "en"}).text == f"{today} / {long_ago} / {exactly}"


def test_a_language_is_called_by_the_readers_word_for_it(make: Make) -> None:
    client = make("{{ name('en') }}", name=i18n.name_of)
    assert client.get("/", headers=SWEDISH).text == "engelska"


def test_a_portal_does_not_start_without_its_catalogues(tmp_path: Path) -> None:
    assert translations.catalogue_faults(("en",), tmp_path) == ()
    assert "make strings" in translations.catalogue_faults(("en", "sv"), tmp_path)[0]
    folder = write_catalogue(tmp_path, WORDS)
    assert translations.catalogue_faults(("en", "sv"), tmp_path) == ()
    compiled = folder / "messages.mo"
    os.utime(compiled, (1, 1))
    assert "make setup" in translations.catalogue_faults(("sv",), tmp_path)[0]
    compiled.unlink()
    assert "make setup" in translations.catalogue_faults(("sv",), tmp_path)[0]


@pytest.mark.parametrize(
    "translation", ["<script>x</script>", "a &amp; b", "<!-- x", "%(other)s", "%(name)d%", "100 %", "%s"]
)
def test_a_poisoned_catalogue_does_not_start(tmp_path: Path, translation: str) -> None:
    write_catalogue(tmp_path, {"Hello %(name)s": translation})
    with pytest.raises(translations.CatalogueError, match="Hello"):
        i18n.init_app(
            Flask(__name__),
            languages=("sv",),
            default="sv",
            market="SE",
            time_zone="UTC",
            viewer=lambda: None,
            clock=lambda: NOON,
            folder=tmp_path,
        )
