"""The providers of one retailer, in the order it prefers them."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from portal.domain.catalogue import Offer, available
from portal.providers.connect_url import is_loopback
from portal.providers.protocol import Provider


class Registry:
    """The providers that are on; one without credentials is simply not there."""

    def __init__(self, providers: tuple[Provider, ...]) -> None:
        self.providers = providers
        self._by_key = {provider.traits.key: provider for provider in providers}
        hosts = [host for provider in providers for host in provider.traits.connect_hosts]
        # Made once: asked for with every answer.
        self._connect_origins = tuple(
            dict.fromkeys(f"{'http' if is_loopback(host) else 'https'}://{host}" for host in hosts)
        )

    def __iter__(self) -> Iterator[Provider]:
        return iter(self.providers)

    def __contains__(self, key: str) -> bool:
        return key in self._by_key

    def get(self, key: str) -> Provider:
        """Raises KeyError where this provider is off."""
        return self._by_key[key]

    def offers(self, region: str) -> tuple[Offer, ...]:
        """All that can be linked in a region, provider by provider."""
        return available((offer for provider in self.providers for offer in provider.offers()), region)

    def languages(self) -> Mapping[str, frozenset[str]]:
        """The languages each provider's Connect UI speaks."""
        return MappingProxyType(
            {provider.traits.key: frozenset(provider.traits.languages) for provider in self.providers}
        )

    def connect_origins(self) -> tuple[str, ...]:
        """The origins of every Connect UI, as a content security policy's `form-action` wants them."""
        return self._connect_origins
