"""The moves an attempt may make, and the time it has for them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.domain.link_session import (
    LATE_RETURNS,
    MOST_NAMED,
    MOVES,
    ONE_CLICK,
    OPEN,
    ArrivalHints,
    IllegalMove,
    Reason,
    State,
    cancel_secret,
)
from tests.domain.test_confirmation import NOW, attempt

DEPARTED = replace(attempt(), state=State.DEPARTED, connect_url="https://connect.example/x")


@pytest.mark.parametrize("was", State)
@pytest.mark.parametrize("to", State)
def test_an_attempt_moves_only_along_the_journey(was: State, to: State) -> None:
    before = replace(attempt(), state=was)
    if to in MOVES[was]:
        after = before.moved(to, now=NOW, reason=Reason.LEFT_OPEN)
        assert (after.state, after.ended_at) == (to, None if to in OPEN else NOW)
    else:
        with pytest.raises(IllegalMove):
            before.moved(to, now=NOW)


def test_every_attempt_can_reach_an_outcome() -> None:
    assert all(MOVES[state] for state in OPEN)


def test_the_connect_url_is_followed_once_and_again_only_by_the_same_click() -> None:
    assert DEPARTED.may_follow(NOW)
    followed = replace(DEPARTED, departed_at=NOW, expires_at=NOW + timedelta(hours=1))
    assert followed.may_follow(NOW + ONE_CLICK - timedelta(seconds=1))
    assert not followed.may_follow(NOW + ONE_CLICK)


def test_a_link_that_ran_out_or_was_used_is_not_followed() -> None:
    assert not DEPARTED.may_follow(NOW + timedelta(seconds=1))
    assert not replace(DEPARTED, connect_url=None).may_follow(NOW)
    assert not replace(DEPARTED, state=State.ARRIVED).may_follow(NOW)


def test_a_cancelled_or_held_attempt_can_still_be_won_by_the_genuine_return() -> None:
    assert {state for state in State if replace(attempt(), state=state).can_arrive(NOW)} == {
        State.DEPARTED,
        State.CANCELLED,
        State.HELD,
    }


def test_so_can_one_whose_link_has_ended_for_a_day() -> None:
    ended = replace(DEPARTED, state=State.EXPIRED, reason=Reason.LEFT_OPEN)
    assert ended.can_arrive(ended.expires_at + LATE_RETURNS)
    assert not ended.can_arrive(ended.expires_at + LATE_RETURNS + timedelta(seconds=1))
    assert not replace(ended, reason=Reason.PERMISSION_WITHDRAWN).can_arrive(ended.expires_at)


def test_an_event_is_evidence_only_while_something_may_come_of_the_attempt() -> None:
    assert not replace(attempt(), state=State.LINKED).takes_evidence(NOW)
    assert DEPARTED.takes_evidence(NOW)
    assert not DEPARTED.takes_evidence(DEPARTED.expires_at + LATE_RETURNS + timedelta(seconds=1))


def test_later_hints_add_to_earlier_ones_and_forget_none() -> None:
    first, second = ArrivalHints(device_ids=("one",)), ArrivalHints(device_ids=("two", "one"), device_type="charger")
    assert second.names_more_than(first)
    assert not first.names_more_than(second)
    assert second.with_earlier(first) == ArrivalHints(device_ids=("one", "two"), device_type="charger")


def test_returns_to_one_attempt_cannot_name_without_end() -> None:
    many = ArrivalHints(device_ids=tuple(f"device-{number}" for number in range(MOST_NAMED)))
    assert ArrivalHints(device_ids=("one more",)).with_earlier(many) == many


def test_who_reads_the_cancel_address_learns_nothing_of_the_success_address() -> None:
    assert cancel_secret("a secret") == cancel_secret("a secret") != cancel_secret("another")
    assert cancel_secret(cancel_secret("a secret")) not in {"a secret", cancel_secret("a secret")}


def test_only_an_attempt_held_for_want_of_a_sign_in_waits_for_one() -> None:
    held = replace(attempt(), state=State.HELD, reason=Reason.NOT_SIGNED_IN)
    assert held.waits_for_sign_in()
    assert not replace(held, reason=Reason.ANOTHER_PERSON).waits_for_sign_in()
    assert not replace(held, state=State.ARRIVED).waits_for_sign_in()
