"""Too often is too often, and whoever meets it is told how long to wait and loses nothing."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask_limiter import Limiter
from limits import parse_many
from werkzeug.test import TestResponse

from portal.sandbox.program import RunningSandbox
from portal.sandbox.telematica_events import signature
from portal.web.errors import WORDS, try_again_in
from tests.support.live import Installation, installation
from tests.web.visitor import Page, Visitor, good_page

ALLOWED = 3
LIMITS = {
    "PORTAL_LIMITS__ENABLED": "true",
    "PORTAL_LIMITS__STARTS": "3 per 15 minutes; 5 per day",
    "PORTAL_LIMITS__ARRIVALS": "3 per 5 minutes",
    "PORTAL_LIMITS__SIGN_INS": "3 per 5 minutes",
    "PORTAL_LIMITS__WEBHOOKS": "3 per 5 minutes",
    "PORTAL_LIMITS__REFUSED_WEBHOOKS": "3 per 5 minutes",
    "PORTAL_LANGUAGES": "en,sv,de,hu,pl",
    "PORTAL_PROXY_HOPS": "1",
}
CHOICE = "/connect/heat-pump/nibe"
RETURN = "/return/podero/" + "s" * 43 + "/success"
HOME, NEIGHBOUR = "203.0.113.7", "203.0.113.8"


def limiter_of(live: Installation) -> Limiter:
    (limiter,) = live.app.extensions["limiter"]
    assert isinstance(limiter, Limiter)
    return limiter


@pytest.fixture(scope="module")
def running(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('limits')}/portal.sqlite"
    with installation(web_sandbox, url, LIMITS) as live:
        yield live


@pytest.fixture(autouse=True)
def afresh(running: Installation) -> None:
    """Nothing counted yet."""
    limiter_of(running).reset()


def arrive(visitor: Visitor, address: str = HOME, path: str = RETURN, **headers: str) -> TestResponse:
    return visitor.send("GET", path, headers={"X-Forwarded-For": address, **headers})


def click(visitor: Visitor, **more: Any) -> TestResponse:
    """The last click before leaving, without the tick that would open an attempt."""
    return visitor.send("POST", CHOICE, data={"csrf_token": visitor.token()}, **more)


def click_at_once(places: Sequence[Installation]) -> list[int]:
    """One customer, a browser at each place, all at the same moment."""
    browsers = [Visitor(live.app, live.url).sign_in("anna") for live in places]
    tokens = [browser.token() for browser in browsers]
    together = Barrier(len(places))

    def press(browser: Visitor, token: str) -> int:
        together.wait()
        return browser.send("POST", CHOICE, data={"csrf_token": token}).status_code

    with ThreadPoolExecutor(len(places)) as crowd:
        return list(crowd.map(press, browsers, tokens))


def event(live: Installation, *, address: str = HOME, proven: bool = True) -> TestResponse:
    """What Telematica tells, or somebody who would like to be Telematica."""
    body = json.dumps({"type": "user.devices-connected", "user": "f" * 32, "devices": []}).encode()
    name, stamp = f"msg_{time.monotonic_ns()}", str(int(time.time()))
    proof = signature(live.sandbox.config.telematica_webhook_secret, name, stamp, body)
    headers = {"svix-id": name, "svix-timestamp": stamp, "svix-signature": proof if proven else "v1,no"}
    to_us = {"Content-Type": "application/json", "X-Forwarded-For": address}
    return Visitor(live.app, live.url).send("POST", "/webhooks/telematica", data=body, headers={**headers, **to_us})


def refused(answer: TestResponse, wait: str, language: str = "en") -> Page:
    """The page that tells to wait, no longer than it takes."""
    page = good_page(answer, 429, language)
    assert " ".join(wait.split()) in page.text
    return page


def test_a_customer_who_starts_too_often_waits_and_keeps_the_choice(anna: Visitor) -> None:
    assert [click(anna).status_code for _ in range(ALLOWED)] == [422] * ALLOWED
    page = refused(click(anna), "Try again in 15 minutes. Nothing is lost. Your devices are not affected.")
    assert page.heading == "That was a little too often"
    assert 890 < int(page.headers["Retry-After"]) <= 900
    assert CHOICE in page.links()
    assert anna.page(CHOICE).status == 200


def test_connecting_and_reconnecting_count_together(anna: Visitor) -> None:
    for _ in range(ALLOWED):
        assert anna.post("/devices/gone/reauthenticate").status_code == 404
    page = refused(click(anna), "Try again in 15 minutes.")
    assert "X-RateLimit-Limit" not in page.headers
    assert "/devices" in refused(anna.post("/devices/gone/reauthenticate"), "15 minutes").links()


def test_one_customer_does_not_slow_down_another(anna: Visitor, visitor: Callable[[], Visitor]) -> None:
    for _ in range(ALLOWED + 1):
        click(anna)
    assert click(visitor().sign_in("bert")).status_code == 422


def test_what_is_no_click_of_the_customers_does_not_count(anna: Visitor, stranger: Visitor) -> None:
    for _ in range(ALLOWED + 1):
        assert stranger.send("POST", CHOICE).status_code == 200
        assert anna.send("POST", CHOICE).status_code == 303
        assert anna.send("POST", CHOICE, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert anna.page(CHOICE).status == 200
    assert click(anna).status_code == 422


def test_the_wait_is_that_of_the_longest_limit_in_the_way(running: Installation, anna: Visitor) -> None:
    limiter = limiter_of(running)
    for _ in range(ALLOWED):
        click(anna)
    assert anna.customer
    who = ("portal", anna.customer.id, "starts")
    (minutes, day) = parse_many(running.settings.limits.starts)
    limiter.limiter.clear(minutes, *who)
    for _ in range(5 - ALLOWED):
        assert click(anna).status_code == 422
    for _ in range(ALLOWED + 1):
        page = refused(click(anna), "Try again in 24 hours.")
        assert int(page.headers["Retry-After"]) > 86_000
    assert limiter.limiter.get_window_stats(day, *who).remaining == 0


def test_twenty_clicks_at_once_are_counted_one_by_one(running: Installation) -> None:
    assert sorted(click_at_once([running] * 20)) == [422] * ALLOWED + [429] * (20 - ALLOWED)


def test_a_return_that_has_to_wait_is_not_lost(stranger: Visitor, running: Installation) -> None:
    for _ in range(ALLOWED):
        assert arrive(stranger).status_code == 303
    answer = arrive(stranger, path=RETURN + "?deviceId=abc")
    page = refused(answer, "Try again in 5 minutes.")
    assert "" in page.links()
    assert "sss" not in page.html
    assert "deviceId" not in page.html
    with pytest.raises(AssertionError):
        page.form_fields("/language")
    limiter_of(running).reset()
    assert arrive(stranger, path=RETURN + "?deviceId=abc").status_code == 303


def test_returns_to_all_our_addresses_count_together(stranger: Visitor) -> None:
    paths = (RETURN, RETURN.replace("success", "cancel"), "/return/telematica")
    assert [arrive(stranger, path=path).status_code for path in (*paths, *paths)] == [303] * 3 + [429] * 3
    assert stranger.send("GET", "/return", headers={"X-Forwarded-For": HOME}).status_code == 200


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (HOME, NEIGHBOUR, False),
        (HOME, f"::ffff:{HOME}", True),
        ("2001:db8:1:2::7", "2001:db8:1:2:ffff:0:1:2", True),
        ("2001:db8:1:2::7", "2001:db8:1:3::7", False),
    ],
)
def test_a_household_is_one_address(stranger: Visitor, one: str, other: str, together: bool) -> None:
    for _ in range(ALLOWED):
        arrive(stranger, one)
    assert arrive(stranger, other).status_code == (429 if together else 303)


def test_a_link_scanner_takes_nobodys_turn(stranger: Visitor) -> None:
    for _ in range(ALLOWED + 1):
        assert stranger.send("HEAD", RETURN, headers={"X-Forwarded-For": HOME}).status_code == 204
        assert arrive(stranger, **{"Sec-Purpose": "prefetch"}).status_code == 503
    assert arrive(stranger).status_code == 303


def test_signing_in_counts_once_though_it_begins_and_ends_here(stranger: Visitor) -> None:
    for _ in range(ALLOWED):
        assert arrive(stranger, path="/sign-in").status_code == 303
        assert arrive(stranger, path="/sign-in/callback?code=c&state=s").status_code == 303
    for path in ("/sign-in", "/sign-in/callback?code=c&state=s"):
        assert "" in refused(arrive(stranger, path=path), "Try again in 5 minutes.").links()
    assert arrive(stranger, NEIGHBOUR, "/sign-in").status_code == 303


def test_a_piece_of_a_page_that_has_to_wait_leaves_the_page_as_it_is(stranger: Visitor) -> None:
    for _ in range(ALLOWED):
        arrive(stranger)
    answer = arrive(stranger, **{"HX-Request": "true"})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 300
    assert not [name for name, _ in answer.headers if name.startswith("HX-")]


def test_a_provider_that_tells_too_much_is_asked_to_tell_it_again_later(running: Installation) -> None:
    assert [event(running).status_code for _ in range(ALLOWED)] == [204] * ALLOWED
    answer = event(running, address=NEIGHBOUR)
    assert answer.status_code == 503
    assert 290 < int(answer.headers["Retry-After"]) <= 300


def test_what_is_not_proven_takes_no_turn_of_the_provider(running: Installation) -> None:
    assert [event(running, proven=False).status_code for _ in range(5)] == [401] * ALLOWED + [503] * 2
    assert event(running, address=NEIGHBOUR).status_code == 204


def test_who_proved_nothing_too_often_is_not_even_read(running: Installation) -> None:
    for _ in range(ALLOWED):
        event(running, proven=False)
    answer = event(running)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.content_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("language", "seconds", "words"),
    [
        ("en", 1, "Try again in 1 second."),
        ("en", 60, "Try again in 1 minute."),
        ("en", 61, "Try again in 2 minutes."),
        ("en", 3541, "Try again in 1 hour."),
        ("en", 3601, "Try again in 2 hours."),
        ("sv", 1, "Försök igen om 1 sekund."),
        ("sv", 120, "Försök igen om 2 minuter."),
        ("de", 59, "Versuchen Sie es in 59 Sekunden erneut."),
        ("de", 60, "Versuchen Sie es in 1 Minute erneut."),
        ("hu", 180, "Próbálja újra 3 perc múlva."),
        ("hu", 7200, "Próbálja újra 2 óra múlva."),
        ("pl", 1, "Spróbuj ponownie za 1 sekundę."),
        ("pl", 3, "Spróbuj ponownie za 3 sekundy."),
        ("pl", 12, "Spróbuj ponownie za 12 sekund."),
        ("pl", 22 * 60, "Spróbuj ponownie za 22 minuty."),
        ("pl", 5 * 60, "Spróbuj ponownie za 5 minut."),
        ("pl", 5 * 3600, "Spróbuj ponownie za 5 godzin."),
    ],
)
def test_the_wait_is_told_as_people_say_it(running: Installation, language: str, seconds: int, words: str) -> None:
    with running.app.test_request_context(headers={"Accept-Language": language}):
        # Some languages keep a number and its unit on one line.
        assert " ".join(try_again_in(seconds).split()) == words


@pytest.mark.parametrize("language", ["sv", "de", "hu", "pl"])
def test_the_page_speaks_the_customers_language(running: Installation, stranger: Visitor, language: str) -> None:
    for _ in range(ALLOWED):
        arrive(stranger)
    with running.app.test_request_context(headers={"Accept-Language": language}):
        wait = f"{try_again_in(300)} {WORDS[429].text}"
    page = refused(arrive(stranger, **{"Accept-Language": language}), wait, language)
    assert "Nothing is lost" not in page.text


def test_without_limits_nothing_is_counted(
    web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('unlimited')}/portal.sqlite"
    with installation(web_sandbox, url, {**LIMITS, "PORTAL_LIMITS__ENABLED": "false"}) as live:
        stranger = Visitor(live.app, live.url)
        assert {arrive(stranger).status_code for _ in range(2 * ALLOWED)} == {303}
        assert {event(live, proven=False).status_code for _ in range(2 * ALLOWED)} == {401}
