"""The offers of every provider and the vendors customers know, read from the data files beside this module."""

import tomllib
from collections.abc import Iterable, Set
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from portal.domain.catalogue import OTHER_VENDOR, DeviceType, Offer, Vendor, folded

DATA = Path(__file__).parent / "offer_files"
LONGEST_NAME = 100


class OffersUnreadable(ValueError):
    """A data file of ours, or what a retailer adds to it, is wrong; found at boot."""


@cache
def vendors() -> dict[str, Vendor]:
    """Every vendor by its key, "another manufacturer" among them."""
    known = {
        key: Vendor(
            key=key,
            name=row["name"],
            spellings=tuple(row.get("spellings", ())),
            app=row.get("app"),
            well_known=row.get("well_known", False),
        )
        for key, row in _read("vendors").items()
    }
    return {**known, OTHER_VENDOR: Vendor(key=OTHER_VENDOR, name="Other")}


def known_vendor(text: str | None) -> Vendor | None:
    """The vendor somebody means who writes this: a provider's code, a display name or another spelling."""
    if not text or len(text) > LONGEST_NAME:
        return None
    return _spelled().get(folded(text))


def offers_of(provider_key: str) -> tuple[Offer, ...]:
    """All that a provider serves, each (device type, vendor) once, with the regions it holds in."""
    found: dict[tuple[DeviceType, str, str | None], Offer] = {}
    for row in _read(provider_key)["offers"]:
        for offer in _offers_in(provider_key, row):
            place = (offer.device_type, offer.vendor.key, offer.vendor_code)
            elsewhere = found[place].regions if place in found else frozenset()
            found[place] = Offer(
                provider_key, offer.device_type, offer.vendor, offer.vendor_code, offer.regions | elsewhere
            )
    return tuple(found.values())


def added_offers(provider_key: str, texts: Iterable[str]) -> tuple[Offer, ...]:
    """The offers that a retailer adds: `type/vendor-key`, with `=CODE` behind it where the provider has a code.

    Raises OffersUnreadable, which says what is wrong with which.
    """
    served = {offer.device_type for offer in offers_of(provider_key)}
    return tuple(_added(provider_key, text, served) for text in texts)


def _added(provider_key: str, text: str, served: Set[DeviceType]) -> Offer:
    place, _, code = text.partition("=")
    slug, _, vendor_key = place.strip().partition("/")
    device_type = DeviceType.from_slug(slug.replace("_", "-"))
    if device_type is None or device_type not in served:
        types = ", ".join(sorted(one.slug for one in served))
        raise OffersUnreadable(
            f"{text} names no device type of this provider; write type/vendor-key, a type is {types}"
        )
    vendor = vendors().get(vendor_key)
    if vendor is None:
        near = get_close_matches(vendor_key, vendors(), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise OffersUnreadable(
            f"{text} names a vendor key that portal/providers/offer_files/vendors.toml has not{hint}"
        )
    return Offer(provider_key, device_type, vendor, code.strip() or None)


def _offers_in(provider_key: str, row: dict[str, Any]) -> list[Offer]:
    device_type = DeviceType(row["device_type"])
    regions = frozenset(row.get("regions", ()))
    asked_there = [Offer(provider_key, device_type, vendors()[key], None, regions) for key in row.get("vendors", ())]
    preselected = [Offer(provider_key, device_type, _vendor_of(code), code, regions) for code in row.get("codes", ())]
    return asked_there + preselected


def _vendor_of(code: str) -> Vendor:
    vendor = known_vendor(code)
    if vendor is None:
        raise OffersUnreadable(f"no vendor is spelled {code}")
    return vendor


@cache
def _spelled() -> dict[str, Vendor]:
    """Vendors by folded spelling; a name goes before a spelling, and the first of two equal spellings counts."""
    named = [vendor for vendor in vendors().values() if vendor.key != OTHER_VENDOR]
    spelled: dict[str, Vendor] = {}
    for vendor in named:
        spelled.setdefault(folded(vendor.name), vendor)
    for vendor in named:
        for spelling in (vendor.key, *vendor.spellings):
            spelled.setdefault(folded(spelling), vendor)
    return spelled


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / f"{name}.toml").read_text(encoding="utf-8"))
