"""Puts the web layer into an application."""

from flask import Flask
from werkzeug.routing import BaseConverter, ValidationError

from portal.domain.catalogue import DeviceType
from portal.web import (
    app_entry,
    app_return,
    arrivals,
    connect,
    deletion,
    departures,
    devices,
    errors,
    guards,
    headers,
    health,
    link_sessions,
    out,
    own_data,
    page,
    permissions,
    privacy,
    request_log,
    sign_in,
    webhooks,
    welcome,
    well_known,
)
from portal.web.wiring import Portal, install

PAGES = (
    welcome,
    privacy,
    permissions,
    own_data,
    deletion,
    sign_in,
    app_entry,
    connect,
    link_sessions,
    departures,
    out,
    arrivals,
    app_return,
    devices,
    webhooks,
    well_known,
    health,
)


class DeviceTypeConverter(BaseConverter):
    """A device type as it stands in a URL; anything else is no page of ours."""

    def to_python(self, value: str) -> DeviceType:
        device_type = DeviceType.from_slug(value)
        if device_type is None:
            raise ValidationError
        return device_type

    def to_url(self, value: object) -> str:
        return DeviceType(str(value)).slug


def init_app(app: Flask, installed: Portal) -> None:
    """Registers every page, its guards, headers and errors. The languages and the sign-in must be there already."""
    install(app, installed)
    app.url_map.converters["device_type"] = DeviceTypeConverter
    request_log.init_app(app)
    headers.init_app(app)
    for pages in PAGES:
        app.register_blueprint(pages.blueprint)
    guards.init_app(app)
    errors.init_app(app)
    page.init_app(app)
