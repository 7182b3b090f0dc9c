"""Every way an attempt can stand has its own words and one thing to do."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import cast

import pytest

from portal.domain.catalogue import DeviceType, RouteReason, Vendor
from portal.domain.device import DeviceReading
from portal.domain.link_session import MOVES, LinkSession, Purpose, Reason, State
from portal.domain.waiting import Cause, Wait
from portal.journey.outcome import AttemptView
from portal.web.outcomes import NextStep, Tone, outcome
from tests.support.live import Installation

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def view(running: Installation, state: State, reason: Reason | None = None, **differences: object) -> AttemptView:
    fields: dict[str, object] = {
        "id": "attempt",
        "customer_id": "anna",
        "purpose": Purpose.LINK,
        "provider_key": "podero",
        "device_type": DeviceType.HEAT_PUMP,
        "vendor_key": "nibe",
        "vendor_code": None,
        "language": "en",
        "route_reason": RouteReason.ONLY_OFFER,
        "state": state,
        "created_at": NOW,
        "expires_at": NOW + timedelta(minutes=10),
        "reason": reason,
    }
    may_go_on = bool(differences.pop("may_go_on", False))
    wait = cast(Wait | None, differences.pop("wait", None))
    attempt = LinkSession(**{**fields, **differences})  # type: ignore[arg-type]  # the fields are listed just above
    traits = running.portal.ports.providers.get(attempt.provider_key).traits
    polls = state in {State.CREATED, State.ARRIVED, State.WAITING}
    return AttemptView(attempt, traits, Vendor("nibe", "NIBE"), None, (), polls, may_go_on, wait)


@pytest.fixture(autouse=True)
def _in_a_request(running: Installation) -> object:
    with running.app.test_request_context(base_url=running.url) as context:
        yield context


def test_every_state_and_reason_has_words(running: Installation) -> None:
    for state, reason, purpose in product(State, [None, *Reason], Purpose):
        words = outcome(view(running, state, reason, purpose=purpose))
        assert words.title
        assert words.text
        assert "%(" not in words.title + words.text


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (Wait(Cause.PROVIDER_AWAY), "Podero cannot be reached right now. Your choice is kept, and we keep trying"),
        (Wait(Cause.PROVIDER_AWAY, 31), "we try again in about 40 seconds."),
        (Wait(Cause.PROVIDER_AWAY, 500), "we keep trying for you."),
        (Wait(Cause.PROVIDER_SLOW, 90), "Podero is taking a little longer than usual."),
        (Wait(Cause.OTHERS, 41), "your turn comes in about 50 seconds."),
        (Wait(Cause.OTHERS, 90), "your turn comes in about 2 minutes."),
        (Wait(Cause.OTHERS, 9), "This is taking a little longer than usual."),
        (Wait(Cause.US, 90), "This is taking a little longer than usual."),
    ],
)
def test_a_wait_is_put_down_to_its_cause(running: Installation, wait: Wait, words: str) -> None:
    text = outcome(view(running, State.CREATED, wait=wait)).text
    assert words in text
    assert ("Podero" in text) is not text.startswith("This is taking")


def test_a_customer_who_is_back_while_nobody_asks_the_provider_may_leave(running: Installation) -> None:
    assert "We are asking Podero" in outcome(view(running, State.ARRIVED)).text
    late = outcome(view(running, State.ARRIVED, wait=Wait(Cause.US)))
    assert late.text.endswith("You may leave this page: we keep checking for you.")


def test_after_a_failure_the_time_at_which_the_provider_may_be_asked_again_is_named(running: Installation) -> None:
    def says(wait: Wait | None) -> str:
        return outcome(view(running, State.FAILED, Reason.PROVIDER_UNAVAILABLE, wait=wait)).text

    assert says(None).endswith("try again in a few minutes.")
    assert says(Wait(Cause.PROVIDER_AWAY, 421)).endswith("try again in about 8 minutes.")


def test_no_two_states_read_alike(running: Installation) -> None:
    titles = [outcome(view(running, state)).title for state in State]
    assert len(set(titles)) == len(titles)


def test_a_page_waits_exactly_while_something_may_happen_by_itself(running: Installation) -> None:
    for state in State:
        seen = view(running, state)
        assert (outcome(seen).next_step is NextStep.WAIT) is seen.polls


def test_every_end_without_a_device_offers_to_start_again(running: Installation) -> None:
    ends = [state for state in MOVES if state in {State.HELD, State.CANCELLED, State.EXPIRED, State.FAILED}]
    assert {outcome(view(running, state)).next_step for state in ends} == {NextStep.AGAIN}


@pytest.mark.parametrize("device_type", list(DeviceType))
def test_a_connected_device_is_named_in_a_whole_sentence(running: Installation, device_type: DeviceType) -> None:
    new = outcome(view(running, State.LINKED, device_type=device_type))
    again = outcome(view(running, State.LINKED, device_type=device_type, purpose=Purpose.REAUTHENTICATE))
    assert new.tone is again.tone is Tone.SUCCESS
    assert again.title == f"{new.title} again"


def test_a_device_that_was_well_already_is_told_so(running: Installation) -> None:
    words = outcome(view(running, State.LINKED, Reason.ALREADY_WORKING, purpose=Purpose.REAUTHENTICATE))
    assert words.title == "The device works again"


def test_another_account_is_explained_and_both_devices_can_be_kept(running: Installation) -> None:
    came_back = (DeviceReading("pump", DeviceType.HEAT_PUMP),)
    found = {"purpose": Purpose.REAUTHENTICATE, "confirmed": came_back}
    words = outcome(view(running, State.FAILED, Reason.OTHER_ACCOUNT, **found))
    assert "a different account" in words.text
    assert words.next_step is NextStep.AGAIN_OR_KEEP
    at_nox = outcome(view(running, State.FAILED, Reason.OTHER_ACCOUNT, **found, provider_key="nox"))
    assert "keep both" not in at_nox.text
    assert at_nox.next_step is NextStep.AGAIN_OR_OTHER


def test_a_link_that_is_ready_is_followed(running: Installation) -> None:
    assert outcome(view(running, State.DEPARTED, may_go_on=True)).next_step is NextStep.GO_ON
    assert outcome(view(running, State.DEPARTED)).next_step is NextStep.AGAIN


def test_a_held_attempt_says_nothing_of_anybody_else(running: Installation) -> None:
    words = outcome(view(running, State.HELD, Reason.ANOTHER_PERSON))
    assert "Podero" not in words.title + words.text
    assert words.tone is Tone.NEUTRAL
