"""The pages in the customer's language, and no word left behind in another."""

import re
from collections.abc import Iterator

import pytest

from portal.sandbox.program import RunningSandbox
from tests.support.live import Installation, installation
from tests.web.conftest import ENGLISH
from tests.web.visitor import Visitor, good_page

SPOKEN = ["sv", "hu", "nl"]
NAMES = re.compile(
    r"Nordvind Energi|Anna|NIBE|\+46[ \d]+|[\d-]{4,}|[2-9A-Z]{4}-[2-9A-Z]{4}|\w+@\w+\.\w+|English|N|[•·,]"
)


@pytest.fixture(scope="module")
def multilingual(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('languages')}/portal.sqlite"
    with installation(web_sandbox, url, {"PORTAL_LANGUAGES": "en,sv,hu,nl", "PORTAL_DEFAULT_LANGUAGE": "en"}) as live:
        yield live


@pytest.fixture(scope="module")
def bracketed(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('bracketed')}/portal.sqlite"
    with installation(web_sandbox, url, ENGLISH, pseudo=True) as live:
        yield live


@pytest.mark.parametrize("language", SPOKEN)
def test_an_error_is_told_in_the_customers_language(multilingual: Installation, language: str) -> None:
    stranger = Visitor(multilingual.app, multilingual.url)
    headings = set()
    for method, path, status in (("GET", "/nothing-here", 404), ("POST", "/", 405), ("POST", "/language", 413)):
        data = b"x" * (256 * 1024 + 1) if status == 413 else b""
        answer = stranger.send(method, path, data=data, headers={"Accept-Language": language})
        headings.add(good_page(answer, status, language).heading)
    assert len(headings) == 3
    assert "This page does not exist" not in headings


@pytest.mark.parametrize("language", SPOKEN)
def test_a_choice_of_language_stays_and_leads_back_to_the_page(multilingual: Installation, language: str) -> None:
    anna = Visitor(multilingual.app, multilingual.url).sign_in(f"anna-{language}")
    answer = anna.post("/language", language=language, to="connect/heat-pump")
    assert answer.headers["Location"] == "/connect/heat-pump"
    assert anna.page("/connect/heat-pump", language=language).status == 200
    elsewhere = Visitor(multilingual.app, multilingual.url).sign_in(f"anna-{language}")
    assert elsewhere.page("/devices", language=language).status == 200


def test_a_language_we_do_not_speak_changes_nothing(multilingual: Installation) -> None:
    stranger = Visitor(multilingual.app, multilingual.url)
    for nonsense in ("tlh", "../../etc", "x" * 8000, ""):
        assert stranger.post("/language", language=nonsense, to="home").headers["Location"] == "/"
        assert stranger.page("/").status == 200


def test_a_first_page_can_be_asked_for_in_a_language(multilingual: Installation) -> None:
    stranger = Visitor(multilingual.app, multilingual.url)
    assert stranger.page("/?lang=hu", language="hu").status == 200
    assert stranger.page("/privacy", language="hu").status == 200


def test_a_customer_is_told_in_which_language_the_next_page_is(multilingual: Installation) -> None:
    anna = Visitor(multilingual.app, multilingual.url).sign_in("anna-next")
    anna.post("/language", language="nl", to="home")
    page = anna.page("/connect/vehicle/tesla", language="nl")
    assert "Engels" in page.text


@pytest.mark.parametrize("path", ["/", "/privacy", "/accessibility", "/return", "/sign-in/failed", "/nothing-here"])
def test_no_word_for_strangers_is_left_untranslated(bracketed: Installation, path: str) -> None:
    answer = Visitor(bracketed.app, bracketed.url).send("GET", path)
    assert bare_words(answer.text) == []


@pytest.mark.parametrize(
    "path",
    [
        "/devices",
        "/connect",
        "/connect/heat-pump?q=nibe",
        "/connect/heat-pump?q=zzzzzz",
        "/connect/heat-pump/not-listed",
        "/connect/heat-pump/not-listed/thanks",
        "/connect/heat-pump/nibe",
        "/connect/heat-pump/other",
        "/connect/heat-pump/unheard-of",
        "/link-sessions/absent",
    ],
)
def test_no_word_for_customers_is_left_untranslated(bracketed: Installation, path: str) -> None:
    answer = Visitor(bracketed.app, bracketed.url).sign_in("anna").send("GET", path)
    bare = bare_words(answer.text)
    if path == "/connect":
        bare = [text for text in bare if not is_list_of_vendors(text, bracketed)]
    assert bare == []


def bare_words(html: str) -> list[str]:
    """The texts of a page's body that no catalogue has touched."""
    body = re.sub(r"<head>.*?</head>|<svg.*?</svg>", "", html, flags=re.S)
    texts = [" ".join(text.split()) for text in re.split(r"<[^>]+>", body)]
    return [text for text in texts if text and not text.startswith("[") and not NAMES.fullmatch(text)]


def is_list_of_vendors(text: str, live: Installation) -> bool:
    known = {offer.vendor.name for offer in live.portal.ports.catalogue.offers}
    return all(name in known for name in text.split(", "))
