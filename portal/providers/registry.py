"""The providers of one retailer, in the order it prefers them."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from portal.domain.catalogue import Offer, available
from portal.providers.protocol import Provider


class Registry:
    """The providers that are on; one without credentials is simply not there.

    `added` are offers that a retailer knows of beside those of the data files.
    """

    def __init__(self, providers: tuple[Provider, ...], added: tuple[Offer, ...] = ()) -> None:
        self.providers = providers
        self._added = added
        self._by_key = {provider.traits.key: provider for provider in providers}

    def __iter__(self) -> Iterator[Provider]:
        return iter(self.providers)

    def __contains__(self, key: str) -> bool:
        return key in self._by_key

    def get(self, key: str) -> Provider:
        """Raises KeyError where this provider is off."""
        return self._by_key[key]

    def offers(self, region: str) -> tuple[Offer, ...]:
        """All that can be linked in a region, provider by provider."""
        return available((offer for provider in self.providers for offer in self._offers_of(provider)), region)

    def _offers_of(self, provider: Provider) -> Iterator[Offer]:
        """What the provider serves, and what was added to it and is not there already."""
        known = provider.offers()
        yield from known
        places = {(offer.device_type, offer.vendor.key) for offer in known}
        for offer in self._added:
            if offer.provider_key == provider.traits.key and (offer.device_type, offer.vendor.key) not in places:
                yield offer

    def languages(self) -> Mapping[str, frozenset[str]]:
        """The languages each provider's Connect UI speaks."""
        return MappingProxyType(
            {provider.traits.key: frozenset(provider.traits.languages) for provider in self.providers}
        )
