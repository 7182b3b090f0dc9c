"""Choosing what to connect, and leaving with it."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from portal import i18n
from portal.domain.catalogue import DeviceType
from portal.journey import choose, link
from portal.providers.protocol import Traits
from portal.web.departures import leave_or_wait
from portal.web.guards import customer, customers
from portal.web.leaving import leaving
from portal.web.page import fragment, page, see_other, wants_fragment
from portal.web.wiring import portal
from portal.web.words import gettext

blueprint = Blueprint("connect", __name__, url_prefix="/connect")

LONGEST_QUERY = 80


@blueprint.get("")
@customers("connect")
def device_types() -> ResponseReturnValue:
    """What would you like to connect?"""
    return page("connect/device_types.html", choices=choose.device_types(ports=portal().ports))


@blueprint.get("/<device_type:device_type>")
@customers("connect/{device_type}")
def vendors(device_type: DeviceType) -> ResponseReturnValue:
    """Which manufacturer? `q` narrows the list."""
    query = request.args.get("q", "")[:LONGEST_QUERY].strip()
    found = choose.vendors(ports=portal().ports, device_type=device_type, query=query)
    make = fragment if wants_fragment() else page
    template = "connect/_vendor_list.html" if wants_fragment() else "connect/vendors.html"
    elsewhere = None if found else _own_list(device_type)
    return make(template, device_type=device_type, vendors=found, query=query, elsewhere=elsewhere)


@blueprint.get("/<device_type:device_type>/not-listed")
@customers("connect/{device_type}/not-listed")
def not_listed(device_type: DeviceType) -> ResponseReturnValue:
    """Asks which manufacturer is missing, after offering the list of a provider that may know it."""
    wanted = request.args.get("vendor", "")[:LONGEST_QUERY].strip()
    elsewhere = _own_list(device_type)
    return page("connect/not_listed.html", device_type=device_type, error=None, elsewhere=elsewhere, wanted=wanted)


@blueprint.post("/<device_type:device_type>/not-listed")
@customers("connect/{device_type}/not-listed")
def ask_for_vendor(device_type: DeviceType) -> ResponseReturnValue:
    """Records a missing manufacturer, and says honestly what comes of it."""
    text = request.form.get("vendor", "").strip()
    if not text:
        error = gettext("Write the name of the manufacturer.")
        elsewhere = _own_list(device_type)
        return page(
            "connect/not_listed.html", status=422, device_type=device_type, error=error, elsewhere=elsewhere, wanted=""
        )
    choose.ask_for_vendor(
        ports=portal().ports, customer=customer(), device_type=device_type, text=text, now=portal().clock()
    )
    return see_other(url_for("connect.asked_for_vendor", device_type=device_type))


@blueprint.get("/<device_type:device_type>/not-listed/thanks")
@customers("connect/{device_type}")
def asked_for_vendor(device_type: DeviceType) -> ResponseReturnValue:
    """Thanks for the word, and promises nothing."""
    return page("connect/asked_for_vendor.html", device_type=device_type)


@blueprint.get("/<device_type:device_type>/<vendor_key>")
@customers("connect/{device_type}/{vendor_key}")
def before_leaving(device_type: DeviceType, vendor_key: str) -> ResponseReturnValue:
    """What will happen, and the permission."""
    return _before_leaving(device_type, vendor_key)


@blueprint.post("/<device_type:device_type>/<vendor_key>")
@customers("connect/{device_type}/{vendor_key}")
def leave(device_type: DeviceType, vendor_key: str) -> ResponseReturnValue:
    """Opens an attempt and leaves with it."""
    try:
        attempt = link.open_link(
            ports=portal().ports,
            customer=customer(),
            device_type=device_type,
            vendor_key=vendor_key,
            language=i18n.current_language(),
            consented=bool(request.form.get("consent")),
            agreed=request.form.get("provider"),
            now=portal().clock(),
        )
    except link.ConsentMissing:
        error = gettext("Tick the box to give your permission. Without it we cannot connect the device.")
        return _before_leaving(device_type, vendor_key, error=error)
    return leave_or_wait(attempt)


def _own_list(device_type: DeviceType) -> Traits | None:
    ports, now = portal().ports, portal().clock()
    return choose.own_list(ports=ports, device_type=device_type, language=i18n.current_language(), now=now)


def _before_leaving(device_type: DeviceType, vendor_key: str, *, error: str | None = None) -> ResponseReturnValue:
    language = i18n.current_language()
    preview = choose.before_leaving(
        ports=portal().ports,
        customer=customer(),
        device_type=device_type,
        vendor_key=vendor_key,
        language=language,
        now=portal().clock(),
    )
    return page(
        "connect/before_leaving.html",
        status=422 if error else 200,
        preview=preview,
        words=leaving(preview, retailer=portal().site.retailer_name, language=language),
        error=error,
    )
