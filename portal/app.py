"""The composition root: settings in, an application out. The only file that knows everyone."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from portal import i18n, logs
from portal.background import HueyQueue
from portal.domain.catalogue import Catalogue
from portal.identity import current
from portal.identity.app_entry import AppDoor
from portal.identity.app_keys import AppKeys
from portal.identity.app_token import Expected
from portal.identity.claims import ClaimNames
from portal.identity.oidc import Oidc, OidcConfig
from portal.journey.ports import Policy, Ports
from portal.journey.tasks import Queue
from portal.provider_makers import added_offers, providers
from portal.providers.protocol import Observer
from portal.providers.registry import Registry
from portal.setting_groups import AppSettings, StaffOidcSettings
from portal.settings import Settings
from portal.smtp import Post, Smtp, SmtpConfig
from portal.staff_app import PATH as SUPPORT_PATH
from portal.staff_app import ByHost, make_staff_app
from portal.storage.database import Database
from portal.web import limits, page, registration
from portal.web.headers import dress_static
from portal.web.wiring import App, AppLink, Portal, Site

ROOT = Path(__file__).resolve().parent.parent
CONSENT_VERSION = "2026-11"
"""Changes with every change of meaning of the words that customers agree to."""

A_YEAR = 365 * 24 * 60 * 60
LARGEST_FORM = 128 * 1024
"""Bytes of a body, as much as is held of a request before a thread takes it."""

PROBES = frozenset({"/health/live", "/health/ready"})


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
        app=retailers_app(settings, database),
    )
    current.init_app(app, database, clock, is_https=portal.site.is_https)
    i18n.init_app(
        app,
        languages=settings.languages,
        default=settings.default_language,
        time_zone=settings.time_zone,
        market=settings.market,
        viewer=page.viewer,
        clock=clock,
        pseudo=pseudo,
    )
    registration.init_app(app, portal)
    limit(app, settings, limits.customers_rules(app))
    serve_static(app)
    if settings.staff_oidc is not None:
        add_support(app, settings, settings.staff_oidc, portal)
    app.wsgi_app = AnyHostForProbes(app.wsgi_app, settings.public_url)  # type: ignore[method-assign]  # as Flask says
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # as Flask says
    return app


class AnyHostForProbes:
    """Probes are answered whatever host they name: a balancer names the address that it found the server at."""

    def __init__(self, app: WSGIApplication, public_url: str) -> None:
        self._app = app
        self._host = public_url.partition("//")[2]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") in PROBES:
            environ["HTTP_HOST"] = self._host
        return self._app(environ, start_response)


def add_support(app: Flask, settings: Settings, given: StaffOidcSettings, customers: Portal) -> None:
    """Puts the support pages beside the customers', in an application of their own: below a path, or on a host."""
    staff = Flask("portal.support", template_folder=app.template_folder, static_folder=app.static_folder)
    make_staff_app(staff, settings, given, customers)
    limit(staff, settings, limits.STAFF_RULES)
    serve_static(staff)
    app.extensions["portal.support"] = staff
    if settings.staff_url is None:
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {SUPPORT_PATH: staff})  # type: ignore[method-assign]  # as Flask says
    else:
        app.wsgi_app = ByHost(app.wsgi_app, staff, settings.staff_url)  # type: ignore[method-assign]  # as Flask says


def limit(app: Flask, settings: Settings, rules: Mapping[str, limits.Rule]) -> None:
    """Limits how often the views of an application may be asked for, where anything is limited."""
    if settings.limits.enabled:
        limits.init_app(
            app,
            rules,
            allowed=settings.limits.model_dump(exclude={"enabled"}),
            redis_url=settings.redis_url.get_secret_value() if settings.redis_url else None,
        )


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
    registry = Registry(providers(settings, observer), added_offers(settings))
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
        post=post(settings),
    )


def post(settings: Settings) -> Post | None:
    """The way to customers by e-mail, where there is a mail server."""
    given = settings.smtp
    if given is None:
        return None
    config = SmtpConfig(
        host=given.host,
        port=given.port,
        security=given.security,
        sender=given.sender,
        sender_name=settings.retailer.name,
        user=given.user,
        password=given.password.get_secret_value() if given.password else None,
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
    )
    return Smtp(config)


def oidc_config(settings: Settings) -> OidcConfig:
    return OidcConfig(
        issuer=settings.oidc.issuer,
        client_id=settings.oidc.client_id,
        client_secret=settings.oidc.client_secret.get_secret_value(),
        redirect_uri=f"{settings.public_url}/sign-in/callback",
        post_logout_redirect_uri=f"{settings.public_url}/",
        scope=settings.oidc.scope,
        claim_names=claim_names(settings),
        discovery_url=settings.oidc.discovery_url,
        timeout=settings.oidc.timeout,
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
    )


def claim_names(settings: Settings) -> ClaimNames:
    given = settings.oidc
    return ClaimNames(
        price_zone=given.price_zone_claim,
        number=given.customer_number_claim,
        email=given.email_claim,
        name=given.name_claim,
    )


def retailers_app(settings: Settings, database: Database) -> App | None:
    given = settings.app
    if given is None:
        return None
    expected = Expected(
        issuer=given.issuer,
        audience=given.audience,
        subject_issuer=given.subject_issuer,
        app_links=tuple(given.links),
        claim_names=claim_names(settings),
    )
    return App(
        door=AppDoor(expected, app_keys(settings, given), database, session=timedelta(minutes=given.session_minutes)),
        links={name: AppLink(url, given.schemes.get(name)) for name, url in given.links.items()},
        apple_app_ids=given.apple_app_ids,
        android_apps={package: tuple(prints.split()) for package, prints in given.android_apps.items()},
    )


def app_keys(settings: Settings, given: AppSettings) -> AppKeys:
    """The public keys of the retailer's backend."""
    return AppKeys(
        jwks_url=given.jwks_url,
        jwks_file=given.jwks_file,
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
        has_support=settings.staff_oidc is not None,
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
