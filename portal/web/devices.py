"""The devices and their buttons."""

from typing import Any

from flask import Blueprint, abort, url_for
from flask.typing import ResponseReturnValue

from portal import i18n
from portal.journey import devices as journey
from portal.journey import reauthenticate as renewal
from portal.journey import remove as removal
from portal.journey import which_device
from portal.journey.strays import strays_among
from portal.web import notices
from portal.web.departures import PATIENCE, leave_or_wait
from portal.web.guards import customer, customers
from portal.web.labels import device_name, removal_words
from portal.web.page import fragment, once_sent, page, round_of_polling, see_other, wants_fragment
from portal.web.unfinished import connect_again_url, unfinished_cards
from portal.web.wiring import portal

blueprint = Blueprint("devices", __name__, url_prefix="/devices")

LOOKS = 8
"""How often the page looks again by itself before it rests."""

SOON = 2
"""Seconds until it looks for news that is on its way."""


@blueprint.get("")
@customers("devices")
def overview() -> ResponseReturnValue:
    """All devices, those that need the customer first; what is known at once, newer words a moment later."""
    found = journey.overview(ports=portal().ports, customer=customer(), now=portal().clock(), then=once_sent)
    asked = round_of_polling()
    looks_again = _next_look(found) if asked < LOOKS else None
    shown: dict[str, Any] = {
        "overview": found,
        "questions": which_device.open_questions(ports=portal().ports, customer=customer(), owned=found.devices),
        "strays": strays_among(found.of_another_account, found.devices, ports=portal().ports),
        "looks_again": looks_again,
        "unfinished": unfinished_cards(found.attempts),
        "connect_again_url": connect_again_url,
    }
    if wants_fragment():
        return fragment("devices/_list.html", asked=asked + 1, **shown)
    return page("devices/overview.html", asked=1, said=removal_words(notices.take()), **shown)


@blueprint.post("/<device_id>/reauthenticate")
@customers("devices")
def reauthenticate(device_id: str) -> ResponseReturnValue:
    """Leaves at once to reconnect a device."""
    attempt = renewal.start(
        ports=portal().ports,
        customer=customer(),
        device_id=device_id,
        language=i18n.current_language(),
        now=portal().clock(),
    )
    if attempt is None:
        abort(404)
    return leave_or_wait(attempt)


@blueprint.post("/<device_id>/put-away")
@customers("devices")
def put_away(device_id: str) -> ResponseReturnValue:
    """The customer has read that a device left the list."""
    if not journey.put_away(ports=portal().ports, customer=customer(), device_id=device_id, now=portal().clock()):
        abort(404)
    return see_other(url_for("devices.overview"))


@blueprint.get("/<device_id>/remove")
@customers("devices/{device_id}/remove")
def confirm_removal(device_id: str) -> ResponseReturnValue:
    """Asks whether to remove a device, and says what stops working."""
    preview = removal.preview(ports=portal().ports, customer=customer(), device_id=device_id)
    if preview is None:
        abort(404)
    return page("devices/remove.html", preview=preview, name=device_name(preview.device, among=preview.devices))


@blueprint.post("/<device_id>/remove")
@customers("devices/{device_id}/remove")
def remove(device_id: str) -> ResponseReturnValue:
    """Removes a device, and tells on the devices page what became of it."""
    removed = removal.remove(
        ports=portal().ports, customer=customer(), device_id=device_id, patience=PATIENCE, now=portal().clock()
    )
    if removed is None:
        abort(404)
    notices.leave(
        removed.outcome, device=device_name(removed.device, among=removed.devices), provider=removed.provider.name
    )
    return see_other(url_for("devices.overview"))


def _next_look(found: journey.Overview) -> int | None:
    """Seconds until the page looks again: soon for words on their way, else when those it shows are no longer fresh."""
    if found.refreshing:
        return SOON
    if found.devices or found.attempts:
        return max(SOON, round(portal().ports.policy.fresh_for.total_seconds()))
    return None
