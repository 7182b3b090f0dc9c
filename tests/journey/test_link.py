"""Linking a device, from the choice to the device on the list."""

from __future__ import annotations

import pytest

from portal.domain.catalogue import DeviceType, NotOffered
from portal.domain.device import Connection
from portal.domain.link_session import State
from portal.domain.people import Customer
from portal.journey import link, outcome
from portal.storage import consents
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import EASEE, NIBE, Choice, at_every_provider, on_both_databases
from tests.journey.world import World


@on_both_databases
@at_every_provider
def test_a_customer_links_a_device(world: World, anna: Customer, choice: Choice) -> None:
    attempt_id, back = world.goes_there(anna, choice)
    world.news_comes(choice)
    world.worker.stop()
    world.comes_back(anna, back)
    assert world.attempt(anna, attempt_id).state is State.ARRIVED
    world.worker_starts()
    view = world.looks(anna, attempt_id)
    assert (view.attempt.state, view.attempt.reason, view.polls) == (State.LINKED, None, False)
    assert view.device is not None
    assert view.devices == (view.device,)
    assert (view.device.vendor_key, view.device.connection) == (choice.vendor, Connection.WORKING)
    assert view.attempt.connect_url is None
    assert world.story(anna) == [
        "link_session.opened",
        "link_session.departed",
        "link_session.arrived",
        "device.linked",
        "link_session.linked",
    ]


def test_nothing_is_opened_without_the_customers_permission(world: World, anna: Customer) -> None:
    with pytest.raises(link.ConsentMissing):
        link.open_link(
            ports=world.ports,
            customer=anna,
            device_type=DeviceType.HEAT_PUMP,
            vendor_key="nibe",
            language="sv",
            consented=False,
            now=world.clock.now,
        )
    assert world.story(anna) == []


def test_what_nobody_serves_cannot_be_linked(world: World, anna: Customer) -> None:
    with pytest.raises(NotOffered):
        world.opens(anna, Choice("podero", DeviceType.BATTERY, "nibe", "sv", ""))


def test_the_permission_is_on_record_with_its_words_and_language(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    with world.ports.database.read() as tx:
        consent = consents.of_attempt(tx, anna.id, attempt_id)
    assert consent is not None
    assert (consent.provider_key, consent.version, consent.language, consent.smart_control, consent.given_at) == (
        "podero",
        world.ports.policy.consent_version,
        "sv",
        False,
        world.clock.now,
    )


def test_a_second_device_of_the_same_customer_stands_beside_the_first(world: World, anna: Customer) -> None:
    first, second = world.links(anna, NIBE), world.links(anna, EASEE)
    assert {device.id for device in world.devices(anna)} == {first.id, second.id}


def test_a_device_linked_once_more_stays_one_device(world: World, anna: Customer) -> None:
    first = world.links(anna, NIBE)
    world.clock.forward(minutes=5)
    assert world.links(anna, NIBE).id == first.id
    assert len(world.devices(anna)) == 1


def test_several_devices_of_one_account_are_linked_together(world: World, anna: Customer) -> None:
    attempt_id = world.opens(anna, EASEE)
    url = world.leaves(anna, attempt_id)
    answer = world.submits_there(url, action="sign-in", username="several@example.com", password="Demo1234")
    assert answer.status_code == 303
    serials = [device.serial for link in world.sandbox.state.links.values() for device in link.found]
    world.comes_back(anna, world.does_there(url, action="connect", device=serials))
    world.news_comes(EASEE)
    assert world.looks(anna, attempt_id).attempt.state is State.LINKED
    assert len(world.devices(anna)) == 2


def test_the_customers_own_address_is_sent_only_where_the_retailer_chose_so(
    world: World, anna: Customer, make_ports: MakePorts
) -> None:
    world.leaves(anna, world.opens(anna, NIBE))
    openly = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PODERO__SEND_CUSTOMER_EMAIL="true"))
    bo = openly.customer("bo")
    openly.leaves(bo, openly.opens(bo, NIBE))
    addresses = [user.email for user in world.sandbox.state.users]
    assert [address == "bo@example.com" for address in addresses] == [False, True]
    assert "anna@example.com" not in addresses


def test_an_unknown_attempt_is_left_alone(world: World, anna: Customer) -> None:
    look = outcome.look(ports=world.ports, customer=anna, link_session_id="unknown", now=world.clock.now)
    assert (look, world.goes_on(anna, "unknown")) == (None, None)


def test_another_customers_attempt_is_as_good_as_unknown(world: World, anna: Customer, bo: Customer) -> None:
    attempt_id = world.opens(anna, NIBE)
    assert outcome.look(ports=world.ports, customer=bo, link_session_id=attempt_id, now=world.clock.now) is None
    assert world.goes_on(bo, attempt_id) is None
    assert world.calls("podero", "/device-onboarding") == 0
