"""The vendor accounts one can sign in to at a Connect UI, and the physical devices in them."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

PASSWORD = "Demo1234"


class Kind(StrEnum):
    """What sort of device it is; each provider has its own words for these."""

    HEAT_PUMP = "heat_pump"
    VEHICLE = "vehicle"
    CHARGER = "charger"
    INVERTER = "inverter"
    BATTERY = "battery"
    HVAC = "hvac"


@dataclass(frozen=True, slots=True)
class VendorDevice:
    """A physical device. `serial` is the same however often its account is linked."""

    serial: str
    kind: Kind
    vendor: str
    account: str
    model: str
    nickname: str


NAMED_ACCOUNTS: dict[tuple[str, Kind], dict[str, tuple[str, str]]] = {
    ("nibe", Kind.HEAT_PUMP): {
        "demomyuplink@nibe.se": ("S1255", "Villa"),
        "second@nibe.se": ("F1155", "Sommarstuga"),
    },
    ("tesla", Kind.VEHICLE): {
        "demo-tesla@getfreeheat.com": ("Model 3", "Red car"),
        "second@getfreeheat.com": ("Model Y", "Blue car"),
    },
}
"""Makers with accounts of their own; everybody else's customers may call themselves what they like."""

MODELS: dict[tuple[str, Kind], str] = {
    ("daikin", Kind.HEAT_PUMP): "Altherma 3",
    ("vaillant", Kind.HEAT_PUMP): "aroTHERM plus",
    ("viessmann", Kind.HEAT_PUMP): "Vitocal 250-A",
    ("sma", Kind.INVERTER): "Sunny Boy 5.0",
    ("solaredge", Kind.INVERTER): "SE5K",
    ("fronius", Kind.INVERTER): "Symo 8.2",
    ("huawei", Kind.INVERTER): "SUN2000-6KTL",
    ("vw", Kind.VEHICLE): "ID.4",
    ("bmw", Kind.VEHICLE): "i4",
    ("kia", Kind.VEHICLE): "EV6",
    ("easee", Kind.CHARGER): "Home",
    ("zaptec", Kind.CHARGER): "Go",
    ("wallbox", Kind.CHARGER): "Pulsar Plus",
    ("tesla", Kind.BATTERY): "Powerwall 2",
    ("daikin", Kind.HVAC): "Perfera",
    ("tado", Kind.HVAC): "Smart Thermostat X",
}

PLAIN_MODELS = {
    Kind.HEAT_PUMP: "Comfort 8",
    Kind.VEHICLE: "E-Drive",
    Kind.CHARGER: "Home 11",
    Kind.INVERTER: "Sun 6",
    Kind.BATTERY: "Store 10",
    Kind.HVAC: "Climate 3",
}


class WrongCredentialsError(Exception):
    """No such account, or another password."""


def sample_logins(vendor: str, kind: Kind) -> tuple[str, ...]:
    """The logins the Connect UI shows to whoever tries it."""
    named = NAMED_ACCOUNTS.get((vendor.lower(), kind))
    return tuple(named) if named else (f"demo@{_domain(vendor)}", f"second@{_domain(vendor)}")


def sign_in(vendor: str, kind: Kind, username: str, password: str) -> tuple[VendorDevice, ...]:
    """The devices of this kind in the account: one, two for `several@…`, none for `empty@…`.

    The same account always holds the same devices. Raises WrongCredentialsError.
    """
    account = username.strip().lower()
    name, at, _ = account.partition("@")
    if password != PASSWORD or not name or not at:
        raise WrongCredentialsError
    if name == "empty":
        return ()
    named = NAMED_ACCOUNTS.get((vendor.lower(), kind), {})
    if named and name != "several" and account not in named:
        raise WrongCredentialsError
    model, nickname = named.get(account, (MODELS.get((vendor.lower(), kind), PLAIN_MODELS[kind]), ""))
    count = 2 if name == "several" else 1
    return tuple(
        VendorDevice(
            serial=serial,
            kind=kind,
            vendor=vendor.lower(),
            account=account,
            model=model,
            nickname=nickname or f"{model} {serial[:4].upper()}",
        )
        for serial in (_serial(vendor, kind, f"{account} {index}") for index in range(count))
    )


def _serial(vendor: str, kind: Kind, place: str) -> str:
    return hashlib.sha256(f"{vendor.lower()} {kind} {place}".encode()).hexdigest()[:12]


def _domain(vendor: str) -> str:
    return f"{vendor.lower().replace(' ', '-')}.example"
