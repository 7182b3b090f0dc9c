"""The application of customer support, beside the customers': another cookie, another sign-in, nothing that acts."""

from collections.abc import Iterable
from dataclasses import replace
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from werkzeug.wsgi import get_host

from portal import i18n
from portal.domain.support import Reason, Role
from portal.identity.oidc import Oidc, OidcConfig
from portal.identity.staff import Roles, StaffDoor
from portal.journey.ports import Ports
from portal.setting_groups import StaffOidcSettings
from portal.settings import Settings, host_of
from portal.storage.database import Database
from portal.web import page, staff_session
from portal.web.support_registration import init_pages
from portal.web.wiring import Portal, Staff, install, install_staff

PATH = "/support"
"""Where the support pages are, as long as they have no host of their own."""


def make_staff_app(app: Flask, settings: Settings, given: StaffOidcSettings, customers: Portal) -> None:
    """Makes an empty application the support pages of the installation in which these are the customers'."""
    ports, clock = customers.ports, customers.clock
    site = replace(customers.site, own_url=settings.staff_url)
    app.jinja_environment = page.Templates
    oidc = Oidc(staff_oidc_config(settings, given, base_url(settings)), ports.database)
    app.config.update(
        SECRET_KEY=f"{settings.secret_key.get_secret_value()} staff",
        TRUSTED_HOSTS=[host_of(settings.staff_url)] if settings.staff_url else list(settings.trusted_hosts),
        MAX_CONTENT_LENGTH=64 * 1024,
        SESSION_COOKIE_NAME="__Host-staff" if site.is_https else "staff",
        SESSION_COOKIE_SECURE=site.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
    acting = replace(customers, oidc=oidc, site=site, app=None)
    install(app, acting)
    install_staff(
        app,
        Staff(
            door=door(given, oidc, ports.database),
            reasons=tuple(Reason(reason) for reason in settings.support.reasons),
            many_customers=settings.support.many_customers,
            showing=replace(acting, ports=watching(ports)),
        ),
    )
    init_pages(app, has_host=settings.staff_url is not None)
    i18n.init_app(
        app,
        languages=settings.languages,
        default=settings.default_language,
        time_zone=settings.time_zone,
        market=settings.market,
        viewer=page.viewer,
        chosen=staff_session.chosen_language,
        clock=clock,
    )
    page.init_app(app, keeps_pieces=False)


def base_url(settings: Settings) -> str:
    """What all addresses of the support pages begin with."""
    return settings.staff_url or f"{settings.public_url}{PATH}"


class ByHost:
    """Two applications that share a server and no host: each answers on its own, whatever the path."""

    def __init__(self, customers: WSGIApplication, staff: WSGIApplication, staff_url: str) -> None:
        self._customers = customers
        self._staff = staff
        self._host = host_of(staff_url)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        serves = self._staff if host_of(get_host(environ)) == self._host else self._customers
        return serves(environ, start_response)


def watching(ports: Ports) -> Ports:
    """The same world, in which nothing is written, queued or asked for."""
    return replace(ports, database=ports.database.read_only(), acts=False)


def door(given: StaffOidcSettings, oidc: Oidc, database: Database) -> StaffDoor:
    roles = {value: Role(role) for value, role in given.roles.items()}
    return StaffDoor(oidc, Roles(given.role_claim, roles, given.acr), database)


def staff_oidc_config(settings: Settings, given: StaffOidcSettings, base: str) -> OidcConfig:
    return OidcConfig(
        issuer=given.issuer,
        client_id=given.client_id,
        client_secret=given.client_secret.get_secret_value(),
        redirect_uri=f"{base}/sign-in/callback",
        post_logout_redirect_uri=f"{base}/",
        scope=given.scope,
        acr_values=given.acr,
        discovery_url=given.discovery_url,
        timeout=settings.oidc.timeout,
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
    )
