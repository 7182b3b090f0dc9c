"""Which of several attempts a return is about, where its address does not say."""

from dataclasses import replace
from datetime import timedelta

from portal.domain.arrival import attempt_answered
from portal.domain.catalogue import DeviceType
from portal.domain.link_session import ArrivalHints, LinkSession, Reason, State
from tests.domain.test_confirmation import NOW, attempt, reading

OPEN = replace(attempt(), state=State.DEPARTED, expires_at=NOW + timedelta(minutes=10))
OLDER = replace(OPEN, id="older", state=State.CANCELLED, reason=Reason.SUPERSEDED, vendor_code="nibe")
NEWER = replace(OPEN, id="newer", device_type=DeviceType.INVERTER, vendor_code="sma")
NAMED = ArrivalHints(device_ids=("pump",))


def answered(hints: ArrivalHints, *recent: LinkSession) -> str | None:
    found = attempt_answered(recent, hints, came_at=NOW)
    return found.id if found else None


def test_the_newest_open_attempt_is_answered_where_nothing_tells_them_apart() -> None:
    assert answered(NAMED, NEWER, OLDER) == "newer"
    assert answered(NAMED) is None


def test_the_device_type_tells_two_attempts_apart() -> None:
    assert answered(replace(NAMED, device_type="heat_pump"), NEWER, OLDER) == "older"


def test_the_vendor_tells_two_attempts_apart() -> None:
    assert answered(replace(NAMED, vendor_code="nibe"), NEWER, OLDER) == "older"
    assert answered(replace(NAMED, vendor_code="sma"), NEWER, OLDER) == "newer"


def test_the_providers_event_tells_two_attempts_apart() -> None:
    told = replace(OLDER, confirmed=(reading("pump"),))
    assert answered(replace(NAMED, vendor_code="sma"), NEWER, told) == "older"


def test_the_same_return_once_more_is_about_the_same_attempt() -> None:
    linked = replace(OLDER, state=State.LINKED, reason=None, hints=NAMED)
    assert answered(NAMED, NEWER, linked) == "older"


def test_a_second_device_is_not_taken_for_the_answer_to_an_attempt_that_has_one() -> None:
    first, second = replace(OPEN, id="first"), replace(OPEN, id="second", state=State.ARRIVED, hints=NAMED)
    assert answered(replace(NAMED, device_ids=("another pump",)), second, first) == "first"


def test_the_same_return_once_more_is_about_the_same_attempt_while_that_still_waits() -> None:
    first, second = replace(OPEN, id="first"), replace(OPEN, id="second", state=State.WAITING, hints=NAMED)
    assert answered(NAMED, second, first) == "second"
    told = replace(first, confirmed=(reading("pump"),))
    assert answered(NAMED, second, told) == "second"


def test_a_device_that_is_linked_again_is_not_the_same_return() -> None:
    linked = replace(OLDER, state=State.LINKED, reason=None, hints=NAMED)
    again = replace(OPEN, id="again")
    assert answered(NAMED, again, linked) == "again"


def test_an_attempt_whose_place_was_taken_is_not_ended_by_a_return_that_names_nothing() -> None:
    assert answered(ArrivalHints(cancelled=True), OLDER) is None
    assert answered(NAMED, replace(OLDER, expires_at=NOW - timedelta(hours=25))) is None


def test_where_none_is_open_the_newest_shows_how_it_ended() -> None:
    assert answered(NAMED, replace(NEWER, state=State.FAILED)) == "newer"
    assert answered(NAMED, replace(NEWER, state=State.HELD)) == "newer"
