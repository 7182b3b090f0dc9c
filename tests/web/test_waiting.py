"""What the page of an attempt says while it waits: the true cause, and the time where it is known."""

from collections.abc import Iterable, Iterator

import pytest

from portal.sandbox.program import RunningSandbox
from portal.storage.ids import new_id
from tests.support.live import Installation, serving, working
from tests.web.visitor import Visitor

NIBE = "/connect/heat-pump/nibe"
OURS = {
    "en": "This is taking a little longer than usual. You can go on as soon as your link is ready.",
    "sv": "Det tar lite längre tid än vanligt. Du kommer vidare så snart din länk är klar.",
    "de": "Es dauert etwas länger als sonst. Es geht weiter, sobald Ihr Link bereit ist.",
}
IN_PEACE = {
    "en": "Podero cannot be reached right now. Your choice is kept, and we try again in about 60 seconds.",
    "sv": "Podero går inte att nå just nu. Ditt val är sparat och vi försöker igen om ungefär 60 sekunder.",
}


@pytest.fixture(scope="module")
def multilingual(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The pages alone: as while everything that works behind them is away."""
    url = f"sqlite:///{tmp_path_factory.mktemp('waiting')}/portal.sqlite"
    with serving(web_sandbox, url, {"PORTAL_LANGUAGES": "en,sv,de", "PORTAL_DEFAULT_LANGUAGE": "en"}) as live:
        yield live


@pytest.fixture
def live(multilingual: Installation) -> Installation:
    multilingual.forget()
    return multilingual


def waits(live: Installation, languages: Iterable[str]) -> dict[str, str]:
    """What a customer who has clicked reads, in each language."""
    customer = Visitor(live.app, live.url).sign_in(f"a-customer-{new_id()}")
    customer.post(NIBE, consent="yes", provider="podero")
    page = f"/link-sessions/{live.newest_attempt()}"
    return {language: customer.page(f"{page}?lang={language}", language=language).text for language in languages}


def test_while_nobody_asks_the_provider_it_is_not_blamed(live: Installation) -> None:
    for language, text in waits(live, OURS).items():
        assert OURS[language] in text
        assert "Podero" not in text


def test_while_the_provider_has_asked_for_peace_the_time_is_named(live: Installation) -> None:
    live.sandbox.state.set_faults("podero", {"fail_count": 1, "fail_status": 429, "retry_after": "60"})
    with working(live.settings):
        read = waits(live, IN_PEACE)
    for language, text in read.items():
        assert IN_PEACE[language] in text.replace("\N{NO-BREAK SPACE}", " ")
