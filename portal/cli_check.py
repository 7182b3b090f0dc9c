"""`portal check`: what will not work in this installation, before anybody meets it."""

import contextlib
import sys
from collections.abc import Iterator

import click

from portal.app import app_keys, oidc_config, open_database
from portal.cli_database import settings_of_environment
from portal.identity.calls import IssuerError
from portal.identity.inspection import Inspection, Wanted, inspect, plain
from portal.identity.issuer import Issuer
from portal.identity.oidc import OidcConfig
from portal.providers.podero import price_zone
from portal.settings import PREFIX, Settings
from portal.staff_app import base_url, staff_oidc_config
from portal.storage import customers
from portal.storage.database import DatabaseFault
from portal.translations import catalogue_faults
from portal.web.theme import warnings as colour_warnings


@click.command()
@click.option("--online", is_flag=True, help="Also read the documents and keys of the issuers, and the app's keys.")
def check(online: bool) -> None:
    """Check settings, catalogues, colours and the database, and say all that is wrong."""
    settings = settings_of_environment()
    found = [_installation(settings), _database(settings)]
    if online:
        found += [*_issuers(settings), _app(settings)]
    for warning in (warning for part in found for warning in part.warnings):
        click.echo(f"warning: {warning}")
    faults = [fault for part in found for fault in part.faults]
    for fault in faults:
        click.echo(f"fault: {fault}", err=True)
    if faults:
        sys.exit(1)
    click.echo("All is well.")


def _installation(settings: Settings) -> Inspection:
    faults = catalogue_faults(settings.languages)
    if not any((settings.podero, settings.nox, settings.telematica)):
        faults = (*faults, "no provider has credentials, so there is nothing to connect")
    return Inspection(tuple(faults), tuple(colour_warnings(settings.retailer.accent)))


def _database(settings: Settings) -> Inspection:
    with contextlib.closing(open_database(settings)) as database:
        try:
            if not database.is_current():
                return Inspection(faults=("the database is not at this version: run `portal db upgrade`",))
            with database.read() as tx:
                claimed = customers.price_zones(tx) if settings.oidc.price_zone_claim else {}
        except DatabaseFault as error:
            return Inspection(faults=(f"the database does not answer ({type(error).__name__})",))
    warnings = (
        f"{PREFIX}OIDC__PRICE_ZONE_CLAIM: {count} customers have the price zone {zone!r}, which Podero does not know"
        for zone, count in claimed.items()
        if settings.podero and price_zone(zone) is None
    )
    return Inspection(warnings=tuple(warnings))


def _issuers(settings: Settings) -> Iterator[Inspection]:
    """What was found at the issuers of customers and of staff, each fault with the setting it is about."""
    group, given = f"{PREFIX}OIDC__", settings.oidc
    claims = {given.email_claim: f"{group}EMAIL_CLAIM", given.name_claim: f"{group}NAME_CLAIM"}
    if given.price_zone_claim:
        claims[given.price_zone_claim] = f"{group}PRICE_ZONE_CLAIM"
    yield _issuer(oidc_config(settings), Wanted(given.scope, claims), f"{group}ISSUER")
    if settings.staff_oidc:
        group, staff = f"{PREFIX}STAFF_OIDC__", settings.staff_oidc
        wanted = Wanted(staff.scope, {staff.role_claim: f"{group}ROLE_CLAIM"}, confirms=False)
        yield _issuer(staff_oidc_config(settings, staff, base_url(settings)), wanted, f"{group}ISSUER")


def _issuer(config: OidcConfig, wanted: Wanted, variable: str) -> Inspection:
    issuer = Issuer(
        config.issuer, discovery_url=config.discovery_url, timeout=config.timeout, ca_bundle=config.ca_bundle
    )
    found = inspect(issuer, wanted)
    return Inspection(
        tuple(f"{variable}: {fault}" for fault in found.faults),
        tuple(f"{variable}: {warning}" for warning in found.warnings),
    )


def _app(settings: Settings) -> Inspection:
    if settings.app is None:
        return Inspection()
    variable = f"{PREFIX}APP__{'JWKS_FILE' if settings.app.jwks_file else 'JWKS_URL'}"
    try:
        if app_keys(settings, settings.app).keys():
            return Inspection()
    except IssuerError as error:
        return Inspection(faults=(f"{variable}: the key set {plain(error)}",))
    return Inspection(faults=(f"{variable}: the key set holds no EC key and no OKP key",))
