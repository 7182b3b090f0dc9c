"""What an agent may do for the customer they look at: a few named things, each on record and told to the customer."""

from collections.abc import Callable
from functools import partial
from typing import cast

from flask import Blueprint, abort, g, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain.device import Device
from portal.domain.support import NotAllowed
from portal.journey import assist, support, support_code
from portal.journey.acts import Act
from portal.journey.assist import Help
from portal.journey.support import Viewing
from portal.web import notices, staff_session, support_letters
from portal.web.guards import staff as for_staff
from portal.web.labels import TYPE_NAMES, device_name
from portal.web.page import page, see_other
from portal.web.request_log import reference
from portal.web.support_words import DONE, not_done, time_left, wrong_code
from portal.web.wiring import portal

blueprint = Blueprint("assist", __name__, url_prefix="/grants/<grant_id>")

LONGEST_CODE = 20


@blueprint.before_request
def take_grant() -> ResponseReturnValue | None:
    """Only with an open permission of this agent; whom it is about goes on record with the request."""
    grant_id, agent = str((request.view_args or {})["grant_id"]), staff_session.agent()
    g.about = support.viewing(ports=portal().ports, agent=agent, grant_id=grant_id, now=portal().clock())
    return see_other(url_for("support.over")) if g.about is None else None


@blueprint.get("/help")
@for_staff
def offer(grant_id: str) -> ResponseReturnValue:
    """What there is to help with; first of all a code, where one is needed."""
    del grant_id
    return _page()


@blueprint.post("/code")
@for_staff
def code(grant_id: str) -> ResponseReturnValue:
    """Takes the code that the customer reads out."""
    if support_code.take(ports=portal().ports, act=_act(), typed=request.form.get("code", "")[:LONGEST_CODE]):
        return see_other(url_for("assist.offer", grant_id=grant_id))
    return take_grant() or _page(422, {"code": wrong_code()})


@blueprint.post("/link-sessions/<link_session_id>/cancel")
@for_staff
def cancel(grant_id: str, link_session_id: str) -> ResponseReturnValue:
    """Ends an attempt."""
    found = _offered()
    attempt = next((one for one in found.attempts if one.id == link_session_id), None)
    if attempt is None:
        return _did(grant_id, "not_possible")
    letter = support_letters.cancelled(_viewing().customer, attempt) if found.is_written_to else None
    return _do(grant_id, "cancelled", partial(assist.cancel, attempt=attempt, letter=letter))


@blueprint.post("/devices/<device_id>/check")
@for_staff
def check(grant_id: str, device_id: str) -> ResponseReturnValue:
    """Has a device checked."""
    found = _offered()
    device = _device(found, device_id)
    letter = support_letters.checked(_viewing().customer, device, among=found.devices) if found.is_written_to else None
    return _do(grant_id, "checked", partial(assist.check, device=device, letter=letter))


@blueprint.post("/devices/<device_id>/invite")
@for_staff
def invite_to_reconnect(grant_id: str, device_id: str) -> ResponseReturnValue:
    """Invites the customer to reconnect a device."""
    found = _offered()
    device = _device(found, device_id)
    if not found.is_written_to or not device.needs_customer:
        return _did(grant_id, "not_possible")
    letter = support_letters.to_reconnect(_viewing().customer, device, among=found.devices)
    return _do(grant_id, "invited", partial(assist.invite_to_reconnect, device=device, letter=letter))


@blueprint.post("/invite")
@for_staff
def invite_to_connect(grant_id: str) -> ResponseReturnValue:
    """Invites the customer to connect a device."""
    wanted = request.form.get("choice")
    choice = next((one for one in assist.choices(ports=portal().ports) if one.name == wanted), None)
    if choice is None or not _offered().is_written_to:
        return _did(grant_id, "not_possible")
    letter = support_letters.to_connect(_viewing().customer, choice)
    return _do(grant_id, "invited", partial(assist.invite_to_connect, choice=choice, letter=letter))


def _do(grant_id: str, done: str, work: Callable[..., bool]) -> ResponseReturnValue:
    try:
        did = work(ports=portal().ports, act=_act())
    except NotAllowed:
        return _page(403)
    return _did(grant_id, done if did else "not_possible")


def _did(grant_id: str, outcome: str) -> ResponseReturnValue:
    notices.leave(outcome)
    return see_other(url_for("assist.offer", grant_id=grant_id))


def _page(status: int = 200, errors: dict[str, str] | None = None) -> ResponseReturnValue:
    notice = notices.take()
    return page(
        "support/help.html",
        status=status,
        viewing=_viewing(),
        whom=_whom(),
        found=_offered(),
        choices=assist.choices(ports=portal().ports),
        choice_name=support_letters.choice_name,
        vendor_of=portal().ports.catalogue.vendor,
        device_name=device_name,
        type_names=TYPE_NAMES,
        done=DONE.get(notice.code) if notice else None,
        not_done=not_done(_offered()),
        errors=errors or {},
    )


def _whom() -> str:
    """Whom this page is about, why, and for how long: agents have several customers open at once."""
    grant, identity = _viewing().grant, _viewing().customer.identity
    left = time_left((grant.expires_at - portal().clock()).total_seconds())
    return " · ".join(part for part in (identity.name or identity.email, identity.number, grant.ticket, left) if part)


def _offered() -> Help:
    return assist.offered(ports=portal().ports, agent=staff_session.agent(), viewing=_viewing())


def _device(found: Help, device_id: str) -> Device:
    device = next((one for one in found.devices if one.id == device_id), None)
    if device is None:
        abort(404)
    return device


def _viewing() -> Viewing:
    return cast(Viewing, g.about)


def _act() -> Act:
    return Act(staff_session.agent(), _viewing(), reference(), portal().clock())
