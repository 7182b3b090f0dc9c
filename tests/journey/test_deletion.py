"""Deleting an account: nothing of it is left here, and at the providers nothing that can be ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.domain.catalogue import DeviceType, NotOffered
from portal.domain.deletion import KEPT_FOR, PORTAL, TRIED_FOR, Progress
from portal.domain.people import Customer, Identity
from portal.domain.provider_event import EventState
from portal.journey import deletion, link, support_code
from portal.storage import (
    app_entries,
    audit,
    customers,
    login_sessions,
    provider_accounts,
    tables,
    vendor_requests,
)
from tests.journey.conftest import MakePorts
from tests.journey.forgetting import a_minute_passes, deletes, everything, left_of, stands
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, TESLA, Choice, at_every_provider, on_both_databases
from tests.journey.telling import connected, inbox, pseudonym
from tests.journey.world import World

CANARY = ("Karin Canary", "karin.canary@example.com", "subject-canary", "Nickname Canary", "4711-canary", "sv-canary")
STAYS = {"audit", "access_events", "access_head", "deletions", "deletion_steps", "tombstones", "provider_calls"}


def karin(world: World) -> Customer:
    identity = Identity(
        issuer=world.sandbox.config.issuer,
        subject=CANARY[2],
        email=CANARY[1],
        name=CANARY[0],
        locale="sv",
        number=CANARY[4],
    )
    with world.ports.database.write() as tx:
        return customers.signed_in(tx, identity, now=world.clock.now)


def lives(world: World, customer: Customer) -> None:
    """Leaves a trace wherever a customer can."""
    for choice in (NIBE, EASEE, DAIKIN):
        world.links(customer, choice)
    world.leaves(customer, world.opens(customer, TESLA))
    now, later = world.clock.now, world.clock.now + timedelta(hours=1)
    with world.ports.database.write() as tx:
        tx.connection.execute(tables.devices.update().values(nickname=CANARY[3]))
        login_sessions.open(tx, customer.id, token="a browser", id_token=CANARY[2], now=now, expires_at=later)
        vendor_requests.record(tx, customer_id=customer.id, device_type=DeviceType.HVAC, text=CANARY[5], now=now)
        app_entries.keep(
            tx,
            issuer="https://app.example",
            token_id="once",
            customer_id=customer.id,
            app_link="main",
            target=None,
            locale=None,
            code="a code",
            now=now,
            expires_at=later,
        )
    support_code.give(ports=world.ports, customer=customer, now=now)


@on_both_databases
def test_nothing_is_left_but_what_names_nobody(world: World) -> None:
    customer = karin(world)
    lives(world, customer)
    world.clock.forward(minutes=5)
    before = everything(world)
    assert all(any(word in rows for rows in before.values()) for word in CANARY)
    receipt = deletes(world, customer)
    assert set(stands(world, receipt).values()) == {Progress.DONE, Progress.NOT_OFFERED}
    after = everything(world)
    assert not {(name, word) for name, rows in after.items() for word in CANARY if word.casefold() in rows.casefold()}
    assert left_of(world, customer) == {"audit", "deletions"}
    assert {name for name, rows in after.items() if rows != "[]"} <= STAYS | {"alembic_version"}


@on_both_databases
def test_what_names_somebody_is_gone_at_once_though_a_provider_does_not_answer(world: World) -> None:
    customer = karin(world)
    lives(world, customer)
    world.clock.forward(minutes=5)
    for key in ("podero", "telematica"):
        world.answers(key, 503)
    receipt = deletes(world, customer)
    assert stands(world, receipt)[PORTAL] is Progress.UNDER_WAY
    after = everything(world)
    assert not {(name, word) for name, rows in after.items() for word in CANARY if word.casefold() in rows.casefold()}
    assert left_of(world, customer) == {
        "audit",
        "deletions",
        "customers",
        "devices",
        "link_sessions",
        "consents",
        "provider_accounts",
    }


@at_every_provider
def test_each_provider_is_told_as_far_as_it_can_be(world: World, anna: Customer, bo: Customer, choice: Choice) -> None:
    world.links(anna, choice)
    others = world.links(bo, choice)
    world.clock.forward(minutes=5)
    receipt = deletes(world, anna)
    expected = {"podero": Progress.DONE, "nox": Progress.NOT_OFFERED, "telematica": Progress.DONE}[choice.provider]
    assert stands(world, receipt) == {choice.provider: expected, PORTAL: Progress.DONE}
    there = [device for device in world.sandbox.state.devices if device.removed_at is None]
    assert len(there) == (2 if choice.provider == "nox" else 1)
    assert world.devices(bo) == (others,)
    users = [user for user in world.sandbox.state.users if user.provider == "podero"]
    assert len(users) == (1 if choice.provider == "podero" else 0)


def test_where_podero_removes_devices_they_go_before_the_user(
    world: World, anna: Customer, make_ports: MakePorts
) -> None:
    removing = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PODERO__DELETE_DEVICES="true"))
    removing.links(anna, NIBE)
    removing.clock.forward(minutes=5)
    receipt = deletes(removing, anna)
    assert stands(removing, receipt) == {"podero": Progress.DONE, PORTAL: Progress.DONE}
    deleted = [call["path"] for call in world.sandbox.state.calls["podero"] if call["method"] == "DELETE"]
    assert ["/heat-pumps/" in path for path in deleted] == [True, False]


def test_who_never_connected_anything_is_forgotten_too(world: World, anna: Customer) -> None:
    receipt = deletes(world, anna)
    assert stands(world, receipt) == {PORTAL: Progress.DONE}
    assert left_of(world, anna) == {"audit", "deletions"}


@pytest.mark.parametrize("status", [503, 429, 500, 504])
def test_a_provider_in_trouble_is_asked_again_until_it_has_done_it(world: World, anna: Customer, status: int) -> None:
    world.links(anna, NIBE)
    world.links(anna, EASEE)
    world.clock.forward(minutes=5)
    for key in ("podero", "telematica"):
        world.answers(key, status)
    receipt = deletes(world, anna)
    for _ in range(2):
        assert set(stands(world, receipt).values()) == {Progress.UNDER_WAY}
        a_minute_passes(world)
    for key in ("podero", "telematica"):
        world.recovers(key)
    a_minute_passes(world)
    a_minute_passes(world)
    assert set(stands(world, receipt).values()) == {Progress.DONE}
    assert not [device for device in world.sandbox.state.devices if device.removed_at is None]


@pytest.mark.parametrize("key", ["podero", "telematica"])
def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_doubled(
    world: World, anna: Customer, key: str
) -> None:
    world.links(anna, NIBE if key == "podero" else EASEE)
    world.clock.forward(minutes=5)
    world.answers(key, 504)
    world.sandbox.state.set_faults(key, {"carry_out_first": True})
    receipt = deletes(world, anna)
    assert stands(world, receipt)[key] is Progress.UNDER_WAY
    world.recovers(key)
    a_minute_passes(world)
    a_minute_passes(world)
    assert set(stands(world, receipt).values()) == {Progress.DONE}


def test_a_provider_that_fails_for_days_is_given_up_and_the_rest_goes(world: World, anna: Customer) -> None:
    world.links(anna, EASEE)
    world.clock.forward(minutes=5)
    world.answers("telematica", 503)
    receipt = deletes(world, anna)
    a_minute_passes(world, seconds=TRIED_FOR.total_seconds() - 60)
    assert stands(world, receipt)["telematica"] is Progress.UNDER_WAY
    a_minute_passes(world, seconds=120)
    a_minute_passes(world)
    assert stands(world, receipt) == {"telematica": Progress.GIVEN_UP, PORTAL: Progress.DONE}
    assert left_of(world, anna) == {"audit", "deletions"}


def test_where_podero_has_no_such_call_that_is_what_is_said(world: World, anna: Customer) -> None:
    world.links(anna, NIBE)
    world.clock.forward(minutes=5)
    world.answers("podero", 405, path="/users/")
    receipt = deletes(world, anna)
    assert stands(world, receipt) == {"podero": Progress.NOT_OFFERED, PORTAL: Progress.DONE}


def test_that_its_devices_are_removed_is_not_taken_for_podero_having_forgotten_the_customer(
    world: World, anna: Customer, make_ports: MakePorts
) -> None:
    removing = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PODERO__DELETE_DEVICES="true"))
    removing.removes(anna, removing.links(anna, NIBE))
    removing.clock.forward(minutes=5)
    world.answers("podero", 405, path="/users/")
    receipt = deletes(removing, anna)
    assert stands(removing, receipt) == {"podero": Progress.NOT_OFFERED, PORTAL: Progress.DONE}


def test_a_provider_that_was_switched_off_is_not_told(world: World, anna: Customer, make_ports: MakePorts) -> None:
    world.links(anna, EASEE)
    world.clock.forward(minutes=5)
    without = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PROVIDERS="podero"))
    receipt = deletes(without, anna)
    assert stands(without, receipt) == {"telematica": Progress.NOT_OFFERED, PORTAL: Progress.DONE}
    assert world.calls("telematica", "/revoke") == 0


@on_both_databases
def test_what_is_lost_with_the_queue_is_found_by_the_reconciler(world: World, anna: Customer) -> None:
    world.links(anna, EASEE)
    world.clock.forward(minutes=5)
    world.worker.stop()
    receipt = deletes(world, anna)
    world.worker.forget()
    world.worker_starts()
    assert set(stands(world, receipt).values()) == {Progress.UNDER_WAY}
    for _ in range(3):
        a_minute_passes(world)
    assert set(stands(world, receipt).values()) == {Progress.DONE}


def test_a_link_that_is_being_asked_for_at_that_moment_is_waited_for_and_leaves_nobody_there(
    world: World, anna: Customer
) -> None:
    world.is_slow("podero", 0.5)
    attempt_id = world.opens(anna, NIBE)
    link.leave(ports=world.ports, attempt=world.attempt(anna, attempt_id), patience=0.2, now=world.clock.now)
    receipt = deletes(world, anna)
    assert stands(world, receipt)["podero"] is Progress.UNDER_WAY
    world.is_slow("podero", 0)
    for _ in range(3):
        a_minute_passes(world)
    assert set(stands(world, receipt).values()) == {Progress.DONE}
    assert not [user for user in world.sandbox.state.users if user.provider == "podero"]


def test_what_was_linked_and_not_confirmed_yet_ends_there_too(world: World, anna: Customer) -> None:
    world.goes_and_returns(anna, EASEE)
    world.settles()
    world.clock.forward(minutes=5)
    deletes(world, anna)
    assert not [device for device in world.sandbox.state.devices if device.removed_at is None]


def test_nothing_can_be_begun_any_more(world: World, anna: Customer) -> None:
    deletes(world, anna)
    with pytest.raises(NotOffered):
        world.opens(anna, NIBE)


def test_a_second_click_is_the_same_deletion(world: World, anna: Customer) -> None:
    world.worker.stop()
    first = deletion.ask(ports=world.ports, customer=anna, now=world.clock.now)
    second = deletion.ask(ports=world.ports, customer=anna, now=world.clock.now)
    assert deletion.look(ports=world.ports, receipt=first) is None
    assert stands(world, second) == {PORTAL: Progress.UNDER_WAY}
    assert world.story(anna).count("deletion.asked") == 1


def test_who_signs_in_again_has_a_new_and_empty_account(world: World) -> None:
    customer = karin(world)
    device = world.links(customer, EASEE)
    world.clock.forward(minutes=5)
    world.answers("telematica", 503)
    deletes(world, customer)
    again = karin(world)
    assert again.id != customer.id
    assert again.language is None
    world.recovers("telematica")
    a_minute_passes(world)
    a_minute_passes(world)
    assert world.devices(again) == ()
    world.news_comes(EASEE)
    linked = world.links(again, EASEE)
    assert linked.id != device.id
    assert karin(world).id == again.id


@on_both_databases
def test_a_late_word_of_a_provider_ends_in_quarantine_with_nothing_of_anybody_in_it(
    world: World, anna: Customer
) -> None:
    device = world.links(anna, EASEE)
    world.clock.forward(minutes=5)
    late = connected(world, anna, world.clock.now, deviceId=device.provider_device_id, model="Late")
    name = pseudonym(world, anna)
    deletes(world, anna)
    world.mailbox.messages.clear()
    world.receives(late)
    (event,) = inbox(world)
    assert (event.state, event.cause) == (EventState.QUARANTINED, "deleted")
    assert (event.pseudonym, event.device_ids) == (None, ())
    assert not {table for table, rows in everything(world).items() if name in rows or "Late" in rows}
    assert left_of(world, anna) == {"audit", "deletions"}


def test_a_return_that_waits_for_a_sign_in_and_names_the_customer_is_gone(world: World, anna: Customer) -> None:
    _, back = world.goes_there(anna, DAIKIN)
    world.comes_back(None, back)
    name = pseudonym(world, anna, "nox")
    assert name in everything(world)["pending_arrivals"]
    world.clock.forward(minutes=5)
    deletes(world, anna)
    assert not {table for table, rows in everything(world).items() if name in rows}


def test_nobody_gets_a_provider_user_who_was_deleted(world: World, anna: Customer, bo: Customer) -> None:
    world.links(anna, DAIKIN)
    with world.ports.database.read() as tx:
        account = provider_accounts.of(tx, anna.id, "nox")
    assert account is not None
    assert account.provider_user_id is not None
    deletes(world, anna)
    with world.ports.database.write() as tx:
        his = provider_accounts.ensure(tx, bo.id, "nox")
    with pytest.raises(provider_accounts.AlreadyBound), world.ports.database.write() as tx:
        provider_accounts.bind(tx, his, account.provider_user_id)


def test_a_token_of_the_app_that_was_used_stays_used(world: World, anna: Customer) -> None:
    lives(world, anna)
    world.clock.forward(minutes=5)
    deletes(world, anna)
    again = world.customer("anna")
    with pytest.raises(app_entries.Replayed), world.ports.database.write() as tx:
        app_entries.keep(
            tx,
            issuer="https://app.example",
            token_id="once",
            customer_id=again.id,
            app_link="main",
            target=None,
            locale=None,
            code="another code",
            now=world.clock.now,
            expires_at=world.clock.now,
        )


def test_after_a_while_even_that_somebody_was_forgotten_is_forgotten(world: World, anna: Customer) -> None:
    world.links(anna, EASEE)
    world.clock.forward(minutes=5)
    receipt = deletes(world, anna)
    a_minute_passes(world, days=39)
    assert everything(world)["tombstones"] != "[]"
    a_minute_passes(world, days=2)
    assert everything(world)["tombstones"] == "[]"
    assert stands(world, receipt)[PORTAL] is Progress.DONE
    a_minute_passes(world, days=KEPT_FOR.days)
    assert deletion.look(ports=world.ports, receipt=receipt) is None
    assert left_of(world, anna) == {"audit"}


def test_each_step_is_on_record_with_no_name_in_it(world: World, anna: Customer) -> None:
    world.links(anna, EASEE)
    world.clock.forward(minutes=5)
    deletes(world, anna)
    with world.ports.database.read() as tx:
        lines = [line for line in audit.of_customer(tx, anna.id, 50) if line.action.startswith("deletion")]
    assert [(line.actor, line.action, dict(line.details)) for line in reversed(lines)] == [
        ("customer", "deletion.asked", {}),
        ("portal", "deletion.done", {"system": "telematica"}),
        ("portal", "deletion.done", {"system": "portal"}),
    ]
