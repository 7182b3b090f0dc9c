"""What can be linked: device types, vendors and the offers of the providers that serve them."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz


class DeviceType(StrEnum):
    """The six kinds of device a customer can link."""

    HEAT_PUMP = "heat_pump"
    VEHICLE = "vehicle"
    CHARGER = "charger"
    INVERTER = "inverter"
    BATTERY = "battery"
    HVAC = "hvac"

    @property
    def slug(self) -> str:
        """The type as it stands in our URLs: `heat-pump`."""
        return self.value.replace("_", "-")

    @classmethod
    def from_slug(cls, slug: str) -> "DeviceType | None":
        return next((device_type for device_type in cls if device_type.slug == slug), None)


OTHER_VENDOR = "other"
"""The vendor key of "another manufacturer": the provider's Connect UI asks which."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """The maker a customer knows. `key` is the kebab-case display name; `spellings` are what else people write for it.

    `app` is the maker's app or service whose sign-in is asked for, where it has a name of its own. `well_known` vendors
    stand as examples of their device type.
    """

    key: str
    name: str
    spellings: tuple[str, ...] = ()
    app: str | None = None
    well_known: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """One linkable (provider, device type, vendor).

    `vendor_code` is the provider's own word for the vendor, None where its Connect UI asks again.
    `regions` is empty where the provider serves the vendor everywhere it works.
    """

    provider_key: str
    device_type: DeviceType
    vendor: Vendor
    vendor_code: str | None = None
    regions: frozenset[str] = frozenset()


class RouteReason(StrEnum):
    """Why an attempt went to the provider it went to."""

    ONLY_OFFER = "only_offer"
    SPEAKS_LANGUAGE = "speaks_language"
    RETAILER_ORDER = "retailer_order"
    PREFERRED_FAILS = "preferred_fails"
    PINNED_DEVICE = "pinned_device"


@dataclass(frozen=True, slots=True)
class Route:
    """The offer chosen for a customer, and why."""

    offer: Offer
    reason: RouteReason


class NotOffered(LookupError):
    """Nobody serves this device type and vendor here."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The offers of one retailer, in the order it prefers the providers (the order of `languages`).

    `languages` names, per provider, the languages its Connect UI speaks.
    """

    offers: tuple[Offer, ...]
    languages: Mapping[str, frozenset[str]]

    def device_types(self) -> tuple[DeviceType, ...]:
        """The types somebody serves, in the order customers meet them."""
        served = {offer.device_type for offer in self.offers}
        return tuple(device_type for device_type in DeviceType if device_type in served)

    def vendors(self, device_type: DeviceType) -> tuple[Vendor, ...]:
        """The vendors of a type by name, "another manufacturer" last."""
        vendors = {offer.vendor.key: offer.vendor for offer in self.offers if offer.device_type is device_type}
        return tuple(sorted(vendors.values(), key=lambda vendor: (vendor.key == OTHER_VENDOR, folded(vendor.name))))

    def search(self, device_type: DeviceType, query: str) -> tuple[Vendor, ...]:
        """The vendors that somebody who typed `query` may mean, the likeliest first; all of them for an empty query."""
        vendors = self.vendors(device_type)
        wanted = folded(query)
        if not wanted:
            return vendors
        scored = [(likeness(wanted, vendor), vendor) for vendor in vendors if vendor.key != OTHER_VENDOR]
        return tuple(
            vendor for score, vendor in sorted(scored, key=lambda pair: (-pair[0], folded(pair[1].name))) if score
        )

    def route(
        self, device_type: DeviceType, vendor_key: str, language: str, *, avoid: frozenset[str] = frozenset()
    ) -> Route:
        """The offer for this choice: the customer's language first, then the retailer's order.

        A provider to `avoid` is the last resort. Raises NotOffered where nobody serves it.
        """
        order = list(self.languages)
        offers = sorted(self._offers_for(device_type, vendor_key), key=lambda offer: order.index(offer.provider_key))
        if not offers:
            raise NotOffered(f"{device_type}/{vendor_key}")
        preferred = self._preferred(offers, language)
        others = [offer for offer in offers if offer.provider_key not in avoid]
        if not others or preferred.offer in others:
            return preferred
        return Route(self._preferred(others, language).offer, RouteReason.PREFERRED_FAILS)

    def is_offered(self, device_type: DeviceType, vendor_key: str) -> bool:
        """Whether somebody serves this choice."""
        return bool(self._offers_for(device_type, vendor_key))

    def pinned(
        self, provider_key: str, device_type: DeviceType, vendor_key: str, vendor_code: str | None = None
    ) -> Route:
        """The way back to the provider that holds a device; it asks for a vendor that is no longer offered.

        The `vendor_code` that the device was linked with goes first: sister brands sign in at different places.
        """
        here = [o for o in self.offers if o.provider_key == provider_key and o.device_type is device_type]
        linked_with = [o for o in here if vendor_code is not None and o.vendor_code == vendor_code]
        for offer in (*linked_with, *(o for o in here if o.vendor.key == vendor_key)):
            return Route(offer, RouteReason.PINNED_DEVICE)
        return Route(Offer(provider_key, device_type, self.vendor(vendor_key)), RouteReason.PINNED_DEVICE)

    def vendor(self, vendor_key: str) -> Vendor:
        """The vendor of this key; one that is no longer offered is known by its key."""
        offered = (offer.vendor for offer in self.offers if offer.vendor.key == vendor_key)
        return next(offered, Vendor(vendor_key, vendor_key))

    def _preferred(self, offers: Sequence[Offer], language: str) -> Route:
        if len(offers) == 1:
            return Route(offers[0], RouteReason.ONLY_OFFER)
        speaking = [offer for offer in offers if language in self.languages[offer.provider_key]]
        if speaking and len(speaking) < len(offers):
            return Route(speaking[0], RouteReason.SPEAKS_LANGUAGE)
        return Route(offers[0], RouteReason.RETAILER_ORDER)

    def _offers_for(self, device_type: DeviceType, vendor_key: str) -> Sequence[Offer]:
        return [o for o in self.offers if o.device_type is device_type and o.vendor.key == vendor_key]


def available(offers: Iterable[Offer], region: str) -> tuple[Offer, ...]:
    """The offers that hold in a region."""
    return tuple(offer for offer in offers if not offer.regions or region in offer.regions)


def folded(text: str) -> str:
    """Text without case, accents, spaces and punctuation: what people mean when they type "Citroën" or "e golf"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())


CONTAINED, NEAR = 200.0, 74.0
"""A typed part of a name outranks every near spelling; below the second a likeness is chance (0 to 100)."""


def likeness(wanted: str, vendor: Vendor) -> float:
    """How likely somebody who typed `wanted` (folded) means this vendor; 0 where they do not."""
    names = [folded(name) for name in (vendor.name, vendor.key, *vendor.spellings)]
    if any(name.startswith(wanted) for name in names):
        return CONTAINED + 1
    if any(wanted in name for name in names) or any(len(name) > 2 and name in wanted for name in names):
        return CONTAINED
    if len(wanted) < 4:
        return 0.0
    nearest = max(fuzz.ratio(wanted, part) for name in names for part in (name, name[: len(wanted)]))
    return nearest if nearest >= NEAR else 0.0
