"""Choosing a device type and a manufacturer, and knowing before leaving whom one is about to meet."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.domain.catalogue import OTHER_VENDOR, DeviceType, NotOffered, Offer, Route, Vendor
from portal.domain.device import Device
from portal.domain.people import Customer
from portal.domain.provider_health import HealthState, failing
from portal.journey.ports import Ports
from portal.journey.provider_health import health
from portal.providers.protocol import Traits
from portal.storage import audit, devices, vendor_refusals, vendor_requests

EXAMPLES = 3
LONGEST_REQUEST = 200

REFUSAL_COUNTS = timedelta(hours=6)
"""A vendor that a provider has refused may be back at any time; the next customer's try tells."""


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """A device type with the names of a few of its vendors, for recognition."""

    device_type: DeviceType
    examples: tuple[Vendor, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a customer reads before leaving.

    `provider_state` is how the provider is doing now: slow, where it has only asked for a pause. `replaces` are the
    devices that it would drop for the new one, `lapsed` those that may be the very one and only need reconnecting,
    `devices` all that the customer has. `vendor_is_refused`: the provider did not take this vendor of late.
    """

    offer: Offer
    provider: Traits
    provider_state: HealthState
    language_there: str
    vendor_is_preselected: bool
    vendor_is_refused: bool
    replaces: tuple[Device, ...]
    lapsed: tuple[Device, ...]
    devices: tuple[Device, ...]

    @property
    def vendor(self) -> Vendor:
        return self.offer.vendor


def device_types(*, ports: Ports) -> tuple[TypeChoice, ...]:
    """The device types on offer."""
    return tuple(
        TypeChoice(device_type, _examples(ports.catalogue.vendors(device_type)))
        for device_type in ports.catalogue.device_types()
    )


def vendors(*, ports: Ports, device_type: DeviceType, query: str = "") -> tuple[Vendor, ...]:
    """The vendors of a type; with a query, those the customer may mean, the likeliest first. Raises NotOffered.

    "Another manufacturer" is among them only where it is all there is: else the way to it is "not listed".
    """
    if device_type not in ports.catalogue.device_types():
        raise NotOffered(device_type)
    found = ports.catalogue.search(device_type, query)
    return tuple(vendor for vendor in found if vendor.key != OTHER_VENDOR) or found


def own_list(*, ports: Ports, device_type: DeviceType, language: str, now: datetime) -> Traits | None:
    """The provider whose Connect UI lists manufacturers of this type itself; it may know more than we do."""
    try:
        found = route(ports=ports, device_type=device_type, vendor_key=OTHER_VENDOR, language=language, now=now)
    except NotOffered:
        return None
    return ports.traits(found.offer.provider_key)


def route(
    *,
    ports: Ports,
    device_type: DeviceType,
    vendor_key: str,
    language: str,
    now: datetime,
    agreed: str | None = None,
) -> Route:
    """Where a choice leads: to the provider that the customer read of and `agreed` to, else past those that fail now.

    Raises NotOffered.
    """
    avoid = frozenset(ports.catalogue.languages) - {agreed} if agreed else failing(health(ports=ports, now=now))
    return ports.catalogue.route(device_type, vendor_key, language, avoid=avoid)


def before_leaving(
    *, ports: Ports, customer: Customer, device_type: DeviceType, vendor_key: str, language: str, now: datetime
) -> Preview:
    """Whom the customer meets for this choice. Raises NotOffered."""
    states = health(ports=ports, now=now)
    offer = ports.catalogue.route(device_type, vendor_key, language, avoid=failing(states)).offer
    traits = ports.providers.get(offer.provider_key).traits
    with ports.database.read() as tx:
        linked = devices.all_of(tx, customer.id)
        is_refused = offer.vendor_code is not None and vendor_refusals.is_refused(
            tx, traits.key, device_type, offer.vendor_code, since=now - REFUSAL_COUNTS
        )
    replaced = (device for device in linked if device.provider_key == traits.key and device.device_type is device_type)
    return Preview(
        offer=offer,
        provider=traits,
        provider_state=HealthState.SLOW if states[traits.key].is_busy else states[traits.key].state,
        language_there=traits.language_shown(language),
        vendor_is_preselected=traits.preselects_vendor and offer.vendor_code is not None and not is_refused,
        vendor_is_refused=is_refused,
        replaces=tuple(replaced) if device_type in traits.replaces_on_link else (),
        lapsed=tuple(device for device in linked if device.needs_customer and _is_of(device, offer)),
        devices=linked,
    )


def ask_for_vendor(*, ports: Ports, customer: Customer, device_type: DeviceType, text: str, now: datetime) -> None:
    """Records that a customer misses a manufacturer, so that the retailer knows."""
    wanted = " ".join(text.split())[:LONGEST_REQUEST]
    with ports.database.write() as tx:
        vendor_requests.record(tx, customer_id=customer.id, device_type=device_type, text=wanted, now=now)
        audit.record(
            tx,
            at=now,
            actor="customer",
            customer_id=customer.id,
            action="vendor.requested",
            object_type="device_type",
            object_id=device_type,
        )


def _is_of(device: Device, offer: Offer) -> bool:
    """Whether it is of the type and the vendor of the choice, wherever it is linked."""
    has_code = offer.vendor_code is not None and device.provider_key == offer.provider_key
    is_linked_as = has_code and device.vendor_code == offer.vendor_code
    return device.device_type is offer.device_type and (device.vendor_key == offer.vendor.key or is_linked_as)


def _examples(offered: tuple[Vendor, ...]) -> tuple[Vendor, ...]:
    named = (vendor for vendor in offered if vendor.key != OTHER_VENDOR)
    return tuple(sorted(named, key=lambda vendor: not vendor.well_known))[:EXAMPLES]
