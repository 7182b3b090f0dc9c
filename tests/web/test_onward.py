"""Every button works in every browser: no form of ours ends in a redirect to another host."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.domain.link_session import ONE_CLICK
from tests.support.clock import Clock
from tests.support.live import Installation
from tests.web.desk import Desk
from tests.web.test_forms import POSTS
from tests.web.visitor import Page, Visitor, good_page

CHOICES = {
    "Podero": "/connect/heat-pump/nibe",
    "NOX": "/connect/heat-pump/daikin",
    "Telematica": "/connect/charger/easee",
}


@pytest.fixture
def clock(running: Installation) -> Iterator[Clock]:
    """The portal's time, which a test may put forward."""
    clock, installed = Clock(), running.app.extensions["portal"]
    running.app.extensions["portal"] = replace(installed, clock=clock)
    yield clock
    running.app.extensions["portal"] = installed


def is_ours(location: str) -> bool:
    return location.startswith("/") and not location.startswith("//")


def there(page: Page) -> str:
    """Where a page goes on to by itself, which its button does as well."""
    wait, url = page.headers["Refresh"].split(";url=")
    assert wait == "0"
    assert url in page.links()
    assert page.headers["Cache-Control"] == "no-store"
    return url


@pytest.mark.parametrize("path", POSTS)
def test_whatever_a_customer_posts_is_answered_by_us(visitor: Callable[[], Visitor], path: str) -> None:
    answer = visitor().sign_in("anna").post(path, consent="yes", to="devices")
    assert is_ours(answer.headers.get("Location", "/")), answer.headers["Location"]


@pytest.mark.parametrize("path", POSTS)
def test_whatever_a_stranger_posts_is_answered_by_us_and_no_redirect_of_it_signs_in(
    stranger: Visitor, path: str
) -> None:
    answer = stranger.send("POST", path, data={"language": "en", "to": "devices"})
    while answer.status_code == 303:
        assert is_ours(answer.headers["Location"]), answer.headers["Location"]
        assert not answer.headers["Location"].startswith("/sign-in?"), path
        answer = stranger.send("GET", answer.headers["Location"])
    assert answer.status_code in {200, 400, 404, 410}


def test_a_language_chosen_after_the_session_ended_goes_on_from_a_page_of_ours(stranger: Visitor) -> None:
    chosen = {"language": "en", "to": "connect/heat-pump"}
    page = good_page(stranger.send("POST", "/language", data=chosen), 200, "en")
    assert page.heading == "Taking you to sign in"
    assert there(page) == "/connect/heat-pump"
    answer = stranger.send("POST", "/language", data={"language": "en", "to": "privacy"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/privacy")


@pytest.mark.parametrize(("provider", "choice"), CHOICES.items())
def test_who_comes_back_by_the_back_button_finds_the_attempt_and_not_the_way_out_again(
    running: Installation, visitor: Callable[[], Visitor], clock: Clock, provider: str, choice: str
) -> None:
    anna = visitor().sign_in(f"anna-{provider}")
    place = anna.post(choice, consent="yes").headers["Location"]
    attempt = place.removesuffix("/leave")
    if place == attempt:  # the provider took longer than a click waits
        place = anna.post(f"{attempt}/continue").headers["Location"]
    connect_url = there(anna.page(place))
    assert connect_url.startswith(running.sandbox.url)
    assert there(anna.page(place)) == connect_url
    assert anna.page(place).heading == f"Taking you to {provider}"
    clock.later = ONE_CLICK + timedelta(seconds=1)
    answer = anna.send("GET", place)
    assert (answer.status_code, answer.headers["Location"]) == (303, attempt)
    assert "Refresh" not in answer.headers


def test_a_link_scanner_or_a_stranger_uses_up_no_way_out(anna: Visitor, visitor: Callable[[], Visitor]) -> None:
    place = anna.post(CHOICES["Podero"], consent="yes").headers["Location"]
    assert place.endswith("/leave")
    assert anna.send("HEAD", place).status_code == 204
    assert anna.send("GET", place, headers={"Sec-Purpose": "prefetch"}).status_code == 503
    assert visitor().sign_in("bela").send("GET", place).status_code == 404
    assert there(anna.page(place))


def test_an_agent_is_never_led_out_in_a_customers_place(running: Installation, anna: Visitor) -> None:
    place = anna.post(CHOICES["Podero"], consent="yes").headers["Location"]
    there(anna.page(place))
    assert anna.customer
    desk = Desk(running)
    prefix = desk.view(anna.customer.id)
    assert desk.page(f"{prefix}{place.removesuffix('/leave')}").status == 200
    answer = desk.send("GET", f"{prefix}{place}")
    assert answer.status_code == 404
    assert "Refresh" not in answer.headers


def test_signing_in_once_more_leaves_from_a_page_of_ours(running: Installation, anna: Visitor) -> None:
    page = good_page(anna.post("/sign-in/again", to="privacy/data"), 200, "en")
    assert page.heading == "Taking you to sign in"
    assert there(page).startswith(f"{running.sandbox.url}/oidc/authorize?")


def test_signing_out_leaves_from_a_page_of_ours(running: Installation, anna: Visitor) -> None:
    page = good_page(anna.post("/sign-out"), 200, "en")
    assert page.heading == "Signing you out"
    assert urlsplit(there(page)).path == "/oidc/end-session"
    assert anna.page("/").text.count("You are signed out") == 1


def test_the_staffs_forms_leave_from_pages_of_ours_as_well(running: Installation) -> None:
    desk = Desk(running)
    answer = desk.post("/sign-out")
    assert (answer.status_code, answer.headers.get("Location")) == (200, None)
    assert "/oidc/end-session?" in answer.headers["Refresh"]
    for path in ("/sign-out", "/language", "/customers/abc", "/as/abc/devices/abc/remove"):
        answer = desk.send("POST", path)
        assert answer.status_code == 200, path
        assert answer.headers["Refresh"] == "0;url=/support/sign-in"
        assert 'href="/support/sign-in"' in answer.text
    looks = desk.send("GET", "/as/abc/devices?n=1", headers={"HX-Request": "true"})
    assert (looks.status_code, looks.headers["HX-Retarget"]) == (200, "#content")
    assert not {"Location", "HX-Redirect"} & set(looks.headers.keys())
    away = urlsplit(desk.send("GET", "/sign-in").headers["Location"])
    assert parse_qs(away.query)["prompt"] == ["login"]
