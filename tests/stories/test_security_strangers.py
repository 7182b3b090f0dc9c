"""A customer sends their own link to a stranger: nobody gets the stranger's device. A lost cookie costs nothing."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.link_session import Reason, State
from portal.sandbox.program import RunningSandbox
from portal.storage import tables
from tests.stories import strangers
from tests.stories.strangers import CHOICES, DAIKIN, EASEE, NIBE, Choice
from tests.support.live import Installation
from tests.support.person import Person

Make = Callable[..., Person]

NAMED = (NIBE, DAIKIN)
"""The return tells whose attempt it is: by its secret, or by the pseudonym in it."""

at_every_provider = pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.provider)
where_the_return_tells = pytest.mark.parametrize("choice", NAMED, ids=lambda choice: choice.provider)
whoever_comes = pytest.mark.parametrize("comes", ["signed in", "signed out", "signs in then"])


@pytest.fixture(scope="module")
def running(running_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with strangers.english_portal(running_sandbox, tmp_path_factory.mktemp("strangers")) as live:
        yield live


@pytest.fixture
def owner(live: Installation, person: Make) -> Person:
    """The customer whose attempt it is, and who would like to have a stranger's device."""
    owner = person()
    owner.sign_in("anna")
    return owner


@pytest.fixture
def stranger(live: Installation, person: Make) -> Person:
    """Another customer, who was sent the link."""
    stranger = person()
    stranger.sign_in("bela")
    return stranger


def nothing_is_linked(live: Installation, *people: Person) -> None:
    """Nobody has a device, and nobody's pages speak of one, however often they look."""
    for page in {f"/link-sessions/{row.id}" for row in strangers.attempts(live)}:
        for _ in range(2):
            people[0].look(page)
    assert live.devices() == ()
    models = {device.physical.model for device in live.sandbox.state.devices}
    for person in people:
        assert not any(model in person.look("/devices").html for model in models)


def naming_nothing(live: Installation) -> str:
    """An answer of NOX's as its own customer can make it up."""
    user = next(user for user in live.sandbox.state.users if user.provider == "nox")
    claims = {"nox_user_id": user.id, "supplier_user_id": user.external_id}
    return strangers.as_data({**claims, "brand": "daikin", "device_ids": []})


@whoever_comes
@where_the_return_tells
def test_a_device_that_a_stranger_was_tricked_into_linking_is_nobodys(
    live: Installation, person: Make, owner: Person, choice: Choice, comes: str
) -> None:
    connect_url = strangers.leave(owner, choice)
    stranger = person()
    if comes == "signed in":
        stranger.sign_in("bela")
    back = strangers.sign_in_there(stranger, connect_url, choice)
    seen = stranger.look(back)
    if comes == "signs in then":
        seen = stranger.submit(seen.forms()[0], username="bela", password="demo")
    if comes == "signed out":
        assert "/oidc/" in seen.path
    else:
        assert seen.path == "/return"
        nothing_is_linked(live, owner, stranger)
    nothing_is_linked(live, owner)
    assert strangers.stands(live)[0][0] is State.HELD

    for _ in range(3):
        owner.look(back)
    nothing_is_linked(live, owner)

    page = strangers.link(live, owner, choice, choice.other_account)
    theirs = {d.id for d in live.sandbox.state.devices if d.physical.account == choice.account}
    assert [device.provider_device_id in theirs for device in live.devices()] == [False]
    assert "connected" in page.heading


@where_the_return_tells
def test_signing_out_and_in_again_does_not_make_a_strangers_return_ones_own(
    live: Installation, owner: Person, stranger: Person, choice: Choice
) -> None:
    back = strangers.sign_in_there(stranger, strangers.leave(owner, choice), choice)
    stranger.look(back)
    owner.cookies.clear()
    page = owner.look(back)
    owner.submit(page.forms()[0], username="anna", password="demo")
    nothing_is_linked(live, owner, stranger)
    assert strangers.stands(live) == [(State.HELD, Reason.ANOTHER_PERSON)]


@where_the_return_tells
def test_a_return_waits_for_a_sign_in_in_its_own_browser_only(
    live: Installation, person: Make, owner: Person, choice: Choice
) -> None:
    passer_by = person()
    back = strangers.sign_in_there(passer_by, strangers.leave(owner, choice), choice)
    passer_by.look(back)
    elsewhere = person()
    page = elsewhere.look(back)
    elsewhere.submit(page.forms()[0], username="anna", password="demo")
    nothing_is_linked(live, elsewhere)


def test_a_return_made_up_before_the_stranger_comes_does_not_bring_the_strangers_device(
    live: Installation, owner: Person, stranger: Person
) -> None:
    strangers.link(live, owner, DAIKIN)
    (own,) = live.devices()
    connect_url = strangers.leave(owner, DAIKIN)
    strangers.arrive(owner, f"{live.url}/return/nox?data={naming_nothing(live)}")
    back = strangers.sign_in_there(stranger, connect_url, DAIKIN, "victim@example.com")
    for _ in range(3):
        owner.look(f"/link-sessions/{strangers.attempts(live)[-1].id}")
    assert [device.id for device in live.devices()] == [own.id]

    assert stranger.look(back).path == "/return"
    owner.look(back)
    owner.look(f"/link-sessions/{strangers.attempts(live)[-1].id}")
    assert [device.id for device in live.devices()] == [own.id]
    assert strangers.stands(live)[-1] == (State.HELD, Reason.ANOTHER_PERSON)


def test_a_made_up_return_that_waits_for_a_sign_in_does_not_outwait_the_stranger(
    live: Installation, person: Make, owner: Person, stranger: Person
) -> None:
    connect_url = strangers.leave(owner, DAIKIN)
    second = person()
    waiting = second.look(f"/return/nox?data={naming_nothing(live)}")
    stranger.look(strangers.sign_in_there(stranger, connect_url, DAIKIN))
    second.submit(waiting.forms()[0], username="anna", password="demo")
    nothing_is_linked(live, owner, second)
    assert strangers.stands(live) == [(State.HELD, Reason.ANOTHER_PERSON)]


def test_pressing_cancel_does_not_tell_the_address_of_success(
    live: Installation, owner: Person, stranger: Person
) -> None:
    cancelled = strangers.cancel_there(owner, strangers.leave(owner, NIBE))
    assert cancelled.endswith("/cancel")
    guessed = cancelled.removesuffix("cancel") + "success"
    assert owner.look(guessed).path == "/return"
    assert strangers.stands(live)[0][0] is State.DEPARTED
    owner.look(cancelled)
    owner.look(guessed)
    assert strangers.stands(live)[0][0] is State.CANCELLED


def test_telematicas_signed_word_alone_links_nothing(live: Installation, owner: Person, stranger: Person) -> None:
    connect_url = strangers.leave(owner, EASEE)
    back = strangers.sign_in_there(stranger, connect_url, EASEE)
    assert stranger.look(back).path == "/return"
    deadline = time.monotonic() + 30
    while not all(event["delivered"] for event in live.sandbox.state.events):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    owner.look("/return/telematica?deviceType=charger")
    owner.look(f"/return/telematica?devices={'0' * 24}&deviceType=charger")
    nothing_is_linked(live, owner, stranger)


def test_the_access_to_a_strangers_device_is_ended_once(live: Installation, owner: Person, stranger: Person) -> None:
    back = strangers.sign_in_there(stranger, strangers.leave(owner, NIBE), NIBE)
    for _ in range(5):
        stranger.look(back)
    deadline = time.monotonic() + 30
    while not (ended := strangers.calls(live, "podero", "DELETE", "/heat-pumps/")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    owner.look(back)
    time.sleep(0.2)
    assert (
        [call["status"] for call in strangers.calls(live, "podero", "DELETE")] == [204] == [c["status"] for c in ended]
    )
    (device,) = live.sandbox.state.devices
    assert device.removed_at is not None


def test_a_device_that_was_the_customers_before_is_not_taken_away_by_a_strangers_return(
    live: Installation, owner: Person, stranger: Person
) -> None:
    strangers.link(live, owner, NIBE)
    stranger.look(strangers.sign_in_there(stranger, strangers.leave(owner, NIBE), NIBE))
    time.sleep(0.3)
    assert strangers.calls(live, "podero", "DELETE") == []
    assert len(live.devices()) == 1


@at_every_provider
def test_a_customer_whose_cookie_is_lost_signs_in_again_and_has_the_device(
    live: Installation, owner: Person, choice: Choice
) -> None:
    back = strangers.sign_in_there(owner, strangers.leave(owner, choice), choice)
    owner.cookies.clear()
    page = owner.look(back)
    assert "/oidc/" in page.path or page.path == "/return"
    if page.path == "/return":
        page = owner.look("/sign-in")
    page = owner.submit(page.forms()[0], username="anna", password="demo")
    assert page.path.startswith("/link-sessions/")
    owner.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)
    assert len(live.devices()) == 1


@at_every_provider
def test_a_customer_who_came_back_in_time_may_take_their_time_to_sign_in_again(
    live: Installation, owner: Person, choice: Choice
) -> None:
    back = strangers.sign_in_there(owner, strangers.leave(owner, choice), choice)
    owner.cookies.clear()
    owner.look(back)
    soon = datetime.now(UTC) + timedelta(seconds=0.2)
    with live.database.write() as tx:
        tx.connection.execute(tables.link_sessions.update().values(expires_at=soon))
    time.sleep(0.3)
    page = owner.sign_in("anna")
    owner.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)
