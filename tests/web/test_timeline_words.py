"""What support reads has words for everything that can stand on record, and a page that shows them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import product

import pytest

from portal.domain.catalogue import DeviceType, RouteReason, Vendor
from portal.domain.device import Device
from portal.domain.health import Cause, Connection
from portal.domain.link_session import Purpose, Reason, State
from portal.domain.people import Consent
from portal.journey.device_timeline import DeviceEntry, DeviceEvent
from portal.journey.timeline import EVERYTHING, AttemptEntry, Entry, RecordEntry, Step, Timeline
from portal.web import timeline_advice, timeline_words
from portal.web.page import page
from portal.web.timeline_entries import told
from tests.support.house import ROOT
from tests.support.html import assert_valid_html
from tests.support.live import Installation

SECONDS = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def now(running: Installation) -> Iterator[datetime]:
    with running.app.test_request_context(base_url=running.url):
        yield running.portal.clock()


def attempt(now: datetime, state: State = State.FAILED, reason: Reason | None = Reason.NOT_CONFIRMED) -> AttemptEntry:
    steps = (Step(now - SECONDS, "opened", None), Step(now, state, reason, times=3))
    consent = Consent("anna", "attempt", "podero", "2026-11", "hu", smart_control=True, given_at=now)
    return AttemptEntry(
        at=now,
        id="attempt",
        purpose=Purpose.LINK,
        device_type=DeviceType.HEAT_PUMP,
        vendor=Vendor("nibe", "NIBE"),
        provider_name="Podero",
        route_reason=RouteReason.ONLY_OFFER,
        language="hu",
        state=state,
        reason=reason,
        provider_reference="0b7c-reference",
        steps=steps,
        consent=consent,
        device_id=None,
        reference="2345-BCDF",
    )


def device(now: datetime) -> Device:
    return Device(
        id="device",
        customer_id="anna",
        provider_key="podero",
        provider_device_id="there",
        device_type=DeviceType.HEAT_PUMP,
        vendor_key="nibe",
        vendor_name="NIBE",
        model="S1255",
        nickname=None,
        connection=Connection.WORKING,
        last_contact_at=None,
        linked_at=now,
        read_at=now,
        observed_at=now,
    )


def words(*entries: Entry) -> str:
    """All that is said of these entries."""
    return repr(told(Timeline(entries, is_cut=False), "en"))


def html(*entries: Entry, is_cut: bool = False) -> str:
    story = Timeline(entries, is_cut=is_cut)
    return page(
        "support/timeline.html", timeline=story, about=EVERYTHING, path="/timeline", words=told(story, "en")
    ).get_data(as_text=True)


@pytest.mark.parametrize(
    ("enumeration", "has"),
    [
        (State, timeline_words.STATES),
        (State, timeline_words.STEPS),
        (State, timeline_advice.BY_STATE),
        (Reason, timeline_advice.BY_REASON),
        (RouteReason, timeline_words.ROUTES),
        (Purpose, timeline_words.ATTEMPTS),
        (Cause, timeline_words.CAUSES),
        (DeviceEvent, timeline_words.DEVICE_EVENTS),
    ],
)
def test_everything_has_words(enumeration: type[StrEnum], has: Mapping[StrEnum, object]) -> None:
    assert set(enumeration) <= set(has)


def test_every_code_is_explained_and_has_a_sentence_for_the_customer(now: datetime) -> None:
    for state, reason in product(State, [None, *Reason]):
        (said,) = told(Timeline((attempt(now, state, reason),), is_cut=False), "en")
        assert said.meaning
        assert said.to_tell
        assert said.facts[0].text == (reason or state)
        assert "%(" not in repr(said)


def test_no_two_codes_mean_the_same() -> None:
    meanings = [str(advice.meaning) for advice in timeline_advice.BY_REASON.values()]
    assert len(set(meanings)) == len(meanings)


def test_every_kind_of_news_of_a_device_can_be_said(now: datetime) -> None:
    for event, cause in product(DeviceEvent, [None, *Cause]):
        said = words(DeviceEntry(now, device(now), "Podero", event, cause))
        assert "NIBE S1255" in said
        assert "%(" not in said


def test_where_a_provider_could_not_end_the_access_support_is_told(now: datetime) -> None:
    gone = replace(device(now), removed_at=now)
    left = replace(gone, removal_failed_at=now)
    assert "may still exist" in words(DeviceEntry(now, left, "Podero", DeviceEvent.REMOVED))
    assert "may still be there" not in words(DeviceEntry(now, gone, "Podero", DeviceEvent.REMOVED))


def test_who_was_let_out_and_was_somebody_else_is_told_apart_from_a_cancel(now: datetime) -> None:
    cancelled = attempt(now, State.CANCELLED, Reason.CUSTOMER_CANCELLED)
    refused = replace(cancelled, steps=(*cancelled.steps, Step(now, "refused_by_receiver", cancelled.reason)))
    assert "The customer cancelled at Podero." in words(cancelled)
    assert "The customer cancelled at Podero." not in words(refused)
    assert "never send the link" in words(refused)


def recorded() -> Iterator[str]:
    """Every action that the portal writes down under a name of its own."""
    for path in (ROOT / "portal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            named = [word.value for word in node.keywords if word.arg == "action"]
            given = named if called == "record" else node.args[2:3] if called.startswith("note") else []
            prefix = {"note_attempt": "link_session.", "note_device": "device."}.get(called, "")
            yield from (prefix + str(word.value) for word in given if isinstance(word, ast.Constant))


def test_whatever_is_put_on_record_has_words() -> None:
    known = {
        *timeline_words.RECORDS,
        *(f"link_session.{step}" for step in timeline_words.STEPS),
        *(f"device.{event}" for event in DeviceEvent),
    }
    written = set(recorded())
    assert {"link_session.let_out", "device.gone_there", "login_session.entered", "vendor.requested"} <= written
    assert written <= known


def test_what_came_later_than_these_words_is_shown_as_it_is_on_record(now: datetime) -> None:
    said = words(RecordEntry(now, "customer.renamed"))
    assert "Another entry on record" in said
    assert "customer.renamed" in said


def test_the_page_is_an_ordered_list_with_times_and_codes(running: Installation, now: datetime) -> None:
    sign_in = RecordEntry(now, "login_session.opened")
    old = RecordEntry(now - timedelta(days=40), "vendor.requested", DeviceType.HVAC)
    shown = html(attempt(now), DeviceEntry(now, device(now), "Podero", DeviceEvent.LAPSED), sign_in, old, is_cut=True)
    assert_valid_html(shown)
    assert shown.count('<h2 class="card__title">') == 4
    assert '<h2 class="card__title">Attempt to connect: Heat pump, NIBE</h2>' in shown
    for code in ("not_confirmed", "0b7c-reference"):
        assert f'<code translate="no">{code}</code>' in shown
    assert f'<time datetime="{now.isoformat(timespec="seconds")}">today ' in shown
    assert "× 3" in shown
    assert "Older entries are not shown." in shown


def test_an_older_day_has_its_hour_too(now: datetime) -> None:
    (said,) = told(Timeline((RecordEntry(now - timedelta(days=40), "login_session.closed"),), is_cut=False), "en")
    assert ":" in said.when
    assert str((now - timedelta(days=40)).year) in said.when


def test_what_a_customer_s_device_is_called_is_escaped(now: datetime) -> None:
    named = replace(device(now), nickname="<b>Pump</b> & %(provider)s")
    shown = html(DeviceEntry(now, named, "Podero", DeviceEvent.LINKED))
    assert "&lt;b&gt;Pump&lt;/b&gt; &amp; %(provider)s" in shown


def test_a_customer_of_whom_nothing_is_known_gets_a_page_too() -> None:
    assert "Nothing is on record for this customer." in html()
