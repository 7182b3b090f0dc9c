"""Leaving for the Connect UI: one click, one link, and a provider that is slow, down, refusing or incomprehensible."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from portal.domain.link_session import Reason, State
from portal.domain.people import Customer
from portal.journey import link, outcome
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, TESLA, Choice, at_every_provider
from tests.journey.world import World

OPENING = {"podero": "/device-onboarding", "nox": "/link-sessions", "telematica": "/auth-sessions"}


def test_clicks_on_the_same_choice_within_ten_seconds_are_one_click(world: World, anna: Customer) -> None:
    first = world.opens(anna, NIBE)
    assert world.opens(anna, NIBE) == first
    url = world.leaves(anna, first)
    world.clock.forward(seconds=9.9)
    assert world.opens(anna, NIBE) == first
    assert world.leaves(anna, first) == url
    assert world.calls("podero", "/device-onboarding") == 1


def test_a_click_after_ten_seconds_opens_a_new_link(world: World, anna: Customer) -> None:
    first = world.opens(anna, NIBE)
    url = world.leaves(anna, first)
    world.clock.forward(seconds=10)
    second = world.opens(anna, NIBE)
    assert second != first
    assert world.leaves(anna, second) != url


def test_a_click_finds_the_attempt_that_is_still_on_its_way_out(world: World, anna: Customer) -> None:
    world.answers("podero", 503)
    first = world.opens(anna, NIBE)
    world.waits(anna, first)
    world.clock.forward(seconds=119)
    assert world.opens(anna, NIBE) == first
    world.clock.forward(seconds=1)
    assert world.opens(anna, NIBE) != first


def test_a_link_is_followed_once_and_again_only_by_the_same_impatient_click(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    url = world.leaves(anna, attempt_id)
    world.clock.forward(seconds=9)
    assert world.goes_on(anna, attempt_id) == url
    world.clock.forward(seconds=1)
    assert world.goes_on(anna, attempt_id) is None


def test_a_followed_link_is_erased_by_the_next_look(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    world.leaves(anna, attempt_id)
    assert world.looks(anna, attempt_id).attempt.connect_url is not None
    world.clock.forward(seconds=11)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.connect_url) == (State.DEPARTED, None)
    assert (view.may_go_on, view.polls) == (False, False)


def test_a_link_that_nobody_followed_waits_on_the_attempts_page(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    world.waits(anna, attempt_id)
    world.clock.forward(minutes=5)
    assert world.looks(anna, attempt_id).may_go_on
    assert world.goes_on(anna, attempt_id) is not None
    assert not world.looks(anna, attempt_id).may_go_on


def test_a_second_choice_at_the_same_provider_takes_the_place_of_the_first(world: World, anna: Customer) -> None:
    first = world.opens(anna, NIBE)
    world.leaves(anna, first)
    second = world.opens(anna, TESLA)
    replaced = world.looks(anna, first).attempt
    assert (replaced.state, replaced.reason, replaced.connect_url) == (State.CANCELLED, Reason.SUPERSEDED, None)
    assert world.waits(anna, second).state is State.DEPARTED


def test_a_choice_at_another_provider_leaves_the_first_alone(world: World, anna: Customer) -> None:
    first = world.opens(anna, NIBE)
    world.leaves(anna, first)
    world.opens(anna, EASEE)
    assert world.attempt(anna, first).state is State.DEPARTED


def test_an_attempt_replaced_before_it_left_opens_nothing(world: World, anna: Customer) -> None:
    world.worker.stop()
    first = world.opens(anna, NIBE)
    second = world.opens(anna, TESLA)
    world.worker_starts()
    assert world.attempt(anna, first).reason is Reason.SUPERSEDED
    assert world.attempt(anna, second).state is State.DEPARTED
    assert world.calls("podero", "/device-onboarding") == 1


def test_an_attempt_replaced_while_the_provider_was_thinking_stays_replaced(world: World, anna: Customer) -> None:
    world.is_slow("podero", 0.5, "/device-onboarding")
    first = world.opens(anna, NIBE)
    assert world.waits(anna, first, patience=0.1).state is State.CREATED
    world.opens(anna, TESLA)
    replaced = world.waits(anna, first)
    assert (replaced.reason, replaced.connect_url) == (Reason.SUPERSEDED, None)


def test_an_attempt_replaced_while_the_provider_refused_stays_replaced(world: World, anna: Customer) -> None:
    world.sandbox.state.set_faults(
        "podero", {"delay": 0.5, "fail_count": 1, "fail_status": 403, "path_contains": "/device-onboarding"}
    )
    first = world.opens(anna, NIBE)
    world.waits(anna, first, patience=0.1)
    world.opens(anna, TESLA)
    assert world.waits(anna, first).reason is Reason.SUPERSEDED


def test_a_slow_provider_does_not_hold_up_the_page_and_the_attempt_goes_on_behind(world: World, anna: Customer) -> None:
    world.is_slow("podero", 0.6, "/device-onboarding")
    attempt_id = world.opens(anna, NIBE)
    assert world.waits(anna, attempt_id, patience=0.1).state is State.CREATED
    assert world.goes_on(anna, attempt_id) is None
    assert world.glances(anna, attempt_id).attempt.state is State.CREATED
    world.settles()
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.may_go_on) == (State.DEPARTED, True)
    assert world.calls("podero", "/device-onboarding") == 1


def test_nobody_is_kept_in_front_of_a_page_while_the_provider_is_busy_with_others(world: World, anna: Customer) -> None:
    world.worker.stop()
    busy = world.with_ports(replace(world.ports, concurrency=1))
    busy.opens(busy.customer("bo"), NIBE)
    busy.clock.forward(seconds=1)
    opened = busy.attempt(anna, busy.opens(anna, NIBE))
    an_hour = timedelta(hours=1).total_seconds()
    assert link.leave(ports=busy.ports, attempt=opened, patience=an_hour, now=busy.clock.now) == opened


@at_every_provider
def test_a_provider_that_is_down_is_asked_again_and_works_when_it_is_back(
    world: World, anna: Customer, choice: Choice
) -> None:
    world.answers(choice.provider, 503, OPENING[choice.provider])
    attempt_id = world.opens(anna, choice)
    first = world.waits(anna, attempt_id)
    assert (first.state, first.reason, first.tries) == (State.CREATED, None, 1)
    world.clock.forward(seconds=10)
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.tries, view.polls) == (State.CREATED, 2, True)
    calls = world.calls(choice.provider, OPENING[choice.provider])
    assert world.looks(anna, attempt_id).attempt.tries == 2
    assert world.calls(choice.provider, OPENING[choice.provider]) == calls
    world.recovers(choice.provider)
    world.clock.forward(seconds=10)
    assert world.looks(anna, attempt_id).may_go_on


@at_every_provider
def test_a_provider_that_stays_down_ends_the_attempt_after_two_minutes_with_the_choice_kept(
    world: World, anna: Customer, choice: Choice
) -> None:
    world.answers(choice.provider, 503)
    attempt_id = world.opens(anna, choice)
    world.waits(anna, attempt_id)
    world.clock.forward(minutes=2, seconds=1)
    ended = world.looks(anna, attempt_id).attempt
    assert (ended.state, ended.reason) == (State.FAILED, Reason.PROVIDER_UNAVAILABLE)
    assert (ended.device_type, ended.vendor_key) == (choice.device_type, choice.vendor)
    world.recovers(choice.provider)
    assert world.waits(anna, world.opens(anna, choice)).state is State.DEPARTED


@at_every_provider
@pytest.mark.parametrize(
    ("status", "reason"), [(403, Reason.PROVIDER_REFUSED), (302, Reason.PROVIDER_ANSWER)], ids=["refuses", "nonsense"]
)
def test_a_provider_that_refuses_us_or_answers_nonsense_ends_the_attempt_at_once(
    world: World, anna: Customer, choice: Choice, status: int, reason: Reason
) -> None:
    world.answers(choice.provider, status, OPENING[choice.provider])
    attempt_id = world.opens(anna, choice)
    ended = world.waits(anna, attempt_id)
    assert (ended.state, ended.reason) == (State.FAILED, reason)
    assert world.looks(anna, attempt_id).polls is False


def test_the_links_of_two_worried_processes_are_one_link(world: World, anna: Customer, make_ports: MakePorts) -> None:
    other = world.with_ports(make_ports(world.ports.database, world.clock))
    world.is_slow("podero", 0.5, "/device-onboarding")
    attempt_id = world.opens(anna, NIBE)
    world.waits(anna, attempt_id, patience=0.1)
    assert other.waits(anna, attempt_id, patience=0.1).state is State.CREATED
    world.settles()
    other.settles()
    assert world.attempt(anna, attempt_id).state is State.DEPARTED
    assert world.calls("podero", "/device-onboarding") == 1


def test_a_user_made_in_an_attempt_that_failed_is_used_by_the_next(world: World, anna: Customer) -> None:
    world.answers("podero", 403, "/device-onboarding", times=1)
    assert world.waits(anna, world.opens(anna, NIBE)).state is State.FAILED
    assert world.waits(anna, world.opens(anna, NIBE)).state is State.DEPARTED
    assert len(world.sandbox.state.users) == 1


def test_a_link_ends_when_the_provider_says_with_a_little_grace(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, EASEE)
    world.leaves(anna, attempt_id)
    world.clock.forward(minutes=12)
    assert world.looks(anna, attempt_id).attempt.state is State.DEPARTED
    world.clock.forward(seconds=1)
    ended = world.looks(anna, attempt_id).attempt
    assert (ended.state, ended.reason, ended.ended_at) == (State.EXPIRED, Reason.LEFT_OPEN, world.clock.now)
    assert world.story(anna)[-1] == "link_session.expired"


def test_a_link_that_ran_out_is_not_followed(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, DAIKIN)
    world.waits(anna, attempt_id)
    world.clock.forward(minutes=13)
    assert world.goes_on(anna, attempt_id) is None


def test_a_return_within_the_grace_still_counts(world: World, anna: Customer) -> None:
    attempt_id, back = world.goes_there(anna, DAIKIN)
    world.clock.forward(minutes=11, seconds=59)
    world.comes_back(anna, back)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED


def test_an_attempt_is_known_to_its_own_customer_only(world: World, anna: Customer, bo: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    assert outcome.is_known(ports=world.ports, customer=anna, link_session_id=attempt_id)
    assert not outcome.is_known(ports=world.ports, customer=bo, link_session_id=attempt_id)
    assert not outcome.is_known(ports=world.ports, customer=anna, link_session_id="never")


def test_a_provider_is_not_asked_once_more_when_the_next_try_would_come_too_late(world: World, anna: Customer) -> None:
    world.answers("podero", 503, OPENING["podero"])
    attempt_id = world.opens(anna, NIBE)
    world.waits(anna, attempt_id)
    world.clock.forward(seconds=118)
    ended = world.looks(anna, attempt_id).attempt
    assert (ended.state, ended.reason, ended.vendor_key) == (State.FAILED, Reason.PROVIDER_UNAVAILABLE, "nibe")


def test_an_attempt_that_no_worker_takes_up_is_told_to_the_operator(world: World, anna: Customer) -> None:
    world.worker.stop()
    attempt_id = world.opens(anna, NIBE)
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as early:
        world.glances(anna, attempt_id)
    world.clock.forward(seconds=31)
    with structlog.testing.capture_logs() as late:
        assert world.glances(anna, attempt_id).attempt.state is State.CREATED
    said = [[line["event"] for line in lines] for lines in (early, late)]
    assert said == [[], ["attempt_not_taken_up"]]
