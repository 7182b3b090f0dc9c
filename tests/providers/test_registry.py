"""The providers of a retailer: only those it has, in its order."""

import pytest

from portal.domain.catalogue import DeviceType
from portal.providers.http import Gateway
from portal.providers.nox import Nox, NoxConfig
from portal.providers.podero import Podero, PoderoConfig
from portal.providers.registry import Registry
from portal.providers.telematica import Telematica, TelematicaConfig


@pytest.fixture(scope="module")
def registry() -> Registry:
    gateway = Gateway("any")
    telematica = TelematicaConfig("https://api.example", "t", "/s", ("connect.telematica.so", "localhost:8001"))
    podero = PoderoConfig("https://b", "https://t", "o", "i", "s", ("connect.podero.com",), "devices.example")
    nox = NoxConfig("https://a/v2", "https://b", "k", ("127.0.0.1:8001", "auth.nox.energy:8443", "localhost:8001"))
    return Registry((Telematica(telematica, gateway), Podero(podero, gateway), Nox(nox, gateway)))


def test_providers_come_in_the_retailers_order(registry: Registry) -> None:
    assert [provider.traits.key for provider in registry] == ["telematica", "podero", "nox"]
    assert list(registry.languages()) == ["telematica", "podero", "nox"]
    assert registry.languages()["nox"] == {"nl", "en", "fr", "es"}
    assert registry.get("podero").traits.name == "Podero"


def test_one_without_credentials_is_not_there(registry: Registry) -> None:
    with pytest.raises(KeyError):
        Registry(registry.providers[:2]).get("nox")
    assert "nox" in registry
    assert "nox" not in Registry(registry.providers[:2])
    assert Registry(()).offers("EU") == ()


def test_offers_are_those_of_the_region(registry: Registry) -> None:
    def vehicles(region: str) -> set[str]:
        offers = registry.offers(region)
        return {o.vendor.key for o in offers if o.device_type is DeviceType.VEHICLE}

    assert "rivian" in vehicles("US") - vehicles("EU")
    assert "skoda" in vehicles("EU") - vehicles("US")
    assert "tesla" in vehicles("IN")
