"""Where a browser that the app let out learns for whom it connects, before it leaves for the Connect UI."""

from flask import Blueprint, request, session, url_for
from flask.typing import ResponseReturnValue

from portal import i18n
from portal.domain.catalogue import OTHER_VENDOR
from portal.identity import current
from portal.journey import out
from portal.journey.out import LetOut
from portal.web import onward
from portal.web.app_addresses import address_of
from portal.web.guards import everyone
from portal.web.page import page, see_other
from portal.web.surface import is_in_webview
from portal.web.way_out import by_hand
from portal.web.wiring import portal

blueprint = Blueprint("out", __name__, url_prefix="/out")

READ = "read_before_leaving"
"""Names in the cookie the attempt whose page was answered: another site may lead here, with another one's ticket."""


@blueprint.get("/<text>")
@everyone("out", has_effect=True)
def open_with(text: str) -> ResponseReturnValue:
    """Takes a ticket of the app and goes on to an address that carries nothing; in a webview it lets nobody out."""
    if is_in_webview():
        return _in_webview(text)
    language = out.open_with(ports=portal().ports, text=text, browser=current.browser_token(), now=portal().clock())
    if language is not None:
        i18n.choose(language)
    return see_other(url_for("out.before_leaving"))


@blueprint.get("")
@everyone("out")
def before_leaving() -> ResponseReturnValue:
    """For whom this browser connects, and the way on."""
    let_out = _let_out()
    if let_out is None or not let_out.may_go:
        app_link = let_out.app_link if let_out else None
        return page("out/over.html", status=410, back=address_of(app_link))
    viewer = current.viewer()
    if viewer is not None and viewer.id != let_out.customer.id:
        return page("out/somebody_else.html", status=409, receiver=let_out.customer.identity.initials)
    return page(
        "out/before_leaving.html",
        let_out=let_out,
        receiver=let_out.customer.identity.initials,
        is_chosen_there=let_out.vendor.key == OTHER_VENDOR,
    )


@blueprint.post("")
@everyone("out")
def go_on() -> ResponseReturnValue:
    """Ends at the page that leaves."""
    let_out = _let_out()
    if let_out is None or not _was_read(let_out) or not _may_leave(let_out):
        return see_other(url_for("out.before_leaving"))
    session[READ] = let_out.attempt.id
    return see_other(url_for("out.leave"))


@blueprint.get("/leave")
@everyone("out", has_effect=True)
def leave() -> ResponseReturnValue:
    """Goes on to the Connect UI, once, and only with the attempt whose page was read and answered here."""
    let_out = _let_out()
    if let_out is None or session.get(READ) != let_out.attempt.id or not _may_leave(let_out):
        return see_other(url_for("out.before_leaving"))
    connect_url = out.follow(ports=portal().ports, let_out=let_out, now=portal().clock())
    if connect_url is None:
        return see_other(url_for("out.before_leaving"))
    return onward.to_provider(connect_url, let_out.provider.name)


@blueprint.post("/not-me")
@everyone("out")
def refuse() -> ResponseReturnValue:
    """Ends the attempt of somebody else."""
    let_out = _let_out()
    if let_out is not None and not _was_read(let_out):
        return see_other(url_for("out.before_leaving"))
    if let_out is not None:
        out.refuse(ports=portal().ports, let_out=let_out, now=portal().clock())
    return see_other(url_for("out.refused"))


@blueprint.get("/not-me")
@everyone("out/not-me")
def refused() -> ResponseReturnValue:
    """Says that nothing was connected."""
    return page("out/refused.html")


def _in_webview(text: str) -> ResponseReturnValue:
    """The app did not open this in the system's browser: how the customer can do it."""
    viewer = current.viewer()
    attempt_id = out.attempt_of(ports=portal().ports, customer=viewer, text=text) if viewer else None
    if attempt_id is None:
        return see_other(url_for("app_entry.again"))
    page_url, picture = by_hand(attempt_id)
    here = url_for("link_sessions.attempt", link_session_id=attempt_id)
    return page("out/in_webview.html", page_url=page_url, picture=picture, here=here)


def _may_leave(let_out: LetOut) -> bool:
    """Whether nobody else is signed in here, and this is no webview."""
    viewer = current.viewer()
    return (viewer is None or viewer.id == let_out.customer.id) and not is_in_webview()


def _was_read(let_out: LetOut) -> bool:
    """Whether the page that was answered named this attempt: another site may have opened another ticket meanwhile."""
    return request.form.get("attempt") == let_out.attempt.id


def _let_out() -> LetOut | None:
    """What this browser was let out with."""
    return out.before_leaving(ports=portal().ports, browser=current.browser_token(), now=portal().clock())
