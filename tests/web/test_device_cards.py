"""What the card of a device says: how it is, why, what to do and how long it takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.device import Device
from portal.domain.health import Cause
from portal.domain.link_session import Reason, State
from tests.support.live import Installation
from tests.web.giving import give, give_renewal, keep
from tests.web.visitor import Page, Visitor

NOW = datetime.now(UTC)
YESTERDAY = NOW - timedelta(days=1)

WORDS = {
    Cause.ACCESS_ENDED: ("Needs reconnecting", "NIBE has ended the access, for example after a changed password."),
    Cause.RENEWING: ("Waiting for the device", "It can take some minutes until the device reports back."),
    Cause.FIRST_DATA: ("Waiting for the device", "It can take up to an hour until the first data arrives."),
    Cause.DATA_FLOWS: ("Connected", "last contact yesterday"),
    Cause.DATA_STOPPED: ("Cannot be reached right now", "No data since yesterday"),
    Cause.OFFLINE: ("Cannot be reached right now", "It may be switched off or without internet."),
    Cause.NOT_NAMED: ("No recent information", "If that lasts longer than a day, remove it and connect it again."),
    Cause.NOT_ASKED: ("No recent information", "Our last information is from today"),
    Cause.NO_WORD: ("No recent information", "There is nothing for you to do."),
}


def visit(running: Installation, name: str, **differences: object) -> tuple[Page, Device]:
    """The devices page of a customer with one device."""
    visitor = Visitor(running.app, running.url).sign_in(name)
    device = give(running, visitor, **differences)
    return visitor.page("/devices"), device


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_is_told_in_the_customer_s_words(running: Installation, cause: Cause) -> None:
    page, _ = visit(running, f"jan-{cause}", connection=cause.connection, cause=cause, last_contact_at=YESTERDAY)
    state, reason = WORDS[cause]
    assert state in page.text
    assert reason in page.text
    assert ("Reconnect" in page.text.split("Needs reconnecting")[-1]) is (cause is Cause.ACCESS_ENDED)


def test_a_time_is_said_once(running: Installation) -> None:
    stopped = {"connection": Cause.DATA_STOPPED.connection, "cause": Cause.DATA_STOPPED}
    page, _ = visit(running, "kim", **stopped, last_contact_at=YESTERDAY)
    assert "last contact" not in page.text


@pytest.mark.parametrize("cause", [Cause.DATA_FLOWS, Cause.ACCESS_ENDED])
def test_a_device_that_is_being_removed_says_so_and_offers_nothing(running: Installation, cause: Cause) -> None:
    leaving = {"connection": cause.connection, "cause": cause, "removal_asked_at": NOW}
    page, device = visit(running, f"lea-{cause}", **leaving)
    assert "Being removed" in page.text
    assert "Needs reconnecting" not in page.text
    assert f"/devices/{device.id}/" not in page.html


def test_a_removal_that_did_not_work_is_told_for_a_day_and_can_be_tried_again(running: Installation) -> None:
    page, device = visit(running, "mia", removal_failed_at=NOW - timedelta(hours=23))
    assert "It could not be removed. Nothing has changed: try again." in page.text
    assert f"/devices/{device.id}/remove" in page.links()
    later, _ = visit(running, "ned", removal_failed_at=NOW - timedelta(hours=25))
    assert "could not be removed" not in later.text


FAILURES = [
    (State.FAILED, Reason.STILL_BROKEN),
    (State.FAILED, Reason.OTHER_ACCOUNT),
    (State.FAILED, Reason.NOT_CONFIRMED),
    (State.FAILED, Reason.PROVIDER_UNAVAILABLE),
    (State.CANCELLED, Reason.NOTHING_CONNECTED),
    (State.EXPIRED, None),
]


@pytest.mark.parametrize(("state", "reason"), FAILURES)
def test_a_device_that_heals_by_itself_clears_its_notice_everywhere(
    running: Installation, state: State, reason: Reason | None
) -> None:
    ola = Visitor(running.app, running.url).sign_in(f"ola-{state}-{reason}")
    device = give(running, ola, connection=Cause.ACCESS_ENDED.connection, cause=Cause.ACCESS_ENDED)
    attempt = give_renewal(running, device, state, reason=reason)
    reconnect = f"/devices/{device.id}/reauthenticate"
    for path in ("/devices", attempt):
        page = ola.page(path)
        assert "Needs reconnecting" in page.text
        assert page.form_fields(reconnect)
    keep(running, device.judged(Cause.DATA_FLOWS, now=NOW))
    for path in ("/devices", attempt):
        page = ola.page(path)
        assert "reconnecting" not in page.text
        assert reconnect not in page.html
    assert ola.page(attempt).heading == "The device works again"


def test_a_renewal_that_took_too_long_says_no_more_than_is_known(running: Installation) -> None:
    pia = Visitor(running.app, running.url).sign_in("pia")
    device = give(running, pia, connection=Cause.ACCESS_ENDED.connection, cause=Cause.ACCESS_ENDED)
    attempt = give_renewal(running, device, State.FAILED, reason=Reason.STILL_BROKEN)
    assert pia.page(attempt).heading == "The device still needs reconnecting"
    for now in (device.judged(Cause.OFFLINE, now=NOW), replace(device, removed_at=NOW)):
        keep(running, now)
        page = pia.page(attempt)
        assert page.heading == "That took too long"
        assert "reconnecting" not in page.text


def test_keeping_both_devices_does_not_say_for_ever_that_the_first_needs_reconnecting(running: Installation) -> None:
    rut = Visitor(running.app, running.url).sign_in("rut")
    first = give(running, rut, connection=Cause.ACCESS_ENDED.connection, cause=Cause.ACCESS_ENDED)
    second = give(running, rut, id=f"{first.id}-2", provider_device_id="there-2", model="F1155")
    attempt = give_renewal(running, second, State.FAILED, reason=Reason.KEPT_BOTH)
    assert "The first one still needs reconnecting." in rut.page(attempt).text
    keep(running, first.judged(Cause.DATA_FLOWS, now=NOW))
    page = rut.page(attempt)
    assert page.heading == "Both devices are kept"
    assert "reconnecting" not in page.text
