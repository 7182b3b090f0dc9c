"""The moves an attempt may make, and the time it has for them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.domain.link_session import MOVES, ONE_CLICK, OPEN, IllegalMove, Reason, State
from tests.domain.test_confirmation import NOW, attempt

DEPARTED = replace(attempt(), state=State.DEPARTED, connect_url="https://connect.example/x")


@pytest.mark.parametrize("was", State)
@pytest.mark.parametrize("to", State)
def test_an_attempt_moves_only_along_the_journey(was: State, to: State) -> None:
    before = replace(attempt(), state=was)
    if to in MOVES[was]:
        after = before.moved(to, now=NOW, reason=Reason.LEFT_OPEN)
        assert (after.state, after.ended_at) == (to, None if to in OPEN else NOW)
        assert after.is_open() is (to in OPEN)
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
    assert {state for state in State if replace(attempt(), state=state).can_arrive()} == {
        State.DEPARTED,
        State.CANCELLED,
        State.HELD,
    }


def test_an_event_is_evidence_only_while_an_attempt_is_under_way() -> None:
    assert not replace(attempt(), state=State.LINKED).takes_evidence()
    assert DEPARTED.takes_evidence()
