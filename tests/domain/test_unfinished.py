"""What a customer began stays among their devices until it is over or put away, and never longer than that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.link_session import LinkSession, Purpose, Reason, State
from portal.domain.people import Customer
from portal.domain.unfinished import renewals, unfinished
from tests.storage.made import NOW, an_attempt, an_identity

ANNA = Customer("anna", an_identity("anna"), None, NOW)
HOUR = timedelta(hours=1)


def attempt(state: State, reason: Reason | None = None, **differing: object) -> LinkSession:
    return an_attempt(ANNA, state=state, reason=reason, **differing)


def ids(*attempts: LinkSession, later: timedelta = HOUR) -> list[str]:
    return [one.id for one in unfinished(attempts, now=NOW + later)]


STAYS = [
    (State.CREATED, None),
    (State.DEPARTED, None),
    (State.ARRIVED, None),
    (State.WAITING, None),
    (State.CANCELLED, Reason.CUSTOMER_CANCELLED),
    (State.CANCELLED, Reason.NOTHING_CONNECTED),
    (State.CANCELLED, Reason.SUPPORT_CANCELLED),
    (State.EXPIRED, Reason.LEFT_OPEN),
    (State.FAILED, Reason.PROVIDER_UNAVAILABLE),
    (State.FAILED, Reason.PROVIDER_REFUSED),
    (State.FAILED, Reason.NOT_CONFIRMED),
]

GOES = [
    (State.LINKED, None),
    (State.HELD, Reason.NOT_SIGNED_IN),
    (State.HELD, Reason.ANOTHER_PERSON),
    (State.CANCELLED, Reason.SUPERSEDED),
    (State.EXPIRED, Reason.PERMISSION_WITHDRAWN),
]


@pytest.mark.parametrize(("state", "reason"), STAYS)
def test_what_a_new_try_can_mend_stays_in_sight(state: State, reason: Reason | None) -> None:
    one = attempt(state, reason)
    assert ids(one) == [one.id]


@pytest.mark.parametrize(("state", "reason"), GOES)
def test_what_is_over_or_has_to_be_silent_is_not_shown(state: State, reason: Reason | None) -> None:
    assert ids(attempt(state, reason)) == []


@pytest.mark.parametrize("state", [State.DEPARTED, State.CANCELLED, State.EXPIRED, State.FAILED])
def test_it_is_kept_for_a_day_from_the_click(state: State) -> None:
    one = attempt(state, ended_at=NOW + 12 * HOUR if state is not State.DEPARTED else None)
    assert ids(one, later=timedelta(hours=23, minutes=59)) == [one.id]
    assert ids(one, later=timedelta(hours=24)) == []


def test_what_came_back_and_was_waited_for_is_told_for_a_day_from_its_end() -> None:
    end = NOW + 30 * HOUR
    waited = attempt(State.FAILED, Reason.NOT_CONFIRMED, arrived_at=NOW + HOUR, ended_at=end)
    assert ids(waited, later=53 * HOUR) == [waited.id]
    assert ids(waited, later=54 * HOUR) == []
    waiting = attempt(State.WAITING, arrived_at=NOW + HOUR)
    assert ids(waiting, later=80 * HOUR) == [waiting.id]


def test_of_one_type_and_vendor_the_newest_is_shown_and_each_other_choice_has_its_own() -> None:
    first = attempt(State.CANCELLED, Reason.CUSTOMER_CANCELLED)
    second = attempt(State.EXPIRED, Reason.LEFT_OPEN, created_at=NOW + timedelta(minutes=5))
    other = attempt(State.DEPARTED, device_type=DeviceType.VEHICLE, vendor_key="tesla")
    assert ids(first, other, second) == [second.id, other.id]


def test_two_devices_of_one_type_that_are_both_waited_for_are_both_shown() -> None:
    first, second = attempt(State.WAITING), attempt(State.ARRIVED, created_at=NOW + timedelta(minutes=1))
    assert ids(first, second) == [second.id, first.id]


@pytest.mark.parametrize("purpose", list(Purpose))
def test_it_is_gone_as_soon_as_the_same_choice_was_linked(purpose: Purpose) -> None:
    given_up = attempt(State.CANCELLED, Reason.CUSTOMER_CANCELLED)
    linked = attempt(State.LINKED, purpose=purpose, created_at=NOW + timedelta(minutes=9), ended_at=NOW + HOUR)
    assert ids(given_up, linked) == ([] if purpose is Purpose.LINK else [given_up.id])
    assert ids(given_up, replace(linked, vendor_key="daikin")) == [given_up.id]


def test_a_choice_that_was_linked_before_and_is_tried_once_more_is_shown() -> None:
    linked = attempt(State.LINKED, ended_at=NOW)
    again = attempt(State.DEPARTED, created_at=NOW + timedelta(minutes=9))
    assert ids(linked, again) == [again.id]


def test_what_is_put_away_takes_what_was_tried_before_along_and_comes_back_only_with_news() -> None:
    older = attempt(State.EXPIRED, Reason.LEFT_OPEN)
    put_away = attempt(State.DEPARTED, created_at=NOW + timedelta(minutes=5), put_away_at=NOW + timedelta(minutes=9))
    assert ids(older, put_away) == []
    back = replace(put_away, state=State.WAITING, arrived_at=NOW + timedelta(minutes=20))
    assert ids(older, back) == [back.id]


def test_a_renewal_under_way_is_told_on_the_card_of_its_device_and_not_beside_it() -> None:
    first = attempt(State.DEPARTED, purpose=Purpose.REAUTHENTICATE, device_id="pump")
    second = replace(first, id="second", created_at=NOW + timedelta(minutes=1))
    over = replace(first, id="over", device_id="car", state=State.FAILED)
    assert ids(first, second, over) == []
    assert renewals((first, second, over), now=NOW + HOUR) == {"pump": second}
    assert renewals((first, second), now=NOW + 25 * HOUR) == {}
