"""Out of the app: a ticket lets one browser out, which is told for whom it connects, and the webview never leaves."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import requests

from portal.domain.link_session import Reason, State
from tests.stories import letting_out, strangers
from tests.stories.letting_out import CHROME, Make, at_every_provider
from tests.stories.strangers import CHOICES, DAIKIN, EASEE, NIBE, Choice
from tests.support.clock import Clock
from tests.support.live import Installation
from tests.support.person import Page, Person
from tests.support.retailer import IPHONE_WEBVIEW
from tests.support.sampling import sampled

RECEIVER = "You are connecting for A. L."
USED_UP = "This link is no longer valid"


def never_leaves(answer: requests.Response, **_: object) -> None:
    """No answer to a webview leads out of the portal."""
    place = answer.headers.get("Location", "/")
    assert place.startswith("/"), (answer.url, place)
    assert not place.startswith("//"), (answer.url, place)


def presses_everything(webview: Person, page: Page) -> None:
    """Every form of a page, with whatever it holds."""
    for form in page.forms():
        webview.submit(form, consent="yes", vendor="other", language="en")


def test_no_answer_to_the_webview_ever_leads_out_of_the_portal(live: Installation, person: Make, anna: Person) -> None:
    letting_out.hands_over(anna, letting_out.walks_out(anna, person(), NIBE))
    anna.sees("/devices", lambda _: len(live.devices()) == 1)
    (device,) = live.sandbox.state.devices
    anna.post(f"{live.sandbox.url}/control/devices/podero/{device.id}/break", json={}, timeout=10)
    anna.sees("/devices", lambda page: page.offers("/reauthenticate"))
    anna.hooks["response"].append(never_leaves)
    seen = {anna.press_reconnect().path}
    for choice in strangers.CHOICES:
        page = letting_out.chooses(anna, choice)
        seen.add(page.path)
        anna.look(letting_out.ticket_on(page))
        going = letting_out.form_on(
            anna.look(f"/connect/{choice.device_type}/not-listed"), f"/connect/{choice.device_type}/not-listed"
        )
        anna.post(f"{live.url}{page.path}/continue", data=going.fields, timeout=30)
        anna.post(f"{live.url}/out", data={**going.fields, "attempt": page.path.rsplit("/", 1)[-1]}, timeout=30)
        for path in (f"/return/{choice.provider}", f"/return/{choice.provider}/{'s' * 43}/success"):
            anna.look(f"{path}?data=e30&devices={'5' * 24}&deviceId=x")
    pages = [
        "/",
        "/devices",
        "/sign-in",
        "/sign-in/callback?code=c&state=s",
        "/out",
        "/app/back",
        "/app/again",
        "/connect",
    ]
    for path in [*pages, *seen, "/app/continue", "/privacy", "/connect/heat-pump", "/connect/heat-pump/nibe"]:
        presses_everything(anna, anna.look(path))


@pytest.mark.parametrize("choice", sampled(CHOICES, 1), ids=lambda choice: choice.provider)
def test_a_ticket_opened_by_a_hundred_browsers_at_once_lets_one_out(
    live: Installation, anna: Person, choice: Choice
) -> None:
    ticket = letting_out.ticket_on(letting_out.chooses(anna, choice))

    def open_it(_: int) -> str:
        with Person(live.url) as browser:
            return letting_out.opens(browser, ticket).heading

    with ThreadPoolExecutor(25) as crowd:
        headings = list(crowd.map(open_it, range(100)))
    assert headings.count(RECEIVER) == 1
    assert headings.count(USED_UP) == 99
    assert len(letting_out.departures(live)) == 1


def test_a_ticket_is_good_for_a_minute(live: Installation, clock: Clock, person: Make, anna: Person) -> None:
    ticket = letting_out.ticket_on(letting_out.chooses(anna, NIBE))
    clock.later = timedelta(seconds=62)
    assert letting_out.opens(person(), ticket).heading == USED_UP
    clock.later = timedelta(seconds=50)
    assert letting_out.opens(person(), ticket).heading == RECEIVER


def test_a_forged_ticket_lets_nobody_out(live: Installation, person: Make, anna: Person) -> None:
    ticket = letting_out.ticket_on(letting_out.chooses(anna, NIBE))
    for text in (ticket[:-1], ticket[:-30] + "A" * 30, ticket + "A", f"{live.url}/out/x", f"{live.url}/out/%00%ff"):
        assert letting_out.opens(person(), text).heading == USED_UP
    assert letting_out.departures(live) == []


@pytest.mark.parametrize("headers", [{}, {"Sec-Purpose": "prefetch"}], ids=["HEAD", "prefetch"])
def test_a_probe_of_a_ticket_lets_nobody_out(
    live: Installation, person: Make, anna: Person, headers: dict[str, str]
) -> None:
    ticket = letting_out.ticket_on(letting_out.chooses(anna, NIBE))
    prober = person()
    probe = prober.get(ticket, headers=headers, timeout=10) if headers else prober.head(ticket, timeout=10)
    assert probe.status_code == (503 if headers else 204)
    assert letting_out.departures(live) == []
    assert letting_out.opens(person(), ticket).heading == RECEIVER


def test_a_ticket_opened_in_a_webview_is_not_used_up(live: Installation, person: Make, anna: Person) -> None:
    ticket = letting_out.ticket_on(letting_out.chooses(anna, NIBE))
    assert anna.look(ticket).heading == "Go on in your browser"
    other_app = person()
    other_app.headers["User-Agent"] = IPHONE_WEBVIEW
    assert other_app.look(ticket).path == "/app/again"
    assert letting_out.departures(live) == []
    assert letting_out.opens(person(), ticket).heading == RECEIVER


def test_another_customers_webview_learns_nothing_from_a_ticket(live: Installation, anna: Person, bela: Person) -> None:
    ticket = letting_out.ticket_on(letting_out.chooses(anna, NIBE))
    page = bela.look(ticket)
    assert page.path == "/app/again"
    assert live.newest_attempt() not in page.html


def test_a_browser_in_which_somebody_else_is_signed_in_does_not_go_on(
    live: Installation, person: Make, anna: Person
) -> None:
    browser = person()
    browser.sign_in("bela")
    page = letting_out.opens(browser, letting_out.ticket_on(letting_out.chooses(anna, NIBE)))
    assert (page.status, page.heading) == (409, "Another account is signed in here")
    token = page.form("/sign-out").fields["csrf_token"]
    answer = browser.post(
        f"{live.url}/out",
        data={"csrf_token": token, "attempt": live.newest_attempt()},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.headers["Location"] == "/out"


@at_every_provider
def test_the_stranger_who_was_sent_the_link_reads_for_whom_it_is_and_may_refuse(
    live: Installation, person: Make, anna: Person, choice: Choice
) -> None:
    stranger = person()
    page = letting_out.opens(stranger, letting_out.ticket_on(letting_out.chooses(anna, choice)))
    assert page.heading == RECEIVER
    assert "Lindqvist" not in page.html
    assert stranger.submit(letting_out.form_on(page, "/out/not-me")).heading == "Nothing was connected"
    assert strangers.stands(live) == [(State.CANCELLED, Reason.CUSTOMER_CANCELLED)]
    assert stranger.submit(letting_out.form_on(page, "/out")).heading == USED_UP
    assert live.sandbox.state.devices == []


@at_every_provider
def test_a_stranger_who_goes_on_all_the_same_has_nothing_linked_to_anybody(
    live: Installation, person: Make, anna: Person, bela: Person, choice: Choice
) -> None:
    words = letting_out.walks_out(anna, stranger := person(), choice)
    letting_out.hands_over(bela, words)
    stranger.headers["User-Agent"] = CHROME
    stranger.sign_in("bela")
    for webview in (anna, bela):
        for page in ("/devices", f"/link-sessions/{words.ref}", "/app/back"):
            webview.look(page)
    assert live.devices() == ()
    assert strangers.stands(live)[0][0] is State.HELD


@pytest.mark.parametrize("choice", [DAIKIN, EASEE], ids=lambda choice: choice.provider)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_whoever_lets_themselves_out_and_sends_the_last_link_on_gets_no_strangers_device(
    live: Installation, person: Make, anna: Person, choice: Choice, first: bool
) -> None:
    own, stranger = person(), person()
    page = letting_out.opens(own, letting_out.ticket_on(letting_out.chooses(anna, choice)))
    connect_url = letting_out.goes_on(own, page)
    user = next(user for user in live.sandbox.state.users if user.provider == choice.provider)
    claims = {"nox_user_id": user.id, "supplier_user_id": user.external_id, "device_ids": ["nox-1"]}
    made_up = f"/return/{choice.provider}?devices={'5' * 24}&deviceType=charger"
    if choice is DAIKIN:
        made_up = f"/return/nox?data={strangers.as_data(claims)}"
    seen = own.look(made_up) if first else None
    stranger.look(strangers.sign_in_there(stranger, connect_url, choice))
    seen = seen or own.look(made_up)
    words = letting_out.words_on(seen)
    if words.code:
        letting_out.hands_over(anna, words)
    for _ in range(3):
        anna.look(f"/link-sessions/{words.ref}")
        own.look(made_up)
    assert live.devices() == ()


def test_what_is_pressed_goes_on_with_what_was_read_and_with_nothing_that_took_its_place(
    live: Installation, person: Make, anna: Person, bela: Person
) -> None:
    browser = person()
    annas = letting_out.opens(browser, letting_out.ticket_on(letting_out.chooses(anna, NIBE)))
    belas = letting_out.opens(browser, letting_out.ticket_on(letting_out.chooses(bela, DAIKIN)))
    assert (annas.heading, belas.heading) == (RECEIVER, "You are connecting for B. K.")
    for form in ("/out", "/out/not-me"):
        seen = browser.submit(letting_out.form_on(annas, form))
        assert (seen.path, seen.heading) == ("/out", belas.heading)
    assert {state for state, _ in strangers.stands(live)} == {State.DEPARTED}


def test_nobody_is_led_out_past_the_page_that_says_for_whom(
    live: Installation, person: Make, anna: Person, bela: Person
) -> None:
    browser = person()
    page = letting_out.opens(browser, letting_out.ticket_on(letting_out.chooses(anna, NIBE)))
    assert browser.look("/out/leave").heading == RECEIVER
    assert "NIBE" in page.text
    assert "your manufacturer" not in page.text
    assert [urlsplit(form.action).path for form in page.forms() if "/out" in form.action] == ["/out", "/out/not-me"]
    letting_out.goes_on(browser, page)
    letting_out.opens(browser, letting_out.ticket_on(letting_out.chooses(bela, DAIKIN)))
    assert browser.look("/out/leave").heading == "You are connecting for B. K."


def test_a_ticket_that_another_site_opens_does_not_spoil_the_way_back(
    live: Installation, person: Make, anna: Person, bela: Person
) -> None:
    browser = person()
    page = letting_out.opens(browser, letting_out.ticket_on(letting_out.chooses(anna, DAIKIN)))
    connect_url = letting_out.goes_on(browser, page)
    letting_out.opens(browser, letting_out.ticket_on(letting_out.chooses(bela, DAIKIN)))
    words = letting_out.words_on(letting_out.comes_back(browser, connect_url, DAIKIN))
    letting_out.hands_over(anna, words)
    anna.sees("/devices", lambda _: len(live.devices()) == 1)
