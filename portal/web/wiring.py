"""What the web layer is given by the composition root, and how its modules reach it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from flask import Flask, current_app, g

from portal.domain.support import Reason
from portal.identity.app_entry import AppDoor
from portal.identity.oidc import Oidc
from portal.identity.staff import StaffDoor
from portal.journey.ports import Ports
from portal.web.theme import favicon

EXTENSION, STAFF = "portal", "portal.staff"


NOT_DIALLED = str.maketrans("", "", " -/")


@dataclass(frozen=True, slots=True)
class Site:
    """The retailer as its customers see it, and the address they reach the portal at.

    `public_url` has no trailing slash. `privacy_url` and `accessibility_url` are the retailer's own pages, which the
    portal's short ones point to. `has_support`: customer support has pages of its own. `own_url` is where the pages
    of this application are, if not at `public_url`.
    """

    retailer_name: str
    accent: str
    public_url: str
    logo: Path | None = None
    support_phone: str | None = None
    support_email: str | None = None
    privacy_url: str | None = None
    accessibility_url: str | None = None
    has_support: bool = False
    own_url: str | None = None

    @property
    def phone_link(self) -> str | None:
        """The telephone number as a link dials it: "+46 (0)8-123" is dialled without the zero in brackets."""
        if self.support_phone is None:
            return None
        return "tel:" + self.support_phone.replace("(0)", "").translate(NOT_DIALLED)

    @property
    def favicon(self) -> str:
        return favicon(self.accent, self.retailer_name)

    @property
    def origin(self) -> str:
        """Where a browser finds the pages of this application."""
        return self.own_url or self.public_url

    @property
    def is_https(self) -> bool:
        return self.origin.startswith("https://")


@dataclass(frozen=True, slots=True)
class AppLink:
    """One registered way back to the retailer's app. `url` is a universal link, `scheme` what may open it as well."""

    url: str
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class App:
    """The retailer's app: its door, the ways back to it, and what makes its links its own on each kind of telephone.

    `android_apps` has the fingerprints of the certificates of each package.
    """

    door: AppDoor
    links: Mapping[str, AppLink]
    apple_app_ids: tuple[str, ...] = ()
    android_apps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Portal:
    """The ports of the journey, the doors of the sign-in and of the app, the site and the time."""

    ports: Ports
    oidc: Oidc
    site: Site
    clock: Callable[[], datetime]
    session_hours: int
    app: App | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """The door of customer support, for which reasons a customer may be looked at, and the portal that only shows.

    More than `many_customers` in a shift are an alarm.
    """

    door: StaffDoor
    reasons: tuple[Reason, ...]
    many_customers: int
    showing: Portal


def portal() -> Portal:
    """The installation that serves this request; where staff look at a customer's pages, the one that only shows."""
    here = g._get_current_object()  # noqa: SLF001 - past the proxy, which costs more: a page asks a dozen times
    installed: Portal | None = here.get("portal")
    if installed is None:
        installed = here.portal = acting()
    return installed


def acting() -> Portal:
    """The installation that writes, for what staff do themselves and for the record of it."""
    return cast(Portal, current_app.extensions[EXTENSION])


def staff() -> Staff:
    """The support of this installation, on its own pages."""
    return cast(Staff, current_app.extensions[STAFF])


def is_for_staff() -> bool:
    """Whether this application is that of customer support."""
    return STAFF in current_app.extensions


def install(app: Flask, installed: Portal) -> None:
    app.extensions[EXTENSION] = installed


def install_staff(app: Flask, installed: Staff) -> None:
    app.extensions[STAFF] = installed
