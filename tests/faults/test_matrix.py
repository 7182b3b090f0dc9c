"""Whatever goes wrong on the way to a provider: what the customer sees, what is kept, what the provider got."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from _pytest.mark import ParameterSet

from portal.domain.link_session import Reason, State
from tests.faults.calls import Role
from tests.faults.expectations import CELLS, SAMPLE, Cell, Ending
from tests.faults.faults import Family
from tests.faults.forgetting import assert_forgotten, assert_given_up, assert_is_being_told, assert_known_there
from tests.faults.house import House
from tests.faults.layer import Asked
from tests.faults.story import Story
from tests.support.person import Page

PROVIDER_AWAY = "%(provider)s cannot be reached right now"
NOT_STARTED = "The connection could not be started"
GETTING_READY = "Getting your link ready"
CHECKING = "Waiting for your heat pump"
KEPT = "%(device)s could not be removed right now. Nothing has changed: try again in a few minutes."
UNSURE = (
    "%(provider)s has not answered, so we do not know yet whether %(device)s is removed. You do not have to wait here: "
    "we keep checking."
)
STILL_UNSURE = "We do not know yet whether it is removed. We keep checking, and there is nothing for you to do."
REMOVED = "%(device)s is removed, and our access to it has ended."
OFF_LIST = "%(device)s is off your list. The access through %(provider)s may still be there."

EARLY = 0.06
"""How much sooner than asked a call may seem to come, by the grain of the clocks."""


def marked(cell: Cell) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.torture, pytest.mark.sample) if str(cell) in SAMPLE else (pytest.mark.torture,)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.mark.parametrize("cell", [pytest.param(cell, id=str(cell), marks=marked(cell)) for cell in CELLS])
def test_a_fault_ends_as_the_customer_was_promised(
    open_house: House, cell: Cell, stack: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    story = Story(open_house, cell, stack)
    page = story.up_to_the_call()
    if cell.expected.ending is not Ending.GOES_ON:
        page = settled(story, page)
        story.assert_fit_to_be_seen(page)
    story.assert_reached()
    ENDINGS[cell.expected.ending](story, page)
    assert_nothing_came_early(story)
    assert_nothing_went_elsewhere(story)
    assert_nothing_leaked(story, caplog.text)
    assert_one_customer_there(story)


def lasting(ending: Ending) -> list[ParameterSet]:
    """All cells that end so, one in a hundred and sixty of them in the sample."""
    return [
        pytest.param(cell, id=str(cell), marks=(pytest.mark.torture, pytest.mark.sample)[: 1 + (number % 160 == 0)])
        for number, cell in enumerate(cell for cell in CELLS if cell.expected.ending is ending)
    ]


@pytest.mark.parametrize("cell", lasting(Ending.WAITS))
def test_a_page_that_has_waited_for_two_minutes_says_so(open_house: House, cell: Cell, stack: ExitStack) -> None:
    story = Story(open_house, cell, stack)
    page = settled(story, story.up_to_the_call())
    for _ in range(2):
        story.house.clock.forward(61)
        page = story.look_again(page.path)
    story.assert_fit_to_be_seen(page)
    ended(Reason.PROVIDER_UNAVAILABLE, PROVIDER_AWAY)(story, page)


@pytest.mark.parametrize("cell", lasting(Ending.IS_BEING_TOLD))
def test_a_provider_that_cannot_be_told_for_three_days_is_given_up_and_the_rest_is_deleted(
    open_house: House, cell: Cell, stack: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    story = Story(open_house, cell, stack)
    assert_given_up(story, settled(story, story.up_to_the_call()))
    assert_nothing_came_early(story)
    assert_nothing_leaked(story, caplog.text)


def settled(story: Story, page: Page) -> Page:
    """The page when what it waits for is over; the one of a removal says it once."""
    story.house.worker.settle()
    is_told_once = story.cell.call.role in {Role.REMOVES, Role.READS, Role.DETAILS}
    return page if is_told_once else story.anna.look(page.path)


def assert_goes_on(story: Story, page: Page) -> None:
    if not story.is_at_provider(page):
        page = goes_on_by_itself(story, page.path)
    back = story.sign_in_there(page)
    assert story.is_ours(back), (back.url, back.text)
    story.sees(back.path, State.LINKED)


def assert_waits(story: Story, page: Page) -> None:
    attempt = story.attempt()
    assert (attempt.state, attempt.reason) == (State.CREATED, None)
    assert page.heading == story.words(GETTING_READY)
    story.house.layer.disarm()
    there = goes_on_by_itself(story, page.path)
    assert story.is_at_provider(there)
    assert story.attempt().id == attempt.id


def goes_on_by_itself(story: Story, path: str) -> Page:
    """The page follows its link as soon as there is one, without a click."""
    page = story.waits_until(path, lambda seen: seen.offers("/continue"))
    return story.anna.submit(page.form("/continue"))


def ended(reason: Reason, heading: str) -> Callable[[Story, Page], None]:
    """The attempt is over, and its choice is kept: another attempt begins with it."""

    def check(story: Story, page: Page) -> None:
        attempt = story.attempt()
        assert (attempt.state, attempt.reason) == (State.FAILED, reason)
        assert page.heading == story.words(heading, provider=story.choice.name)
        story.house.layer.disarm()
        there = tries_again(story, page)
        assert story.attempt().id != attempt.id
        if story.cell.fault.family is Family.TOO_LONG:
            assert not story.is_at_provider(there)
        elif not story.is_at_provider(there):
            assert story.is_at_provider(goes_on_by_itself(story, there.path))

    return check


def tries_again(story: Story, page: Page) -> Page:
    story.house.clock.forward(5)
    if story.cell.call.renews:
        return story.anna.submit(page.form("/reauthenticate"))
    kept = f"/connect/{story.choice.device_type}/{story.choice.vendor}"
    assert any(link.endswith(kept) for link in page.links())
    return story.begin()


def assert_checks(story: Story, page: Page) -> None:
    assert story.attempt().state in {State.ARRIVED, State.WAITING}
    assert not story.house.live.devices()
    story.house.layer.disarm()
    if story.cell.fault.family is Family.TOO_LONG:
        story.house.clock.forward(60)
        assert story.words(CHECKING) == story.look_again(page.path).heading
        return
    story.waits_until(page.path, lambda _: story.attempt().state is State.LINKED)
    assert len(story.house.live.devices()) == 1


def assert_linked(story: Story, page: Page) -> None:
    story.sees(page.path, State.LINKED)
    assert len(story.house.live.devices()) == 1


def assert_as_before(story: Story, page: Page) -> None:
    (before,), device = story.before, story.device()
    assert (device.connection, device.removed_at) == (before.connection, None)
    assert page.offers("/reauthenticate") is device.needs_customer
    assert story.called(device) in page.text


def assert_stays(story: Story, page: Page) -> None:
    device = story.device()
    assert device.removed_at is None
    assert story.words(KEPT, device=story.called(device)) in page.text
    story.house.layer.disarm()
    if story.cell.fault.family not in {Family.NOT_NOW, Family.TOO_LONG}:
        assert story.words(REMOVED, device=story.called(device)) in story.removes(device).text
        assert story.house.live.devices() == ()


def assert_unsure(story: Story, page: Page) -> None:
    device = story.device()
    assert story.words(UNSURE, device=story.called(device), provider=story.choice.name) in page.text
    assert story.words(STILL_UNSURE) in page.text
    assert not page.offers("/remove")
    story.house.layer.disarm()
    story.house.clock.forward(61)
    story.house.worker.reconciles()
    assert story.house.live.devices() == ()


def off_the_list(message: str) -> Callable[[Story, Page], None]:
    def check(story: Story, page: Page) -> None:
        (before,) = story.before
        assert story.house.live.devices() == ()
        assert story.words(message, device=story.called(before), provider=story.choice.name) in page.text

    return check


ENDINGS: dict[Ending, Callable[[Story, Page], None]] = {
    Ending.GOES_ON: assert_goes_on,
    Ending.WAITS: assert_waits,
    Ending.UNAVAILABLE: ended(Reason.PROVIDER_UNAVAILABLE, PROVIDER_AWAY),
    Ending.NOT_STARTED: ended(Reason.PROVIDER_ANSWER, NOT_STARTED),
    Ending.TURNED_AWAY: ended(Reason.PROVIDER_REFUSED, NOT_STARTED),
    Ending.CHECKS: assert_checks,
    Ending.LINKED: assert_linked,
    Ending.AS_BEFORE: assert_as_before,
    Ending.STAYS: assert_stays,
    Ending.UNSURE: assert_unsure,
    Ending.REMOVED: off_the_list(REMOVED),
    Ending.OFF_LIST: off_the_list(OFF_LIST),
    Ending.FORGOTTEN: assert_forgotten,
    Ending.KNOWN_THERE: assert_known_there,
    Ending.IS_BEING_TOLD: assert_is_being_told,
}


def assert_nothing_came_early(story: Story) -> None:
    """After the provider asked for a pause, nothing came before it was over: of the very call where it said "too many",
    for that is about one customer's quota, and nothing at all where it said that it is not well."""
    layer, is_quota = story.house.layer, str(story.cell.fault).startswith("429")
    for struck in layer.struck:
        concerned = [asked for asked in layer.calls if not is_quota or place_of(asked) == place_of(struck)]
        later = [asked.at - struck.at for asked in concerned if asked.at > struck.at]
        assert all(pause >= story.cell.fault.wait - EARLY for pause in later), later


def place_of(asked: Asked) -> tuple[str, str]:
    return asked.method, asked.target.partition("?")[0]


def assert_nothing_went_elsewhere(story: Story) -> None:
    assert story.house.layer.sink.visits == 0


def assert_nothing_leaked(story: Story, log: str) -> None:
    assert not [secret for secret in story.house.secrets() if secret in log]
    assert "step_failed" not in log


def assert_one_customer_there(story: Story) -> None:
    """However often it was tried, the provider knows one customer of ours."""
    users = [user for user in story.house.live.sandbox.state.users if user.provider == story.cell.call.provider]
    assert len(users) <= 1
