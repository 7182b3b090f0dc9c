"""The timeline is the agent's tool: in their language, beside the customer's words, narrowed down, and short."""

from collections.abc import Iterator

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.link_session import Reason, State
from portal.sandbox.program import RunningSandbox
from portal.web.timeline_advice import BY_REASON
from tests.support.live import Installation, installation
from tests.web.desk import Desk
from tests.web.giving import give, give_renewal
from tests.web.visitor import Visitor

LANGUAGES = {"PORTAL_LANGUAGES": "en,sv,de", "PORTAL_DEFAULT_LANGUAGE": "sv"}


@pytest.fixture(scope="module")
def running(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('timeline')}/portal.sqlite"
    with installation(web_sandbox, url, LANGUAGES) as live:
        yield live


def desk_of(running: Installation, language: str) -> Desk:
    desk = Desk(running, name=f"agent-{language}")
    desk.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return desk


def test_it_is_in_the_agents_language_and_tells_the_customers_words_too(running: Installation) -> None:
    astrid = Visitor(running.app, running.url).sign_in("astrid")
    give_renewal(running, give(running, astrid), State.FAILED, reason=Reason.STILL_BROKEN)
    assert astrid.customer
    desk = desk_of(running, "de")
    page = desk.page(f"{desk.view(astrid.customer.id)}/timeline", language="de")
    said = BY_REASON[Reason.STILL_BROKEN].to_tell
    with running.app.test_request_context(headers={"Accept-Language": "de"}):
        assert str(said) in page.text
    with running.app.test_request_context(headers={"Accept-Language": "sv"}):
        assert f'<blockquote lang="sv">{said}</blockquote>' in page.html


def test_an_agent_who_speaks_the_customers_language_reads_it_once(running: Installation) -> None:
    astrid = Visitor(running.app, running.url).sign_in("astrid-again")
    give_renewal(running, give(running, astrid), State.FAILED, reason=Reason.STILL_BROKEN)
    assert astrid.customer
    desk = desk_of(running, "sv")
    assert desk.page(f"{desk.view(astrid.customer.id)}/timeline", language="sv").html.count("<blockquote") == 1


def test_it_is_narrowed_down_to_one_device_and_to_one_attempt(running: Installation) -> None:
    astrid = Visitor(running.app, running.url).sign_in("astrid-two")
    pump = give(running, astrid, nickname="Cellar")
    car = give(running, astrid, device_type=DeviceType.VEHICLE, provider_device_id="there-car", nickname="Saab")
    attempt = give_renewal(running, pump, State.FAILED, reason=Reason.STILL_BROKEN).rpartition("/")[2]
    other = give_renewal(running, car, State.FAILED, reason=Reason.LEFT_OPEN).rpartition("/")[2]
    assert astrid.customer
    desk = desk_of(running, "en")
    timeline = f"{desk.view(astrid.customer.id)}/timeline"
    shown = {
        narrowed: [code for code in ("still_broken", "left_open") if code in desk.page(timeline + narrowed).text]
        for narrowed in ("", f"?device={pump.id}", f"?device={car.id}", f"?attempt={attempt}", f"?attempt={other}")
    }
    one, two = ["still_broken"], ["left_open"]
    assert list(shown.values()) == [one + two, one, two, one, two]
    assert f"/support{timeline}?attempt={attempt}" in desk.page(timeline).links()
    assert f"/support{timeline}" in desk.page(f"{timeline}?attempt={attempt}").links()
    assert "Nothing is on record" in desk.page(f"{timeline}?attempt=nobodys").text


def test_what_went_well_is_short_and_a_failure_is_not(running: Installation) -> None:
    astrid = Visitor(running.app, running.url).sign_in("astrid-well")
    pump = give(running, astrid)
    give_renewal(running, pump, State.LINKED)
    assert astrid.customer
    desk = desk_of(running, "en")
    timeline = f"{desk.view(astrid.customer.id)}/timeline"
    assert desk.page(timeline).html.count('class="entry__more"') == 1
    give_renewal(running, pump, State.FAILED, reason=Reason.STILL_BROKEN)
    assert desk.page(timeline).html.count('class="entry__more"') == 1
