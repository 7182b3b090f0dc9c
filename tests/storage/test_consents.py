"""What a customer agreed to, and which manufacturer they missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from portal.domain.catalogue import DeviceType
from portal.domain.link_session import State
from portal.domain.people import Consent, Customer
from portal.storage import consents, devices, link_sessions, tables, vendor_requests
from portal.storage.database import Database
from tests.storage.made import LATER, NOW, SOON, a_device, an_attempt, raw


def consent_of(customer: Customer, link_session_id: str) -> Consent:
    return Consent(
        customer_id=customer.id,
        link_session_id=link_session_id,
        provider_key="podero",
        version="2026-11",
        language="hu",
        smart_control=True,
        given_at=NOW,
    )


def test_a_consent_is_kept_with_its_attempt(database: Database, anna: Customer, bertil: Customer) -> None:
    attempt = an_attempt(anna)
    given = consent_of(anna, attempt.id)
    with database.write() as tx:
        link_sessions.insert(tx, attempt, click=None)
        consents.record(tx, given)
        assert consents.of_attempt(tx, anna.id, attempt.id) == given
        assert consents.of_attempt(tx, bertil.id, attempt.id) is None


def test_a_customer_s_consents_come_latest_first_and_are_theirs(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    given = []
    for minutes in range(3):
        attempt = an_attempt(anna)
        given.append(replace(consent_of(anna, attempt.id), given_at=NOW + timedelta(minutes=minutes)))
        with database.write() as tx:
            link_sessions.insert(tx, attempt, click=None)
            consents.record(tx, given[-1])
    with database.read() as tx:
        assert consents.latest(tx, anna.id, 2) == (given[2], given[1])
        assert consents.latest(tx, bertil.id, 2) == ()


def test_nobody_consents_for_somebody_else_s_attempt(database: Database, anna: Customer, bertil: Customer) -> None:
    attempt = an_attempt(anna)
    with database.write() as tx:
        link_sessions.insert(tx, attempt, click=None)
    with pytest.raises(IntegrityError), database.write() as tx:
        consents.record(tx, consent_of(bertil, attempt.id))


def test_a_missed_manufacturer_is_recorded_in_the_customer_s_words(database: Database, anna: Customer) -> None:
    with database.write() as tx:
        vendor_requests.record(tx, customer_id=anna.id, device_type=DeviceType.HVAC, text="Värmebolaget Ő\x00", now=NOW)
    assert "Värmebolaget Ő\ufffd" in raw(database, tables.vendor_requests)


def over(customer: Customer, database: Database, state: State, ended_at: datetime, expires_at: datetime) -> Consent:
    """A permission whose attempt ended so."""
    attempt = an_attempt(customer, state=state, ended_at=ended_at, expires_at=expires_at)
    given = consent_of(customer, attempt.id)
    with database.write() as tx:
        link_sessions.insert(tx, attempt, click=None)
        consents.record(tx, given)
    return given


def test_a_permission_is_idle_once_its_attempt_and_its_link_are_over_and_nothing_was_ever_connected(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    nothing = over(anna, database, State.CANCELLED, NOW, NOW)
    somebody = over(bertil, database, State.HELD, NOW, NOW)
    over(anna, database, State.EXPIRED, NOW, LATER)
    over(anna, database, State.FAILED, LATER, NOW)
    over(anna, database, State.LINKED, NOW, NOW)
    over(anna, database, State.WAITING, NOW, NOW)
    had_one = over(anna, database, State.CANCELLED, NOW, NOW)
    with database.write() as tx:
        devices.save(tx, a_device(anna, consent_id=had_one.link_session_id, removed_at=LATER))
        found = consents.idle(tx, over_since=SOON, limit=10)
        assert {one.link_session_id for one in found} == {nothing.link_session_id, somebody.link_session_id}
        assert len(consents.idle(tx, over_since=SOON, limit=1)) == 1
        assert not consents.end(tx, anna.id, had_one.link_session_id, now=LATER)


def test_it_ends_once_comes_back_into_force_and_never_after_it_was_taken_back(
    database: Database, anna: Customer, bertil: Customer
) -> None:
    given = over(anna, database, State.CANCELLED, NOW, NOW)
    with database.write() as tx:
        assert not consents.end(tx, bertil.id, given.link_session_id, now=LATER)
        assert consents.end(tx, anna.id, given.link_session_id, now=LATER)
        assert not consents.end(tx, anna.id, given.link_session_id, now=LATER)
        assert consents.of_attempt(tx, anna.id, given.link_session_id) == replace(given, ended_at=LATER)
        assert consents.resume(tx, anna.id, given.link_session_id)
        assert consents.of_attempt(tx, anna.id, given.link_session_id) == given
        consents.withdraw(tx, anna.id, given.link_session_id, now=LATER)
        assert not consents.end(tx, anna.id, given.link_session_id, now=LATER)
        assert not consents.resume(tx, anna.id, given.link_session_id)
