"""The permission to look: for whom, how many, how long; the same when everything happens at once."""

from datetime import timedelta

import pytest
import structlog
from sqlalchemy import text
from structlog.testing import capture_logs

from portal.domain.access import MANY_CUSTOMERS, AccessEvent, AccessFilter
from portal.domain.people import Customer, Identity
from portal.domain.support import GRANT_LIFETIME, MOST_AT_ONCE, SHIFT, Agent, NotAllowed, Reason, Role, SupportGrant
from portal.journey import support
from portal.storage import access_events, agents, customers, support_grants
from portal.storage.database import DatabaseFault
from tests.journey.surroundings import on_both_databases
from tests.journey.test_races import at_once
from tests.journey.world import World

STAFF = "https://staff.example"


def an_agent(world: World, name: str = "sam", role: Role = Role.AGENT, email: str | None = None) -> Agent:
    with world.ports.database.write() as tx:
        return agents.signed_in(
            tx,
            issuer=STAFF,
            subject=name,
            name=name,
            email=email or f"{name}@retailer.example",
            role=role,
            now=world.clock.now,
        )


def a_customer(
    world: World, subject: str, email: str | None = None, issuer: str = "https://issuer.example"
) -> Customer:
    with world.ports.database.write() as tx:
        return customers.signed_in(tx, Identity(issuer, subject, email=email), now=world.clock.now)


MANY = 4


def begin(world: World, agent: Agent, customer: Customer) -> SupportGrant | None:
    return support.begin(
        ports=world.ports,
        agent=agent,
        customer_id=customer.id,
        reason=Reason.OTHER,
        ticket="T-1",
        many_customers=MANY,
        request_reference="ABCD-2345",
        now=world.clock.now,
    )


def looks(world: World, agent: Agent, grant: SupportGrant) -> support.Viewing | None:
    return support.viewing(ports=world.ports, agent=agent, grant_id=grant.id, now=world.clock.now)


@on_both_databases
def test_no_more_than_three_at_once_however_they_are_asked_for(world: World) -> None:
    sam = an_agent(world)
    people = iter([a_customer(world, f"person-{number}") for number in range(12)])

    def ask() -> bool:
        try:
            return begin(world, sam, next(people)) is not None
        except NotAllowed:
            return False

    assert sum(at_once(ask, 12)) == MOST_AT_ONCE
    assert len(support.open_of(ports=world.ports, agent=sam, now=world.clock.now)) == MOST_AT_ONCE


@on_both_databases
def test_two_renewals_at_once_are_one(world: World) -> None:
    sam, anna = an_agent(world), a_customer(world, "anna")
    grant = begin(world, sam, anna)
    assert grant
    world.clock.forward(minutes=14)
    found = looks(world, sam, grant)
    assert found
    assert sum(at_once(lambda: support.renew(ports=world.ports, viewing=found, now=world.clock.now), 8)) == 1
    world.clock.forward(minutes=14)
    again = looks(world, sam, grant)
    assert again
    assert not support.renew(ports=world.ports, viewing=again, now=world.clock.now)
    world.clock.forward(minutes=1)
    assert looks(world, sam, grant) is None


def test_a_permission_lasts_a_quarter_of_an_hour_to_the_second(world: World) -> None:
    sam, anna = an_agent(world), a_customer(world, "anna")
    grant = begin(world, sam, anna)
    assert grant
    world.clock.now = grant.created_at + GRANT_LIFETIME - timedelta(microseconds=1)
    found = looks(world, sam, grant)
    assert found
    world.clock.now = grant.created_at + GRANT_LIFETIME
    assert looks(world, sam, grant) is None
    assert not support.renew(ports=world.ports, viewing=found, now=world.clock.now)


def test_a_button_pressed_twice_or_too_late_ends_nothing_again(world: World) -> None:
    sam, anna = an_agent(world), a_customer(world, "anna")
    grant = begin(world, sam, anna)
    assert grant
    found = looks(world, sam, grant)
    assert found
    support.end(ports=world.ports, viewing=found, now=world.clock.now)
    ended = world.clock.now
    world.clock.forward(minutes=1)
    support.end(ports=world.ports, viewing=found, now=world.clock.now)
    assert not support.renew(ports=world.ports, viewing=found, now=world.clock.now)
    with world.ports.database.read() as tx:
        (kept,) = support_grants.of_customer(tx, anna.id, limit=5)
    assert kept.ended_at == ended


def test_whoever_becomes_an_auditor_looks_at_nobody_any_more(world: World) -> None:
    sam, anna = an_agent(world), a_customer(world, "anna")
    grant = begin(world, sam, anna)
    assert grant
    assert looks(world, an_agent(world, role=Role.LEAD), grant)
    assert looks(world, an_agent(world, role=Role.AUDITOR), grant) is None


@on_both_databases
@pytest.mark.parametrize(
    ("staff", "customers"),
    [
        ("sam@retailer.example", "SAM@Retailer.Example"),
        ("Sam@Retailer.Example", "sam@retailer.example"),
        ("JÖRG@retailer.example", "jörg@retailer.example"),
        ("jörg@retailer.example", "JÖRG@RETAILER.EXAMPLE"),
        ("straße@retailer.example", "STRASSE@retailer.example"),
    ],
)
def test_capitals_hide_neither_oneself_nor_a_colleague(world: World, staff: str, customers: str) -> None:
    sam, lea = an_agent(world, "sam", email=staff), an_agent(world, "lea")
    theirs = a_customer(world, "somebody", email=customers)
    for agent, word in ((sam, "self"), (lea, "colleague")):
        with pytest.raises(NotAllowed, match=word):
            begin(world, agent, theirs)


def test_one_issuer_for_staff_and_customers_hides_nobody_either(world: World) -> None:
    sam, lea = an_agent(world, "sam"), an_agent(world, "lea")
    theirs = a_customer(world, "sam", email="private@home.example", issuer=STAFF)
    for agent, word in ((sam, "self"), (lea, "colleague")):
        with pytest.raises(NotAllowed, match=word):
            begin(world, agent, theirs)


# Very many


def look_at(world: World, agent: Agent, *people: Customer) -> None:
    """One after the other, each for a minute."""
    for person in people:
        grant = begin(world, agent, person)
        assert grant
        found = looks(world, agent, grant)
        assert found
        world.clock.forward(minutes=1)
        support.end(ports=world.ports, viewing=found, now=world.clock.now)


def alarms(world: World) -> list[AccessEvent]:
    """What the auditors are told of, the latest first."""
    with world.ports.database.read() as tx:
        assert access_events.verify(tx).fault is None
        return list(access_events.page(tx, AccessFilter(actions=(MANY_CUSTOMERS,)), limit=50))


def people(world: World, number: int, name: str = "person") -> list[Customer]:
    return [a_customer(world, f"{name}-{each}") for each in range(number)]


@on_both_databases
def test_one_customer_more_than_usual_is_an_alarm_and_nothing_is_refused(world: World) -> None:
    sam, lea, many = an_agent(world), an_agent(world, "lea", Role.LEAD), people(world, MANY + 3)
    look_at(world, lea, *many[:MANY])
    look_at(world, sam, *many[:MANY])
    assert not alarms(world)
    structlog.reset_defaults()  # whatever a portal of another test has set for the whole process
    with capture_logs() as logged:
        look_at(world, sam, *many[MANY:])
    (alarm,) = alarms(world)
    assert (alarm.actor, alarm.actor_role, alarm.outcome) == (sam.id, "agent", f"alarm {MANY + 1}")
    assert (alarm.customer_id, alarm.reason, alarm.ticket) == (many[MANY].id, "other", "T-1")
    (line,) = [one for one in logged if one["event"] == "many_customers_viewed"]
    assert (line["log_level"], line["agent"], line["customers"]) == ("warning", sam.id, MANY + 1)


def test_the_same_customers_again_are_not_more_of_them(world: World) -> None:
    sam, few = an_agent(world), people(world, MANY)
    look_at(world, sam, *few, *few, *few)
    assert not alarms(world)


def test_there_is_one_alarm_in_a_shift_and_another_in_the_next(world: World) -> None:
    sam = an_agent(world)
    look_at(world, sam, *people(world, 2 * MANY, "morning"))
    assert len(alarms(world)) == 1
    world.clock.now += SHIFT
    look_at(world, sam, *people(world, MANY, "evening"))
    assert len(alarms(world)) == 1
    look_at(world, sam, *people(world, 1, "night"))
    assert len(alarms(world)) == 2


def test_customers_of_two_shifts_do_not_add_up(world: World) -> None:
    sam = an_agent(world)
    look_at(world, sam, *people(world, MANY, "today"))
    world.clock.now += SHIFT
    look_at(world, sam, *people(world, MANY, "tomorrow"))
    assert not alarms(world)


def test_without_a_record_of_the_alarm_there_is_no_permission(world: World) -> None:
    sam, many = an_agent(world), people(world, MANY + 1)
    look_at(world, sam, *many[:MANY])
    with world.ports.database.write() as tx:
        tx.connection.execute(text("ALTER TABLE access_head RENAME TO gone"))
    with pytest.raises(DatabaseFault):
        begin(world, sam, many[MANY])
    assert not support.open_of(ports=world.ports, agent=sam, now=world.clock.now)
