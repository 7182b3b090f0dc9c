"""The providers as the settings name them; the only file that knows all three and the settings."""

from portal.domain.catalogue import Offer
from portal.providers import offers
from portal.providers.http import Gateway, failed_there
from portal.providers.nox import Nox, NoxConfig
from portal.providers.podero import Podero, PoderoConfig
from portal.providers.protocol import Observer, Provider
from portal.providers.telematica import Telematica, TelematicaConfig, is_outage
from portal.settings import Settings


def providers(settings: Settings, observer: Observer | None) -> tuple[Provider, ...]:
    """The providers that have credentials, in the retailer's order."""
    makers = {"podero": podero, "nox": nox, "telematica": telematica}
    made = (makers[key](settings, gateway(settings, key, observer)) for key in settings.providers)
    return tuple(provider for provider in made if provider is not None)


def added_offers(settings: Settings) -> tuple[Offer, ...]:
    """The vendors that the settings add to those the providers are known to serve."""
    groups = {"podero": settings.podero, "nox": settings.nox, "telematica": settings.telematica}
    return tuple(offer for key, given in groups.items() if given for offer in offers.added_offers(key, given.vendors))


def gateway(settings: Settings, provider_key: str, observer: Observer | None) -> Gateway:
    return Gateway(
        provider_key,
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
        connect_timeout=settings.outbound.connect_timeout,
        deadline=settings.outbound.deadline,
        concurrency=settings.outbound.concurrency,
        observer=observer,
        is_outage=is_outage if provider_key == "telematica" else failed_there,
    )


def podero(settings: Settings, http: Gateway) -> Provider | None:
    given = settings.podero
    if given is None:
        return None
    config = PoderoConfig(
        base_url=given.base_url,
        token_url=given.token_url,
        org_id=given.org_id,
        client_id=given.client_id,
        client_secret=given.client_secret.get_secret_value(),
        connect_hosts=given.connect_hosts,
        email_domain=given.email_domain,
        send_customer_email=given.send_customer_email,
        price_zone=given.price_zone,
        market=settings.market,
        smart_control=given.smart_control,
        delete_devices=given.delete_devices,
    )
    return Podero(config, http)


def nox(settings: Settings, http: Gateway) -> Provider | None:
    given = settings.nox
    if given is None:
        return None
    config = NoxConfig(
        auth_url=given.auth_url,
        api_url=given.api_url,
        api_key=given.api_key.get_secret_value(),
        connect_hosts=given.connect_hosts,
        webhook_secrets=tuple(secret.get_secret_value() for secret in given.webhook_secret),
        signed_text=given.webhook_signed_text,
    )
    return Nox(config, http)


def telematica(settings: Settings, http: Gateway) -> Provider | None:
    given = settings.telematica
    if given is None:
        return None
    config = TelematicaConfig(
        api_url=given.api_url,
        api_token=given.api_token.get_secret_value(),
        auth_header=given.auth_header,
        auth_scheme=given.auth_scheme,
        session_path=given.session_path,
        revoke_path=given.revoke_path,
        revoke_method=given.revoke_method,
        state_path=given.state_path,
        webhook_secrets=tuple(secret.get_secret_value() for secret in given.webhook_secret),
        connect_hosts=given.connect_hosts,
        region=given.region,
        site_id=given.site_id,
        site_name=given.site_name,
        callback_env=given.callback_env,
        metadata=given.metadata,
        brand_subset=given.brand_subset,
        exclude_brands=given.exclude_brands,
        show_simulator=given.show_simulator,
    )
    return Telematica(config, http)
