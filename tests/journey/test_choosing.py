"""Choosing a device type and a manufacturer, with the offers that the providers really have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from portal import i18n
from portal.domain.catalogue import OTHER_VENDOR, Catalogue, DeviceType, NotOffered, RouteReason
from portal.domain.people import Customer
from portal.domain.provider_health import HealthState
from portal.journey import choose, language
from portal.journey.choose import Preview
from portal.journey.ports import Ports
from portal.journey.provider_health import HealthBook
from portal.storage import tables
from tests.journey.conftest import MakePorts
from tests.journey.surroundings import DAIKIN, EASEE, NIBE, Choice, on_both_databases
from tests.journey.world import World

PANELS = Choice("nox", DeviceType.INVERTER, "sma", "nl", "anna@example.com")


def before_leaving(world: World, customer: Customer, choice: Choice) -> Preview:
    return choose.before_leaving(
        ports=world.ports,
        customer=customer,
        device_type=choice.device_type,
        vendor_key=choice.vendor,
        language=choice.language,
        now=world.clock.now,
    )


def told(world: World, provider_key: str, *, failed: bool, milliseconds: int = 100) -> None:
    """A worker has seen how three calls to this provider went."""
    book = HealthBook(world.ports.database, world.clock)
    for _ in range(3):
        book.seen(provider_key, failed=failed, milliseconds=milliseconds)
    book.flush()


def test_all_six_device_types_are_on_offer_each_with_names_to_recognise(common_ports: Ports) -> None:
    choices = choose.device_types(ports=common_ports)
    assert [choice.device_type for choice in choices] == list(DeviceType)
    for choice in choices:
        names = [vendor.key for vendor in choice.examples]
        assert len(names) == choose.EXAMPLES
        assert OTHER_VENDOR not in names
        assert [vendor.well_known for vendor in choice.examples][:2] == [True, True]


@pytest.mark.parametrize("code", i18n.LANGUAGES)
def test_every_manufacturer_on_offer_leads_to_a_provider_in_every_language(
    world: World, anna: Customer, code: str
) -> None:
    for device_type in DeviceType:
        for vendor in choose.vendors(ports=world.ports, device_type=device_type):
            preview = before_leaving(world, anna, Choice("", device_type, vendor.key, code, ""))
            assert preview.vendor == vendor
            assert preview.language_there in i18n.LANGUAGES
            assert preview.provider.key in world.ports.providers


@pytest.mark.parametrize("region", ["EU", "US"])
def test_every_offer_of_every_region_is_found_again_for_a_device_linked_by_it(common_ports: Ports, region: str) -> None:
    catalogue = Catalogue(common_ports.providers.offers(region), common_ports.providers.languages())
    for offer in catalogue.offers:
        pinned = catalogue.pinned(offer.provider_key, offer.device_type, offer.vendor.key).offer
        assert (pinned.provider_key, pinned.device_type, pinned.vendor) == (
            offer.provider_key,
            offer.device_type,
            offer.vendor,
        )
        assert catalogue.route(offer.device_type, offer.vendor.key, "sv").offer in catalogue.offers


def test_a_search_finds_the_manufacturer_that_is_meant(common_ports: Ports) -> None:
    found = choose.vendors(ports=common_ports, device_type=DeviceType.HEAT_PUMP, query="nibbe")
    assert [vendor.key for vendor in found] == ["nibe"]


def test_what_nobody_serves_has_no_page(world: World, anna: Customer) -> None:
    with pytest.raises(NotOffered):
        before_leaving(world, anna, Choice("", DeviceType.BATTERY, "nibe", "sv", ""))


@pytest.mark.parametrize(
    ("choice", "language_there", "preselected"),
    [
        (NIBE, "sv", False),
        (Choice("nox", DeviceType.HEAT_PUMP, "nibe", "fr", ""), "fr", True),
        (Choice("telematica", DeviceType.CHARGER, "easee", "pl", ""), "en", True),
        (Choice("podero", DeviceType.CHARGER, OTHER_VENDOR, "nl", ""), "en", False),
    ],
    ids=["podero", "nox", "telematica", "another manufacturer"],
)
def test_before_leaving_a_customer_knows_whom_they_meet_and_in_which_language(
    world: World, anna: Customer, choice: Choice, language_there: str, preselected: bool
) -> None:
    preview = before_leaving(world, anna, choice)
    assert preview.provider.key == choice.provider
    assert (preview.language_there, preview.vendor_is_preselected) == (language_there, preselected)


def test_a_customer_knows_before_leaving_that_a_provider_fails_or_is_slow_and_that_it_is_over(
    world: World, anna: Customer
) -> None:
    assert before_leaving(world, anna, EASEE).provider_state is HealthState.OK
    told(world, "telematica", failed=False, milliseconds=4000)
    assert before_leaving(world, anna, EASEE).provider_state is HealthState.SLOW
    world.clock.forward(seconds=60)
    told(world, "telematica", failed=True)
    assert before_leaving(world, anna, EASEE).provider_state is HealthState.FAILING
    assert before_leaving(world, anna, NIBE).provider_state is HealthState.OK
    world.clock.forward(seconds=60)
    told(world, "telematica", failed=False)
    assert before_leaving(world, anna, EASEE).provider_state is HealthState.OK


def test_another_provider_of_the_same_manufacturer_steps_in_for_one_that_fails(world: World, anna: Customer) -> None:
    assert before_leaving(world, anna, NIBE).provider.key == "podero"
    told(world, "podero", failed=True)
    preview = before_leaving(world, anna, NIBE)
    assert (preview.provider.key, preview.provider_state) == ("nox", HealthState.OK)
    told(world, "nox", failed=True)
    preview = before_leaving(world, anna, NIBE)
    assert (preview.provider.key, preview.provider_state) == ("podero", HealthState.FAILING)


def test_a_slow_provider_keeps_its_customers(world: World, anna: Customer) -> None:
    told(world, "podero", failed=False, milliseconds=4000)
    preview = before_leaving(world, anna, NIBE)
    assert (preview.provider.key, preview.provider_state) == ("podero", HealthState.SLOW)


@pytest.mark.parametrize(
    ("failing", "agreed", "provider", "reason"),
    [
        ((), None, "podero", RouteReason.SPEAKS_LANGUAGE),
        (("podero",), None, "nox", RouteReason.PREFERRED_FAILS),
        ((), "nox", "nox", RouteReason.PREFERRED_FAILS),
        (("podero",), "podero", "podero", RouteReason.SPEAKS_LANGUAGE),
        (("nox",), "nox", "nox", RouteReason.PREFERRED_FAILS),
        ((), "telematica", "podero", RouteReason.SPEAKS_LANGUAGE),
        ((), "nonsense", "podero", RouteReason.SPEAKS_LANGUAGE),
    ],
)
def test_a_choice_leads_to_the_provider_that_the_customer_agreed_to_else_past_those_that_fail(
    world: World, failing: tuple[str, ...], agreed: str | None, provider: str, reason: RouteReason
) -> None:
    for provider_key in failing:
        told(world, provider_key, failed=True)
    route = choose.route(
        ports=world.ports,
        device_type=NIBE.device_type,
        vendor_key=NIBE.vendor,
        language="sv",
        agreed=agreed,
        now=world.clock.now,
    )
    assert (route.offer.provider_key, route.reason) == (provider, reason)


def test_a_provider_that_holds_one_manufacturer_says_which_device_would_go(world: World, anna: Customer) -> None:
    assert before_leaving(world, anna, DAIKIN).replaces == ()
    pump = world.links(anna, DAIKIN)
    assert before_leaving(world, anna, DAIKIN).replaces == (pump,)
    assert before_leaving(world, anna, PANELS).replaces == ()
    assert before_leaving(world, anna, EASEE).replaces == ()


def test_a_provider_that_holds_many_replaces_nothing(world: World, anna: Customer) -> None:
    world.links(anna, NIBE)
    assert before_leaving(world, anna, NIBE).replaces == ()


def test_a_provider_without_credentials_is_not_on_offer(world: World, anna: Customer, make_ports: MakePorts) -> None:
    without = world.with_ports(make_ports(world.ports.database, world.clock, PORTAL_PROVIDERS="nox"))
    assert before_leaving(without, anna, NIBE).provider.key == "nox"
    types = [choice.device_type for choice in choose.device_types(ports=without.ports)]
    assert types == [DeviceType.HEAT_PUMP, DeviceType.INVERTER]


@on_both_databases
def test_a_customer_tells_which_manufacturer_is_missing(world: World, anna: Customer) -> None:
    choose.ask_for_vendor(
        ports=world.ports,
        customer=anna,
        device_type=DeviceType.CHARGER,
        text="  Zap\n tastic " + "x" * 500,
        now=world.clock.now,
    )
    with world.ports.database.read() as tx:
        (told,) = tx.connection.execute(select(tables.vendor_requests)).mappings()
    assert (told["customer_id"], told["device_type"]) == (anna.id, "charger")
    assert told["text"].startswith("Zap tastic xxx")
    assert len(told["text"]) == choose.LONGEST_REQUEST
    assert world.story(anna) == ["vendor.requested"]


def test_another_manufacturer_has_one_way_to_it(common_ports: Ports) -> None:
    """Where makers are named, "not listed" leads on to a provider's own list; where none is, there is only that."""
    listed = {one: choose.vendors(ports=common_ports, device_type=one) for one in DeviceType}
    for device_type, vendors in listed.items():
        named = [vendor for vendor in vendors if vendor.key != OTHER_VENDOR]
        assert len(named) == len(vendors) or not named, device_type


def test_what_a_provider_has_just_refused_is_said_before_leaving(world: World, anna: Customer, bo: Customer) -> None:
    assert before_leaving(world, bo, PANELS).vendor_is_preselected
    world.answers("nox", 400, times=1)
    world.leaves(anna, world.opens(anna, PANELS))
    world.recovers("nox")
    refused = before_leaving(world, bo, PANELS)
    assert (refused.vendor_is_refused, refused.vendor_is_preselected) == (True, False)
    other = before_leaving(world, bo, replace(PANELS, vendor="solaredge"))
    assert (other.vendor_is_refused, other.vendor_is_preselected) == (False, True)
    world.leaves(bo, world.opens(bo, PANELS))
    assert before_leaving(world, anna, PANELS).vendor_is_preselected


@on_both_databases
def test_a_customers_language_is_kept_for_every_later_visit(world: World, anna: Customer, bo: Customer) -> None:
    language.choose_language(ports=world.ports, customer=anna, language="et")
    assert world.customer("anna").language == "et"
    assert world.customer("bo").language is None


def test_a_device_type_that_nobody_serves_here_has_no_list(world: World, make_ports: MakePorts) -> None:
    ports = make_ports(world.ports.database, world.clock, PORTAL_PROVIDERS="podero,nox")
    with pytest.raises(NotOffered):
        choose.vendors(ports=ports, device_type=DeviceType.BATTERY)
