"""What a customer finds in the catalogue, and to which provider a choice leads."""

import pytest

from portal.domain.catalogue import (
    OTHER_VENDOR,
    Catalogue,
    DeviceType,
    NotOffered,
    Offer,
    RouteReason,
    Vendor,
    available,
    folded,
)

NIBE = Vendor("nibe", "NIBE", ("myuplink",))
MITSUBISHI = Vendor("mitsubishi-electric", "Mitsubishi Electric", ("mitsubishi", "MITSUBISHIELECTRIC"))
CITROEN = Vendor("citroen", "Citroën", ("CITROEN",))
VOLKSWAGEN = Vendor("volkswagen", "Volkswagen", ("VW", "Golf", "e-Golf", "ID.3"))
OTHER = Vendor(OTHER_VENDOR, "Other")

SPEAKS = {
    "podero": frozenset({"sv", "de", "en"}),
    "nox": frozenset({"nl", "en"}),
    "telematica": frozenset({"en"}),
}


def offer(
    provider: str,
    vendor: Vendor,
    device_type: DeviceType = DeviceType.HEAT_PUMP,
    vendor_code: str | None = None,
    regions: frozenset[str] = frozenset(),
) -> Offer:
    return Offer(provider, device_type, vendor, vendor_code, regions)


CATALOGUE = Catalogue(
    offers=(
        offer("podero", NIBE),
        offer("podero", OTHER),
        offer("nox", NIBE, vendor_code="nibe"),
        offer("nox", MITSUBISHI, vendor_code="mitsubishi"),
        offer("telematica", MITSUBISHI, DeviceType.HVAC, vendor_code="MITSUBISHIELECTRIC"),
        offer("telematica", CITROEN, DeviceType.VEHICLE),
        offer("telematica", VOLKSWAGEN, DeviceType.VEHICLE),
    ),
    languages=SPEAKS,
)


def test_only_served_device_types_are_shown_in_the_customers_order() -> None:
    assert CATALOGUE.device_types() == (DeviceType.HEAT_PUMP, DeviceType.VEHICLE, DeviceType.HVAC)


def test_a_vendor_served_by_two_providers_is_listed_once_and_another_manufacturer_is_last() -> None:
    assert [vendor.key for vendor in CATALOGUE.vendors(DeviceType.HEAT_PUMP)] == [
        "mitsubishi-electric",
        "nibe",
        "other",
    ]


def test_an_empty_search_shows_everything() -> None:
    assert CATALOGUE.search(DeviceType.HEAT_PUMP, " - ") == CATALOGUE.vendors(DeviceType.HEAT_PUMP)


@pytest.mark.parametrize(
    ("typed", "device_type", "found"),
    [
        ("mitsu", DeviceType.HEAT_PUMP, "mitsubishi-electric"),
        ("mitsubisi electric", DeviceType.HEAT_PUMP, "mitsubishi-electric"),
        ("MYUPLINK", DeviceType.HEAT_PUMP, "nibe"),
        ("nibe s1255", DeviceType.HEAT_PUMP, "nibe"),
        ("e golf", DeviceType.VEHICLE, "volkswagen"),
        ("volkwagen", DeviceType.VEHICLE, "volkswagen"),
        ("wagen", DeviceType.VEHICLE, "volkswagen"),
        ("citroen", DeviceType.VEHICLE, "citroen"),
        ("Citroën", DeviceType.VEHICLE, "citroen"),
        ("citröen", DeviceType.VEHICLE, "citroen"),
        ("citron", DeviceType.VEHICLE, "citroen"),
    ],
)
def test_the_search_finds_what_people_mean(typed: str, device_type: DeviceType, found: str) -> None:
    assert CATALOGUE.search(device_type, typed)[0].key == found


@pytest.mark.parametrize("typed", ["zzz", "qqqqqqqq", "xy"])
def test_the_search_does_not_guess(typed: str) -> None:
    assert CATALOGUE.search(DeviceType.HEAT_PUMP, typed) == ()


@pytest.mark.parametrize(
    ("vendor", "language", "provider", "reason"),
    [
        ("nibe", "sv", "podero", RouteReason.SPEAKS_LANGUAGE),
        ("nibe", "nl", "nox", RouteReason.SPEAKS_LANGUAGE),
        ("nibe", "en", "podero", RouteReason.RETAILER_ORDER),
        ("nibe", "hu", "podero", RouteReason.RETAILER_ORDER),
        ("mitsubishi-electric", "sv", "nox", RouteReason.ONLY_OFFER),
        ("other", "nl", "podero", RouteReason.ONLY_OFFER),
    ],
)
def test_the_customers_language_decides_then_the_retailers_order(
    vendor: str, language: str, provider: str, reason: RouteReason
) -> None:
    route = CATALOGUE.route(DeviceType.HEAT_PUMP, vendor, language)
    assert (route.offer.provider_key, route.reason) == (provider, reason)


def test_the_retailers_order_is_the_order_of_its_providers() -> None:
    turned = Catalogue(CATALOGUE.offers, {key: SPEAKS[key] for key in ("telematica", "nox", "podero")})
    assert turned.route(DeviceType.HEAT_PUMP, "nibe", "en").offer.provider_key == "nox"


@pytest.mark.parametrize(
    ("language", "avoid", "provider", "reason"),
    [
        ("sv", {"podero"}, "nox", RouteReason.PREFERRED_FAILS),
        ("hu", {"podero"}, "nox", RouteReason.PREFERRED_FAILS),
        ("sv", {"nox"}, "podero", RouteReason.SPEAKS_LANGUAGE),
        ("nl", {"podero"}, "nox", RouteReason.SPEAKS_LANGUAGE),
        ("hu", {"telematica"}, "podero", RouteReason.RETAILER_ORDER),
        ("hu", {"podero", "nox"}, "podero", RouteReason.RETAILER_ORDER),
    ],
)
def test_another_provider_steps_in_for_one_that_fails(
    language: str, avoid: set[str], provider: str, reason: RouteReason
) -> None:
    route = CATALOGUE.route(DeviceType.HEAT_PUMP, "nibe", language, avoid=frozenset(avoid))
    assert (route.offer.provider_key, route.reason) == (provider, reason)


def test_the_only_provider_stays_the_way_even_when_it_fails() -> None:
    route = CATALOGUE.route(DeviceType.HEAT_PUMP, "mitsubishi-electric", "sv", avoid=frozenset({"nox"}))
    assert (route.offer.provider_key, route.reason) == ("nox", RouteReason.ONLY_OFFER)


def test_of_the_providers_that_step_in_the_one_that_speaks_the_customers_language_comes_first() -> None:
    languages = {"podero": frozenset({"hu"}), "nox": frozenset({"en"}), "telematica": frozenset({"hu"})}
    three = Catalogue(tuple(offer(key, NIBE) for key in languages), languages)
    route = three.route(DeviceType.HEAT_PUMP, "nibe", "hu", avoid=frozenset({"podero"}))
    assert (route.offer.provider_key, route.reason) == ("telematica", RouteReason.PREFERRED_FAILS)


def test_what_nobody_serves_is_not_offered() -> None:
    with pytest.raises(NotOffered):
        CATALOGUE.route(DeviceType.BATTERY, "nibe", "sv")


def test_a_device_is_reconnected_where_it_was_linked_whatever_the_language() -> None:
    route = CATALOGUE.pinned("nox", DeviceType.HEAT_PUMP, "nibe")
    assert (route.offer.vendor_code, route.reason) == ("nibe", RouteReason.PINNED_DEVICE)


def test_a_device_of_a_vendor_no_longer_offered_can_still_be_reconnected() -> None:
    route = CATALOGUE.pinned("telematica", DeviceType.HEAT_PUMP, "forgotten")
    assert route.offer == Offer("telematica", DeviceType.HEAT_PUMP, Vendor("forgotten", "forgotten"))


def test_regional_offers_hold_in_their_region_only() -> None:
    regional = offer("telematica", NIBE, regions=frozenset({"US"}))
    assert available((regional, offer("nox", NIBE)), "EU") == (offer("nox", NIBE),)
    assert available((regional,), "US") == (regional,)


def test_device_types_stand_in_urls_as_kebab_case() -> None:
    assert DeviceType.HEAT_PUMP.slug == "heat-pump"
    assert DeviceType.from_slug("heat-pump") is DeviceType.HEAT_PUMP
    assert DeviceType.from_slug("heat_pump") is None


def test_folding_keeps_letters_and_digits_of_every_script() -> None:
    assert folded("  Škoda e-Citigo ’21 ") == "skodaecitigo21"
