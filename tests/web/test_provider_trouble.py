"""A provider that fails or is slow is announced before the customer leaves, in the customer's words."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.domain.provider_health import Bucket, bucket_start
from portal.journey.provider_health import HealthBook
from portal.sandbox.program import RunningSandbox
from portal.storage import provider_calls, tables
from portal.storage.ids import new_id
from tests.support.live import Installation, installation
from tests.web.visitor import Visitor

EASEE, NIBE, OTHER = "/connect/charger/easee", "/connect/heat-pump/nibe", "/connect/vehicle/other"
FAILING = {
    "en": "Easee cannot be reached right now. You can still try. We will keep your choice.",
    "sv": "Easee går inte att nå just nu. Du kan försöka ändå. Vi sparar ditt val.",
    "de": "Easee ist gerade nicht erreichbar. Sie können es trotzdem versuchen. Ihre Auswahl bleibt gespeichert.",
    "hu": "Most nem érhető el: Easee. Ettől még megpróbálhatja. A választását megőrizzük.",
}
SLOW = {
    "en": "Easee is slower than usual right now. It may take a little longer.",
    "sv": "Det går långsammare än vanligt hos Easee just nu. Det kan ta lite längre tid.",
    "de": "Easee antwortet gerade langsamer als sonst. Es kann etwas länger dauern.",
    "hu": "Most a szokásosnál lassabban válaszol: Easee. Kicsit tovább tarthat.",
}


@pytest.fixture(scope="module")
def multilingual(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('trouble')}/portal.sqlite"
    spoken = {"PORTAL_LANGUAGES": "en,sv,de,hu", "PORTAL_DEFAULT_LANGUAGE": "en"}
    with installation(web_sandbox, url, spoken) as live:
        yield live


@pytest.fixture
def live(multilingual: Installation) -> Installation:
    """Nobody has called a provider yet."""
    multilingual.forget()
    return multilingual


def had_trouble(live: Installation, provider_key: str, *, failures: int = 0, seconds: int = 1) -> None:
    """A minute ago a worker made three calls to this provider."""
    then = bucket_start(live.portal.clock() - timedelta(seconds=60))
    with live.database.write() as tx:
        provider_calls.add(tx, Bucket(provider_key, then, 3, failures, 3000 * seconds))


def is_well(live: Installation, provider_key: str) -> None:
    """A worker makes three calls that go well."""
    book = HealthBook(live.database, live.portal.clock)
    for _ in range(3):
        book.seen(provider_key, failed=False, milliseconds=100)
    book.flush()


def speaking(live: Installation, language: str) -> Visitor:
    customer = Visitor(live.app, live.url).sign_in(f"a-customer-{new_id()}")
    customer.post("/language", language=language, to="home")
    return customer


def opened_at(live: Installation) -> list[str]:
    """The providers of all attempts, the newest first."""
    attempts = tables.link_sessions
    with live.database.read() as tx:
        return list(tx.connection.scalars(select(attempts.c.provider_key).order_by(attempts.c.created_at.desc())))


@pytest.mark.parametrize("language", FAILING)
def test_a_provider_that_cannot_be_reached_is_announced_until_it_can(live: Installation, language: str) -> None:
    customer = speaking(live, language)
    assert FAILING[language] not in customer.page(EASEE, language=language).text
    had_trouble(live, "telematica", failures=3)
    page = customer.page(EASEE, language=language)
    assert FAILING[language] in page.text
    assert page.form_fields(EASEE)["csrf_token"]
    is_well(live, "telematica")
    assert FAILING[language] not in customer.page(EASEE, language=language).text


@pytest.mark.parametrize("language", SLOW)
def test_a_provider_that_is_slow_is_announced_until_it_is_quick(live: Installation, language: str) -> None:
    customer = speaking(live, language)
    had_trouble(live, "telematica", seconds=5)
    assert SLOW[language] in customer.page(EASEE, language=language).text
    is_well(live, "telematica")
    assert SLOW[language] not in customer.page(EASEE, language=language).text


def test_for_another_manufacturer_the_provider_is_named(live: Installation) -> None:
    for provider_key in ("podero", "nox", "telematica"):
        had_trouble(live, provider_key, failures=3)
    page = speaking(live, "en").page(OTHER)
    assert "Podero cannot be reached right now." in page.text


def test_the_other_providers_go_on(live: Installation) -> None:
    had_trouble(live, "telematica", failures=3)
    customer = speaking(live, "en")
    assert EASEE in customer.page("/connect/charger").links()
    assert "cannot be reached" not in customer.page(NIBE).text


def test_a_provider_of_the_same_manufacturer_that_is_well_is_offered_instead(live: Installation) -> None:
    customer = speaking(live, "sv")
    assert "Podero" in customer.page(NIBE, language="sv").heading
    had_trouble(live, "podero", failures=3)
    page = customer.page(NIBE, language="sv")
    assert "NOX" in page.heading
    assert "går inte att nå" not in page.text
    assert page.form_fields(NIBE)["provider"] == "nox"


def test_the_permission_is_used_for_the_provider_that_the_page_named(live: Installation) -> None:
    customer = speaking(live, "en")
    agreed = customer.page(NIBE).form_fields(NIBE)["provider"]
    had_trouble(live, agreed, failures=3)
    assert customer.page(NIBE).form_fields(NIBE)["provider"] != agreed
    customer.post(NIBE, consent="yes", provider=agreed)
    assert opened_at(live) == [agreed]


def test_a_customer_who_comes_back_and_agrees_to_another_provider_is_not_sent_to_the_first(live: Installation) -> None:
    customer = speaking(live, "en")
    for agreed in ("podero", "nox"):
        customer.post(NIBE, consent="yes", provider=agreed)
    assert opened_at(live) == ["nox", "podero"]
