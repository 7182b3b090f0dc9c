"""The way back into the app: one code, once, in the hands of the customer whose attempt it is."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests

from portal.domain.link_session import Reason, State
from portal.journey.reconcile import reconcile
from tests.stories import letting_out, strangers
from tests.stories.letting_out import Make, Words, at_every_provider
from tests.stories.strangers import CHOICES, DAIKIN, EASEE, NIBE, Choice
from tests.support.clock import Clock
from tests.support.live import Installation
from tests.support.person import Person
from tests.support.sampling import sampled

WAITING = (State.HELD, Reason.NOT_SIGNED_IN)


def is_linked(live: Installation, webview: Person, words: Words) -> bool:
    page = f"/link-sessions/{words.ref}"
    webview.sees(page, lambda _: live.state_of(page) not in {State.ARRIVED, State.WAITING})
    return live.state_of(page) is State.LINKED and len(live.devices()) == 1


@at_every_provider
def test_what_the_browser_brought_back_is_finished_in_the_app(
    live: Installation, person: Make, anna: Person, choice: Choice
) -> None:
    words = letting_out.walks_out(anna, person(), choice)
    assert strangers.stands(live) == [WAITING]
    page = letting_out.hands_over(anna, words)
    assert page.path == f"/link-sessions/{words.ref}"
    assert is_linked(live, anna, words)


@at_every_provider
def test_a_customer_who_is_signed_in_in_the_browser_too_has_it_finished_there(
    live: Installation, person: Make, anna: Person, choice: Choice
) -> None:
    browser = person()
    browser.sign_in("anna")
    words = letting_out.walks_out(anna, browser, choice)
    assert words.code is None
    assert is_linked(live, anna, words)


@at_every_provider
def test_without_the_code_nothing_is_linked_however_long_one_waits(
    live: Installation, clock: Clock, person: Make, anna: Person, choice: Choice
) -> None:
    words = letting_out.walks_out(anna, person(), choice)
    for minutes in (0, 1, 9, 14, 29, 31, 59):
        clock.later = timedelta(minutes=minutes)
        anna.look(f"/link-sessions/{words.ref}")
        anna.look("/devices")
        reconcile(ports=live.portal.ports, now=clock())
    for days in (1, 2, 30):
        clock.later = timedelta(days=days)
        reconcile(ports=live.portal.ports, now=clock())
    letting_out.enters(live, anna, "anna", iat=int(clock().timestamp()), exp=int(clock().timestamp()) + 60)
    assert letting_out.hands_over(anna, words).status == 200
    assert strangers.stands(live) == [WAITING]
    assert live.devices() == ()


@at_every_provider
def test_a_wrong_code_and_an_old_one_finish_nothing(
    live: Installation, clock: Clock, person: Make, anna: Person, choice: Choice
) -> None:
    words = letting_out.walks_out(anna, person(), choice)
    for code in (letting_out.made_up_code(), "", "%00", words.ref, str(words.code)[:-1], f"{words.code}x", "a" * 5000):
        page = letting_out.hands_over(anna, words, code or "%20")
        assert (page.path, page.status) == (f"/link-sessions/{words.ref}", 200)
    assert strangers.stands(live) == [WAITING]
    clock.later = timedelta(minutes=10)
    letting_out.hands_over(anna, words)
    assert strangers.stands(live) == [WAITING]
    clock.later = timedelta(minutes=9, seconds=50)
    letting_out.hands_over(anna, words)
    clock.later = timedelta()
    assert is_linked(live, anna, words)


@at_every_provider
def test_in_another_customers_hands_the_code_is_worth_nothing(
    live: Installation, person: Make, anna: Person, bela: Person, choice: Choice
) -> None:
    words = letting_out.walks_out(anna, person(), choice)
    page = letting_out.hands_over(bela, words)
    assert page.status == 404
    assert letting_out.NAMES["anna"] not in page.html
    stranger = person()
    assert letting_out.hands_over(stranger, words).status == 401
    assert strangers.stands(live) == [WAITING]
    assert live.devices() == ()
    letting_out.hands_over(anna, words)
    assert is_linked(live, anna, words)


def test_the_code_of_one_attempt_finishes_no_other(live: Installation, person: Make, anna: Person) -> None:
    pump, charger = letting_out.walks_out(anna, person(), NIBE), letting_out.walks_out(anna, person(), EASEE)
    letting_out.hands_over(anna, pump, charger.code)
    letting_out.hands_over(anna, charger, pump.code)
    assert strangers.stands(live) == [WAITING, WAITING]


@pytest.mark.parametrize("choice", sampled(CHOICES, 1), ids=lambda choice: choice.provider)
def test_a_code_used_a_hundred_times_at_once_is_used_once(
    live: Installation, person: Make, anna: Person, choice: Choice
) -> None:
    words = letting_out.walks_out(anna, person(), choice)
    cookies = {cookie.name: str(cookie.value) for cookie in anna.cookies if "portal" in cookie.name}
    told = {"ref": words.ref, "code": words.code}

    def hand_over(_: int) -> tuple[int, str]:
        answer = requests.post(f"{live.url}/app/return", data=told, cookies=cookies, allow_redirects=False, timeout=60)
        return answer.status_code, answer.headers["Location"]

    with ThreadPoolExecutor(50) as crowd:
        assert set(crowd.map(hand_over, range(100))) == {(303, f"/link-sessions/{words.ref}")}
    assert is_linked(live, anna, words)
    assert strangers.noted(live, words.ref).count("link_session.arrived") == 1
    assert strangers.noted(live, words.ref).count("link_session.linked") == 1


@at_every_provider
def test_a_return_in_a_browser_that_was_not_let_out_brings_no_code(
    live: Installation, person: Make, anna: Person, choice: Choice
) -> None:
    browser, other = person(), person()
    page = letting_out.opens(browser, letting_out.ticket_on(letting_out.chooses(anna, choice)))
    back = strangers.sign_in_there(browser, letting_out.goes_on(browser, page), choice)
    assert other.look(back).path != "/app/back"
    assert "code=" not in other.look("/app/back").html
    assert live.devices() == ()
    assert {state for state, _ in strangers.stands(live)} <= {State.HELD, State.DEPARTED}


def test_a_return_says_nothing_of_whose_it_is(live: Installation, person: Make, anna: Person) -> None:
    browser = person()
    letting_out.walks_out(anna, browser, NIBE)
    page = browser.look("/app/back")
    assert not [word for word in ("Anna", "Lindqvist", "NIBE", "S1255") if word in page.html]
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("choice", [EASEE, DAIKIN], ids=lambda choice: choice.provider)
def test_the_providers_own_word_links_nothing_without_the_code(
    live: Installation, clock: Clock, person: Make, anna: Person, choice: Choice
) -> None:
    browser = person()
    page = letting_out.opens(browser, letting_out.ticket_on(letting_out.chooses(anna, choice)))
    strangers.sign_in_there(browser, letting_out.goes_on(browser, page), choice)
    attempt_page = f"/link-sessions/{live.newest_attempt()}"
    for _ in range(3):
        reconcile(ports=live.portal.ports, now=clock())
        anna.look(attempt_page)
    assert live.devices() == ()
    assert live.state_of(attempt_page) is State.DEPARTED


@pytest.mark.parametrize("choice", [EASEE, DAIKIN], ids=lambda choice: choice.provider)
def test_two_customers_on_two_phones_each_get_their_own(
    live: Installation, person: Make, anna: Person, bela: Person, choice: Choice
) -> None:
    annas, belas = person(), person()
    left = {
        webview: letting_out.goes_on(browser, letting_out.opens(browser, letting_out.ticket_on(page)))
        for webview, browser, page in (
            (anna, annas, letting_out.chooses(anna, choice)),
            (bela, belas, letting_out.chooses(bela, choice)),
        )
    }
    back = letting_out.words_on(letting_out.comes_back(belas, left[bela], choice, choice.other_account))
    letting_out.hands_over(anna, back)
    assert live.devices() == ()
    letting_out.hands_over(bela, back)
    assert is_linked(live, bela, back)
    letting_out.hands_over(anna, letting_out.words_on(letting_out.comes_back(annas, left[anna], choice)))
    anna.sees("/devices", lambda _: len(live.devices()) == 2)
    assert len({device.customer_id for device in live.devices()}) == 2
