"""Taking back a permission."""

from flask import Blueprint, abort, url_for
from flask.typing import ResponseReturnValue

from portal.journey import permissions as journey
from portal.web import notices
from portal.web.departures import PATIENCE
from portal.web.guards import customer, customers
from portal.web.labels import device_name
from portal.web.page import page, see_other
from portal.web.permission_words import WITHDRAWN, words_of
from portal.web.wiring import portal

blueprint = Blueprint("permissions", __name__, url_prefix="/privacy/permissions")


@blueprint.get("/<consent_id>/withdraw")
@customers("privacy/permissions/{consent_id}/withdraw")
def confirm_withdrawal(consent_id: str) -> ResponseReturnValue:
    """Asks whether to take a permission back, and says what ends."""
    given = journey.given(ports=portal().ports, customer=customer())
    found = next((one for one in given if one.consent.link_session_id == consent_id), None)
    if found is None:
        abort(404)
    if not found.consent.is_in_force:
        return see_other(url_for("privacy.overview", _anchor="permissions"))
    connected = [device for one in given for device in one.connected]
    return page(
        "permissions/withdraw.html",
        permission=found,
        words=words_of(found, retailer=portal().site.retailer_name, among=connected),
        names=[device_name(device, among=connected) for device in found.connected],
    )


@blueprint.post("/<consent_id>/withdraw")
@customers("privacy/permissions/{consent_id}/withdraw")
def withdraw(consent_id: str) -> ResponseReturnValue:
    """Takes a permission back; the privacy page tells what became of each device."""
    is_known = journey.withdraw(
        ports=portal().ports, customer=customer(), consent_id=consent_id, patience=PATIENCE, now=portal().clock()
    )
    if not is_known:
        abort(404)
    notices.leave(WITHDRAWN)
    return see_other(url_for("privacy.overview", _anchor="permissions"))
