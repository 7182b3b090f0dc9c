"""The offers: every provider's codes under the names customers know."""

import pytest

from portal.domain.catalogue import OTHER_VENDOR, Catalogue, DeviceType, available, folded
from portal.providers import offers
from portal.providers.offers import OffersUnreadable, added_offers, known_vendor, offers_of, vendors

PROVIDERS = ("podero", "nox", "telematica")


def of(provider: str, device_type: DeviceType, region: str = "EU") -> dict[str, str | None]:
    return {
        offer.vendor.key: offer.vendor_code
        for offer in available(offers_of(provider), region)
        if offer.device_type is device_type
    }


def slug(name: str) -> str:
    plain = "".join(letter if folded(letter) else " " for letter in name)
    return "-".join(folded(word) for word in plain.split())


def test_a_vendors_key_is_its_name_in_kebab_case() -> None:
    assert [v.key for v in vendors().values() if v.key != OTHER_VENDOR and slug(v.name) != v.key] == []


def test_no_two_vendors_share_a_name() -> None:
    names = [folded(vendor.name) for vendor in vendors().values()]
    assert len(names) == len(set(names))


FOR_RETAILERS = {"go-e", "kaco", "ohme", "polestar", "stiebel-eltron"}
"""Makers that people have and no provider names in public: a retailer whose provider serves them adds them."""


def test_every_vendor_is_offered_by_somebody_or_there_to_be_added() -> None:
    offered = {offer.vendor.key for provider in PROVIDERS for offer in offers_of(provider)}
    assert set(vendors()) == offered | FOR_RETAILERS


@pytest.mark.parametrize(
    ("provider", "text", "code"),
    [
        ("podero", "heat-pump/stiebel-eltron", None),
        ("podero", "heat_pump/vaillant", None),
        ("nox", "inverter/kaco=KACO", "KACO"),
        ("telematica", "vehicle/polestar = POLESTAR", "POLESTAR"),
    ],
)
def test_a_retailer_adds_what_it_knows_its_provider_to_serve(provider: str, text: str, code: str | None) -> None:
    (offer,) = added_offers(provider, [text])
    place = text.partition("=")[0].strip().replace("_", "-")
    assert f"{offer.device_type.slug}/{offer.vendor.key}" == place
    assert (offer.provider_key, offer.vendor_code, offer.regions) == (provider, code, frozenset())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("battery/tesla", "names no device type of this provider; write type/vendor-key, a type is charger, heat-pump"),
        ("tesla", "names no device type"),
        ("heat-pump/", "names a vendor key that"),
        ("heat-pump/stiebel", "did you mean stiebel-eltron"),
        ("vehicle/Polestar", "did you mean polestar"),
        ("car/polestar", "names no device type"),
    ],
)
def test_what_cannot_be_added_is_said(text: str, why: str) -> None:
    with pytest.raises(OffersUnreadable, match=why):
        added_offers("podero", [text])


@pytest.mark.parametrize(
    ("written", "key", "name"),
    [
        ("MITSUBISHIELECTRIC", "mitsubishi-electric", "Mitsubishi Electric"),
        ("mitsubishi", "mitsubishi-electric", "Mitsubishi Electric"),
        ("VW", "volkswagen", "Volkswagen"),
        ("e-Golf", "volkswagen", "Volkswagen"),
        ("id.3", "volkswagen", "Volkswagen"),
        ("VWID", "volkswagen-id", "Volkswagen ID."),
        ("ETRON", "audi-e-tron", "Audi e-tron"),
        ("leaf", "nissan", "Nissan"),
        ("ZOE", "renault", "Renault"),
        ("myUplink", "nibe", "NIBE"),
        ("Nibe", "nibe", "NIBE"),
        ("LANDROVER", "land-rover", "Land Rover"),
        ("CHARGEAMPS", "charge-amps", "Charge Amps"),
        ("ENELX", "enel-x", "Enel X"),
        ("ivt", "ivt", "IVT"),
        ("SMA", "sma", "SMA"),
        ("CITROEN", "citroen", "Citroën"),
        ("Skoda", "skoda", "Škoda"),
        ("TADO", "tado", "tado°"),
        ("NEST", "google-nest", "Google Nest"),
        ("MERCEDES", "mercedes-benz", "Mercedes-Benz"),
        ("alpha innotec", "alpha-innotec", "alpha innotec"),
        ("FoxESS", "fox-ess", "Fox ESS"),
        ("TrinaSolar", "trina-solar", "Trina Solar"),
    ],
)
def test_one_vendor_has_one_name_however_it_is_spelled(written: str, key: str, name: str) -> None:
    vendor = known_vendor(written)
    assert vendor is not None
    assert (vendor.key, vendor.name) == (key, name)


@pytest.mark.parametrize("written", [None, "", "?", "other", "Other", "Unheard Of", "x" * 101])
def test_what_nobody_is_called_is_nobody(written: str | None) -> None:
    assert known_vendor(written) is None


def test_podero_offers_what_its_pages_name_and_never_preselects() -> None:
    found = {device_type: of("podero", device_type) for device_type in DeviceType}
    assert {device_type: list(found[device_type]) for device_type in found if found[device_type]} == {
        DeviceType.HEAT_PUMP: ["nibe", "other"],
        DeviceType.VEHICLE: ["tesla", "other"],
        DeviceType.CHARGER: ["other"],
        DeviceType.INVERTER: ["other"],
    }
    assert {offer.vendor_code for offer in offers_of("podero")} == {None}


def test_nox_offers_each_of_its_brands_and_makers_of_both_for_both() -> None:
    assert len(of("nox", DeviceType.HEAT_PUMP)) == 25 + 1
    assert len(of("nox", DeviceType.INVERTER)) == 31 + 7 + 1
    assert len({offer.vendor_code for offer in offers_of("nox") if offer.vendor_code}) == 56
    both = of("nox", DeviceType.HEAT_PUMP).keys() & of("nox", DeviceType.INVERTER).keys()
    makers = {"bosch", "lg", "mitsubishi-electric", "panasonic", "samsung", "vaillant", "viessmann"}
    assert makers | {"other"} == both


@pytest.mark.parametrize(
    ("provider_key", "device_type"),
    [
        *(("telematica", one) for one in DeviceType if one is not DeviceType.HEAT_PUMP),
        ("nox", DeviceType.HEAT_PUMP),
        ("nox", DeviceType.INVERTER),
    ],
)
def test_another_manufacturer_is_offered_where_the_provider_lists_them_itself(
    provider_key: str, device_type: DeviceType
) -> None:
    assert of(provider_key, device_type, "EU")["other"] is None


@pytest.mark.parametrize(
    ("device_type", "region", "count"),
    [
        (DeviceType.VEHICLE, "EU", 29),
        (DeviceType.VEHICLE, "US", 23),
        (DeviceType.CHARGER, "EU", 8),
        (DeviceType.CHARGER, "US", 5),
        (DeviceType.HVAC, "EU", 12),
        (DeviceType.HVAC, "US", 10),
        (DeviceType.INVERTER, "EU", 9),
        (DeviceType.INVERTER, "US", 9),
        (DeviceType.BATTERY, "EU", 7),
        (DeviceType.BATTERY, "US", 7),
        (DeviceType.HEAT_PUMP, "EU", 0),
        (DeviceType.VEHICLE, "IN", 0),
    ],
)
def test_telematica_offers_by_type_and_region(device_type: DeviceType, region: str, count: int) -> None:
    assert len(of("telematica", device_type, region)) == count


def test_an_american_has_two_ways_to_a_volkswagen() -> None:
    there = of("telematica", DeviceType.VEHICLE, "US")
    assert (there["volkswagen"], there["volkswagen-id"], there["audi-e-tron"]) == ("VW", "VWID", "ETRON")
    assert "volkswagen-id" not in of("telematica", DeviceType.VEHICLE, "EU")


@pytest.mark.parametrize(
    ("device_type", "typed", "first"),
    [
        (DeviceType.HVAC, "mitsu", "mitsubishi-electric"),
        (DeviceType.VEHICLE, "e golf", "volkswagen"),
        (DeviceType.VEHICLE, "citroen", "citroen"),
        (DeviceType.VEHICLE, "skoda", "skoda"),
        (DeviceType.VEHICLE, "Škoda", "skoda"),
        (DeviceType.VEHICLE, "wolkswagen", "volkswagen"),
        (DeviceType.VEHICLE, "leaf", "nissan"),
        (DeviceType.HEAT_PUMP, "my uplink", "nibe"),
        (DeviceType.HEAT_PUMP, "jaspi", "jaspi"),
        (DeviceType.CHARGER, "enelx", "enel-x"),
    ],
)
def test_a_customer_finds_the_vendor_they_mean(device_type: DeviceType, typed: str, first: str) -> None:
    everything = tuple(offer for provider in PROVIDERS for offer in offers_of(provider))
    catalogue = Catalogue(available(everything, "EU"), {provider: frozenset({"en"}) for provider in PROVIDERS})
    assert catalogue.search(device_type, typed)[0].key == first


def test_a_code_without_a_vendor_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"offers": [{"device_type": "vehicle", "codes": ["NOBODY"]}]}
    read = offers._read
    monkeypatch.setattr(offers, "_read", lambda name: wrong if name == "new" else read(name))
    with pytest.raises(OffersUnreadable, match="NOBODY"):
        offers_of("new")
