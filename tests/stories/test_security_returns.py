"""Forged, replayed and swapped returns: nothing comes of them, and the genuine one still wins."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests

from portal.domain.link_session import State
from portal.sandbox.program import RunningSandbox
from tests.stories import strangers
from tests.stories.strangers import CHOICES, DAIKIN, EASEE, NIBE, Choice
from tests.support.live import Installation
from tests.support.person import Person

Make = Callable[..., Person]

TESLA = Choice("podero", "vehicle", "tesla", "demo-tesla@getfreeheat.com", "second@getfreeheat.com", "tesla")

at_every_provider = pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.provider)


@pytest.fixture(scope="module")
def running(running_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with strangers.english_portal(running_sandbox, tmp_path_factory.mktemp("returns")) as live:
        yield live


@pytest.fixture
def anna(live: Installation, person: Make) -> Person:
    anna = person()
    anna.sign_in("anna")
    return anna


@pytest.fixture
def bela(live: Installation, person: Make) -> Person:
    bela = person()
    bela.sign_in("bela")
    return bela


def wins(live: Installation, customer: Person, back: str) -> None:
    """The genuine return links the one device, whatever came before it."""
    page = customer.look(back)
    assert page.path.startswith("/link-sessions/"), page.path
    customer.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)
    (device,) = live.devices()
    assert device.provider_device_id in back or device.provider_device_id in strangers.data_in(back)["device_ids"]


def forged(live: Installation, choice: Choice, device_id: str | None = None) -> str:
    """A return with a device id that is well formed and nobody's, or with the one given."""
    if choice is NIBE:
        secret = next(link.success_url for link in live.sandbox.state.links.values() if link.provider == "podero")
        return f"{secret}?deviceId={device_id or uuid4()}"
    if choice is EASEE:
        return f"{live.url}/return/telematica?devices={device_id or '5' * 24}&deviceType=charger"
    user = next(user for user in live.sandbox.state.users if user.provider == "nox")
    claimed = {"nox_user_id": user.id, "supplier_user_id": user.external_id, "device_ids": [device_id or "nox-1"]}
    return f"{live.url}/return/nox?data={strangers.as_data(claimed)}"


@at_every_provider
def test_a_device_id_that_is_nobodys_brings_nothing(live: Installation, anna: Person, choice: Choice) -> None:
    connect_url = strangers.leave(anna, choice)
    for _ in range(3):
        anna.look(forged(live, choice))
    assert live.devices() == ()
    wins(live, anna, strangers.sign_in_there(anna, connect_url, choice))


@at_every_provider
def test_another_customers_device_id_brings_nothing(
    live: Installation, anna: Person, bela: Person, choice: Choice
) -> None:
    strangers.link(live, bela, choice)
    (theirs,) = live.devices()
    live.sandbox.state.links.clear()
    connect_url = strangers.leave(anna, choice)
    if choice is DAIKIN:
        live.sandbox.state.users.reverse()
    anna.look(forged(live, choice, theirs.provider_device_id))
    anna.look("/devices")
    assert live.devices() == (theirs,)
    back = strangers.sign_in_there(anna, connect_url, choice, choice.other_account)
    page = anna.look(back)
    anna.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)
    assert len(live.devices()) == 2
    assert len({device.customer_id for device in live.devices()}) == 2


@at_every_provider
def test_a_return_without_an_attempt_brings_nothing(
    live: Installation, anna: Person, bela: Person, choice: Choice
) -> None:
    connect_url = strangers.leave(anna, choice)
    url = forged(live, choice)
    wins(live, anna, strangers.sign_in_there(anna, connect_url, choice))
    mine, before = strangers.attempts(live)[0].id, strangers.untouched(live)
    for visitor in (bela, anna, bela):
        for query in ("", "?deviceId=x", "?data=e30", "?devices=x", "?data=e30&data=e30", "?devices=&deviceType=\0"):
            for path in (
                f"/return/{choice.provider}",
                f"/return/{choice.provider}/{'s' * 43}/success",
                "/return/nobody",
            ):
                assert strangers.arrive(visitor, f"{live.url}{path}{query}").headers["Location"] in {
                    "/return",
                    f"/link-sessions/{mine}",
                }
        strangers.arrive(visitor, url)
    assert strangers.untouched(live) == before


@at_every_provider
def test_a_return_repeated_fifty_times_and_fifty_at_once_is_one_return(
    live: Installation, anna: Person, choice: Choice
) -> None:
    back = strangers.sign_in_there(anna, strangers.leave(anna, choice), choice)
    cookies = {cookie.name: str(cookie.value) for cookie in anna.cookies if "portal" in cookie.name}

    def repeat(_: int) -> tuple[int, str]:
        answer = requests.get(back, cookies=cookies, allow_redirects=False, timeout=60)
        return answer.status_code, answer.headers["Location"]

    with ThreadPoolExecutor(50) as crowd:
        at_once = set(crowd.map(repeat, range(50)))
    ((status, page),) = at_once
    assert status == 303
    anna.sees(page, lambda seen: live.state_of(seen.path) is State.LINKED)
    assert {repeat(turn) for turn in range(50)} == at_once

    (device,) = live.devices()
    attempt_id = page.rsplit("/", 1)[-1]
    assert strangers.noted(live, attempt_id).count("link_session.linked") == 1
    assert strangers.noted(live, attempt_id).count("link_session.arrived") == 1
    assert strangers.noted(live, device.id).count("device.linked") == 1


def test_a_return_at_the_wrong_provider_brings_nothing(live: Installation, anna: Person) -> None:
    connect_urls = {choice.provider: strangers.leave(anna, choice) for choice in CHOICES}
    answers = {choice.provider: urlsplit(forged(live, choice)) for choice in CHOICES}
    for place in answers.values():
        for answer in answers.values():
            strangers.arrive(anna, f"{live.url}{place.path}?{answer.query}")
    assert live.devices() == ()
    assert not {state for state, _ in strangers.stands(live)} & {State.LINKED, State.FAILED}
    for choice in CHOICES:
        page = anna.look(strangers.sign_in_there(anna, connect_urls[choice.provider], choice))
        anna.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)
    assert sorted(device.provider_key for device in live.devices()) == ["nox", "podero", "telematica"]


def test_a_provider_has_no_address_of_another_kind(live: Installation, anna: Person) -> None:
    """An attempt's own address is Podero's alone, and the one fixed address is never Podero's."""
    for choice in CHOICES:
        strangers.leave(anna, choice)
    secret = urlsplit(forged(live, NIBE)).path.split("/")[3]
    for place in (f"/return/nox/{secret}/success", f"/return/telematica/{secret}/success", "/return/podero"):
        for choice in CHOICES:
            answer = strangers.arrive(anna, f"{live.url}{place}?{urlsplit(forged(live, choice)).query}")
            assert answer.headers["Location"] == "/return"
    assert {state for state, _ in strangers.stands(live)} == {State.DEPARTED}


def test_the_answers_of_two_attempts_swapped_bring_each_device_once_as_what_it_is(
    live: Installation, anna: Person
) -> None:
    pump = strangers.sign_in_there(anna, strangers.leave(anna, NIBE), NIBE)
    car = strangers.sign_in_there(anna, strangers.leave(anna, TESLA), TESLA)
    (pump_place, pump_answer), (car_place, car_answer) = pump.split("?"), car.split("?")
    anna.look(f"{pump_place}?{car_answer}")
    anna.look(f"{car_place}?{pump_answer}")
    for back in (pump, car):
        page = anna.look(back)
        anna.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)
    assert sorted(device.device_type for device in live.devices()) == ["heat_pump", "vehicle"]


def test_the_answers_of_two_customers_swapped_bring_nothing(live: Installation, anna: Person, bela: Person) -> None:
    annas = strangers.sign_in_there(anna, strangers.leave(anna, DAIKIN), DAIKIN)
    belas = strangers.sign_in_there(bela, strangers.leave(bela, DAIKIN), DAIKIN, DAIKIN.other_account)
    for customer, back in ((anna, belas), (bela, annas), (anna, annas), (bela, belas)):
        assert strangers.arrive(customer, back)
    for customer in (anna, bela):
        for row in strangers.attempts(live):
            customer.get(f"{live.url}/link-sessions/{row.id}", timeout=10)
    assert live.devices() == ()


@at_every_provider
def test_after_a_cancel_the_genuine_return_still_wins(live: Installation, anna: Person, choice: Choice) -> None:
    connect_url = strangers.leave(anna, choice)
    anna.look(cancel_of(live, choice))
    assert strangers.stands(live)[0][0] is State.CANCELLED
    wins(live, anna, strangers.sign_in_there(anna, connect_url, choice))


@at_every_provider
def test_a_cancel_after_the_genuine_return_takes_nothing_away(live: Installation, anna: Person, choice: Choice) -> None:
    connect_url = strangers.leave(anna, choice)
    cancel = cancel_of(live, choice)
    back = strangers.sign_in_there(anna, connect_url, choice)
    strangers.arrive(anna, back)
    strangers.arrive(anna, cancel)
    wins(live, anna, back)
    strangers.arrive(anna, cancel)
    assert len(live.devices()) == 1
    assert strangers.stands(live)[0][0] is State.LINKED


@at_every_provider
@pytest.mark.parametrize("is_customer", [True, False], ids=["another customer", "a passer-by"])
def test_a_cancel_by_a_stranger_changes_nothing(
    live: Installation, person: Make, anna: Person, choice: Choice, is_customer: bool
) -> None:
    connect_url = strangers.leave(anna, choice)
    stranger = person()
    if is_customer:
        stranger.sign_in("bela")
    strangers.arrive(stranger, cancel_of(live, choice))
    assert strangers.stands(live)[0][0] is State.DEPARTED
    wins(live, anna, strangers.sign_in_there(anna, connect_url, choice))


def cancel_of(live: Installation, choice: Choice) -> str:
    """Where the Connect UI would send a browser whose customer cancels."""
    link = next(link for link in live.sandbox.state.links.values() if link.provider == choice.provider)
    assert link.cancel_url is not None
    return link.cancel_url
