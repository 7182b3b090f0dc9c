"""The simulator of the retailer's app: walks of its own, and what it does not let pass."""

import json
from contextlib import nullcontext
from dataclasses import asdict

import pytest
from playwright.sync_api import Browser

from portal.domain.link_session import State
from portal.sandbox import app_player
from portal.sandbox.app_player import leave, play, until
from portal.sandbox.app_simulator import Plan
from portal.sandbox.app_telephone import LoadedInWebview, Telephone
from tests.support.live import Installation
from tests.support.retailer import APP_LINK, backend, keys
from tests.support.sampling import sampled

pytestmark = pytest.mark.browser


NOBODY = "http://127.0.0.1:9"


def plan_for(live: Installation, walk: str, *, cold_start: bool = False) -> Plan:
    return Plan(key=str(keys()[0]), portal_url=live.url, app_link=APP_LINK, walk=walk, cold_start=cold_start)


def telephone_for(live: Installation, browser: Browser, *, delegate: bool = True) -> Telephone:
    retailer = backend(live.url)
    return Telephone(
        browser,
        lambda target: retailer.code("customer-anna", locale="sv", target=target),
        portal_url=live.url,
        app_link=APP_LINK,
        language="sv",
        delegate=delegate,
    )


@pytest.mark.parametrize("walk", sampled(["heat-pump/daikin", "charger/easee"], 1))
def test_a_walk_ends_with_a_linked_device(live: Installation, browser: Browser, walk: str) -> None:
    play(browser, plan_for(live, walk))
    assert len(live.devices()) == 1


@pytest.mark.torture
def test_an_app_that_was_closed_finishes_with_a_fresh_session(
    live: Installation, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    play(browser, plan_for(live, "heat-pump/nibe", cold_start=True))
    told = capsys.readouterr().out.splitlines()
    after = [line.split()[1] for line in told[told.index("app       opened with ref, code") + 1 :]]
    assert after[0] == "/app/return", "the page that says: open this again from the app"
    assert after[1].startswith("/link-sessions/")
    assert live.state_of(after[1]) is State.LINKED


@pytest.mark.torture
def test_the_way_out_is_followed_once_and_leaves_the_page_of_the_attempt_where_it_is(
    live: Installation, browser: Browser
) -> None:
    telephone = telephone_for(live, browser)
    leave(telephone, "heat-pump/nibe")
    until(telephone, lambda: bool(telephone.tabs), "nothing was opened")
    for _ in range(5):
        telephone.turn()
    assert len(telephone.tabs) == 1
    assert "/link-sessions/" in telephone.page.url
    telephone.page.click("#way-out")
    until(telephone, lambda: len(telephone.tabs) == 2, "the link does nothing when it is pressed again")


def test_the_link_back_to_the_app_closes_the_webview_and_is_not_loaded_in_it(
    live: Installation, browser: Browser
) -> None:
    telephone = telephone_for(live, browser)
    telephone.enter("devices")
    before = telephone.page.url
    telephone.page.click(f'a[href="{APP_LINK}"]')
    for _ in range(3):
        telephone.turn()
    assert telephone.page.url == before


@pytest.mark.parametrize("by", ["navigation", "request"])
def test_nothing_of_another_host_passes_in_the_webview(live: Installation, browser: Browser, by: str) -> None:
    telephone = telephone_for(live, browser)
    telephone.enter("devices")
    stray = f"{live.sandbox.url}/podero/connect"
    script = "url => { location.href = url }" if by == "navigation" else "url => { fetch(url).catch(() => 0) }"
    if by == "request":  # our own pages are kept from one by their policy
        telephone.page.goto("about:blank")
    telephone.page.evaluate(script, f"{stray}?onboarding_session_id=secret")
    with pytest.raises(LoadedInWebview) as failure:
        until(telephone, lambda: False, "it passed")
    assert stray in str(failure.value)
    assert "secret" not in str(failure.value)


@pytest.fixture
def shared(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The player uses the browser that is open anyway."""
    monkeypatch.setattr(app_player, "chromium", lambda **_options: nullcontext(browser))


@pytest.mark.parametrize(
    ("differing", "words"),
    [
        ({"portal_url": NOBODY}, f"stopped: no portal answers at {NOBODY}"),
        ({"audience": "https://another.example"}, "stopped: the portal answered 401 to the token"),
        ({"walk": "heat-pump/nonsense"}, "/connect/heat-pump/nonsense, which answered 404"),
        ({"walk": "devices"}, "stopped: the portal has nothing to connect at devices"),
        ({"key": __file__}, "holds no private key"),
    ],
    ids=["portal", "audience", "vendor", "walk", "key"],
)
@pytest.mark.usefixtures("shared")
def test_what_does_not_work_is_said_in_plain_words(
    live: Installation, capsys: pytest.CaptureFixture[str], differing: dict[str, str], words: str
) -> None:
    plan = asdict(plan_for(live, "heat-pump/nibe")) | differing
    assert app_player.main(json.dumps(plan)) == 1
    assert words in capsys.readouterr().err
