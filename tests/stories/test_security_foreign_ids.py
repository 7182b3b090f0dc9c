"""An id in an address is no key: another person's device or attempt is as absent as one that never was."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from portal.sandbox.program import RunningSandbox
from tests.stories import strangers
from tests.stories.strangers import CHOICES, DAIKIN, NIBE
from tests.support.live import Installation
from tests.support.person import Person, onward

Make = Callable[..., Person]

ABSENT = "QQQQQQQQQQQQQQQQQQQQQQ"
DEVICE_ROUTES: tuple[str, ...] = (
    "GET /devices/{}/remove",
    "POST /devices/{}/remove",
    "POST /devices/{}/reauthenticate",
)
ATTEMPT_ROUTES: tuple[str, ...] = (
    "GET /link-sessions/{}",
    "GET /link-sessions/{}/leave",
    "POST /link-sessions/{}/continue",
    "POST /link-sessions/{}/keep",
)


@pytest.fixture(scope="module")
def running(running_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with strangers.english_portal(running_sandbox, tmp_path_factory.mktemp("foreign")) as live:
        yield live


@pytest.fixture
def anna(live: Installation, person: Make) -> Person:
    """A customer with a device at every provider, one of which needs reconnecting, and an attempt under way."""
    anna = person()
    anna.sign_in("anna")
    for choice in CHOICES:
        strangers.link(live, anna, choice)
    broken = next(device for device in live.sandbox.state.devices if device.provider == "podero")
    anna.post(f"{live.sandbox.url}/control/devices/podero/{broken.id}/break", json={}, timeout=10)
    anna.sees("/devices", lambda page: page.offers("/reauthenticate"))
    strangers.leave(anna, DAIKIN)
    return anna


@pytest.fixture
def bela(live: Installation, person: Make) -> Person:
    bela = person()
    bela.sign_in("bela")
    return bela


def ids(live: Installation) -> list[tuple[tuple[str, ...], str]]:
    """Every id of ours and of the providers' that stands for something of Anna's, with the routes that take ids."""
    own = [(DEVICE_ROUTES, device.id) for device in live.devices()]
    own += [(DEVICE_ROUTES, device.provider_device_id) for device in live.devices()]
    own += [(ATTEMPT_ROUTES, row.id) for row in strangers.attempts(live)]
    both = [(DEVICE_ROUTES, row.id) for row in strangers.attempts(live)]
    return [*own, *both, *((ATTEMPT_ROUTES, device.id) for device in live.devices())]


def ask(person: Person, route: str, public_id: str) -> requests.Response:
    """Goes to the address as its own form would; answers what came first."""
    method, path = route.format(public_id).split(" ")
    forms = person.look("/").forms() if method == "POST" else []
    return person.request(
        method, person.at + path, data=forms[0].fields if forms else None, allow_redirects=False, timeout=10
    )


def appearance(answer: requests.Response, public_id: str) -> tuple[int, str, str]:
    """What an answer shows, without what differs from one request to the next."""
    # The id first: a random one may hold what looks like a reference number.
    text = answer.text.replace(public_id, "<id>")
    return (
        answer.status_code,
        answer.headers.get("Location", "").replace(public_id, "<id>"),
        re.sub(r'[A-Z0-9]{4}-[A-Z0-9]{4}|name="csrf_token" value="[^"]+"', "", text),
    )


def all_calls(live: Installation) -> int:
    return sum(len(strangers.calls(live, choice.provider)) for choice in CHOICES)


def test_another_persons_id_is_as_absent_as_one_that_never_was(
    live: Installation, person: Make, anna: Person, bela: Person
) -> None:
    time.sleep(0.3)
    before = live.devices(), strangers.untouched(live), all_calls(live)
    passer_by = person()
    for visitor, seen in ((bela, {404}), (passer_by, {200, 303})):
        absent = {route: appearance(ask(visitor, route, ABSENT), ABSENT) for route in (*DEVICE_ROUTES, *ATTEMPT_ROUTES)}
        assert {status for status, _, _ in absent.values()} == seen
        for routes, public_id in ids(live):
            for route in routes:
                theirs = appearance(ask(visitor, route, public_id), public_id)
                assert theirs == absent[route], (route, public_id)
    time.sleep(0.3)
    assert (live.devices(), strangers.untouched(live), all_calls(live)) == before


def test_acting_on_another_persons_attempt_ends_on_a_page_that_does_not_exist(
    live: Installation, anna: Person, bela: Person
) -> None:
    before = all_calls(live)
    for row in strangers.attempts(live):
        for route in ATTEMPT_ROUTES:
            answer = ask(bela, route, row.id)
            while answer.status_code == 303:
                answer = bela.get(bela.at + answer.headers["Location"], allow_redirects=False, timeout=10)
            assert answer.status_code == 404
            assert "page does not exist" in answer.text
    assert all_calls(live) == before


def test_a_piece_of_a_page_is_kept_from_others_as_well(live: Installation, anna: Person, bela: Person) -> None:
    for row in strangers.attempts(live):
        answer = bela.get(
            f"{live.url}/link-sessions/{row.id}?was=waiting&n=1", headers={"HX-Request": "true"}, timeout=10
        )
        assert answer.status_code == 404
    theirs = bela.get(f"{live.url}/devices?n=1", headers={"HX-Request": "true"}, timeout=10)
    assert not any(device.id in theirs.text for device in live.devices())


def test_a_stranger_who_keeps_asking_does_not_hold_up_the_owner(live: Installation, person: Make, bela: Person) -> None:
    owner = person()
    owner.sign_in("anna")
    back = strangers.sign_in_there(owner, strangers.leave(owner, NIBE), NIBE)
    live.sandbox.state.set_faults("podero", {"delay": 0.2, "path_contains": "/heat-pumps"})
    page = strangers.arrive(owner, back).headers["Location"]
    for _ in range(5):
        assert bela.get(live.url + page, timeout=10).status_code == 404
    owner.sees(page, lambda seen: "is connected" in seen.heading, within=5)


def test_its_own_customer_may(live: Installation, anna: Person) -> None:
    """The same addresses work for whom they belong to: what is refused above is refused for a reason."""
    lapsed = next(device for device in live.devices() if device.needs_customer)
    assert ask(anna, "GET /devices/{}/remove", lapsed.id).status_code == 200
    left = ask(anna, "POST /devices/{}/reauthenticate", lapsed.id)
    assert left.headers["Location"].endswith("/leave")
    assert str(onward(anna.get(live.url + left.headers["Location"], timeout=10))).startswith(live.sandbox.url)
    assert ask(anna, "GET /link-sessions/{}", strangers.attempts(live)[0].id).status_code == 200
    assert ask(anna, "POST /devices/{}/remove", lapsed.id).headers["Location"] == "/devices"
    assert lapsed.id not in {device.id for device in live.devices()}


def test_the_providers_own_ids_stand_on_no_page(live: Installation, anna: Person) -> None:
    theirs = {device.provider_device_id for device in live.devices()}
    theirs |= {user.id for user in live.sandbox.state.users} | {str(u.external_id) for u in live.sandbox.state.users}
    pages = ["/devices", *(f"/link-sessions/{row.id}" for row in strangers.attempts(live))]
    pages += [f"/devices/{device.id}/remove" for device in live.devices()]
    for path in pages:
        html = anna.look(path).html
        assert not [name for name in theirs if name in html], path
