"""The composition root: settings in, an application out. The only file that knows everyone."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from portal import i18n, logs
from portal.background import HueyQueue
from portal.domain.catalogue import Catalogue
from portal.identity import current
from portal.identity.oidc import Oidc, OidcConfig
from portal.journey.ports import Policy, Ports
from portal.journey.tasks import Queue
from portal.providers.http import Gateway, failed_there
from portal.providers.nox import Nox, NoxConfig
from portal.providers.podero import Podero, PoderoConfig
from portal.providers.protocol import Observer, Provider
from portal.providers.registry import Registry
from portal.providers.telematica import Telematica, TelematicaConfig, is_outage
from portal.settings import Settings
from portal.storage.database import Database
from portal.web import limits, page, registration
from portal.web.headers import dress_static
from portal.web.wiring import Portal, Site

ROOT = Path(__file__).resolve().parent.parent
CONSENT_VERSION = "2026-11"
"""Changes with every change of meaning of the words that customers agree to."""

A_YEAR = 365 * 24 * 60 * 60
LARGEST_FORM = 256 * 1024


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(settings: Settings, *, clock: Callable[[], datetime] = utc_now, pseudo: bool = False) -> Flask:
    """The portal. `pseudo` brackets every translated word, so that a test finds bare text."""
    logs.configure(log_format=settings.log_format, level=settings.log_level)
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.jinja_environment = page.Templates
    app.jinja_options = {"cache_size": -1}  # all templates are kept, so that finding one needs no lock
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        TRUSTED_HOSTS=list(settings.trusted_hosts),
        MAX_CONTENT_LENGTH=LARGEST_FORM,
    )
    database = open_database(settings)
    portal = Portal(
        ports=ports(settings, database, open_queue(settings), clock),
        oidc=Oidc(oidc_config(settings), database),
        site=site(settings),
        clock=clock,
        session_hours=settings.session_hours,
    )
    current.init_app(app, database, clock, is_https=portal.site.is_https)
    i18n.init_app(
        app,
        languages=settings.languages,
        default=settings.default_language,
        time_zone=settings.time_zone,
        viewer=page.viewer,
        clock=clock,
        pseudo=pseudo,
    )
    registration.init_app(app, portal)
    if settings.limits.enabled:
        limits.init_app(
            app,
            allowed=settings.limits.model_dump(exclude={"enabled"}),
            redis_url=settings.redis_url.get_secret_value() if settings.redis_url else None,
        )
    serve_static(app)
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # as Flask says
    return app


def open_database(settings: Settings) -> Database:
    return Database(settings.database_url, seal_key=settings.secret_key.get_secret_value().encode())


def open_queue(settings: Settings, *, takes: bool = False) -> HueyQueue:
    """The way to the worker; with `takes` the worker's own end of it."""
    place = settings.redis_url.get_secret_value() if settings.redis_url else settings.queue_file
    return HueyQueue(tuple(key for key in settings.providers if getattr(settings, key)), place, takes=takes)


def ports(
    settings: Settings,
    database: Database,
    queue: Queue,
    clock: Callable[[], datetime],
    observer: Observer | None = None,
) -> Ports:
    """The outside world as the journey meets it; `observer` is told how the calls to the providers go."""
    registry = Registry(providers(settings, observer))
    region = settings.telematica.region if settings.telematica else "EU"
    return Ports(
        database=database,
        providers=registry,
        catalogue=Catalogue(registry.offers(region), registry.languages()),
        public_url=settings.public_url,
        queue=queue,
        policy=Policy(
            consent_version=CONSENT_VERSION,
            send_customer_email=bool(settings.podero and settings.podero.send_customer_email),
            fresh_for=timedelta(seconds=settings.outbound.fresh_for),
        ),
        clock=clock,
        concurrency=settings.outbound.concurrency,
    )


def providers(settings: Settings, observer: Observer | None) -> tuple[Provider, ...]:
    """The providers that have credentials, in the retailer's order."""
    makers = {"podero": podero, "nox": nox, "telematica": telematica}
    made = (makers[key](settings, gateway(settings, key, observer)) for key in settings.providers)
    return tuple(provider for provider in made if provider is not None)


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


def oidc_config(settings: Settings) -> OidcConfig:
    return OidcConfig(
        issuer=settings.oidc.issuer,
        client_id=settings.oidc.client_id,
        client_secret=settings.oidc.client_secret.get_secret_value(),
        redirect_uri=f"{settings.public_url}/sign-in/callback",
        post_logout_redirect_uri=f"{settings.public_url}/",
        scope=settings.oidc.scope,
        price_zone_claim=settings.oidc.price_zone_claim,
        timeout=settings.oidc.timeout,
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
    )


def site(settings: Settings) -> Site:
    retailer = settings.retailer
    return Site(
        retailer_name=retailer.name,
        accent=retailer.accent,
        public_url=settings.public_url,
        logo=retailer.logo,
        support_phone=retailer.support_phone,
        support_email=retailer.support_email,
        privacy_url=retailer.privacy_url,
        accessibility_url=retailer.accessibility_url,
    )


def serve_static(app: Flask) -> None:
    """Files that never change under one address: the address carries their digest."""
    folder = ROOT / "static"

    @cache
    def digest(filename: str) -> str:
        return hashlib.sha256((folder / filename).read_bytes()).hexdigest()[:12]

    @app.url_defaults
    def add_digest(endpoint: str, values: dict[str, object]) -> None:
        if endpoint == "static":
            values["v"] = digest(str(values["filename"]))

    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]  # as Flask says
        app.wsgi_app,
        root=folder,
        prefix="static/",
        max_age=A_YEAR,
        allow_all_origins=False,
        add_headers_function=dress_static,
    )
