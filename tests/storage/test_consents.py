"""What a customer agreed to, and which manufacturer they missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from portal.domain.catalogue import DeviceType
from portal.domain.people import Consent, Customer
from portal.storage import consents, link_sessions, tables, vendor_requests
from portal.storage.database import Database
from tests.storage.made import NOW, an_attempt, raw


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
