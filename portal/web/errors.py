"""Every way a request can go wrong, as a page in the customer's language with a reference number and one way on."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import structlog
from flask import Flask, Response, g, request, url_for
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError, ServiceUnavailable

from portal.domain.catalogue import DeviceType, NotOffered
from portal.domain.people import Customer
from portal.i18n import LazyWords, lazy_gettext
from portal.identity import current
from portal.journey import error_pages
from portal.journey.ports import is_over_soon
from portal.web import guards, targets
from portal.web.page import once_sent, page, rely_on_nothing, viewer, wants_fragment
from portal.web.request_log import reference
from portal.web.wiring import is_for_staff, portal
from portal.web.words import gettext, ngettext

_ = lazy_gettext

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Words:
    """What an error page says."""

    title: LazyWords
    text: LazyWords


NOT_FOUND = Words(_("This page does not exist"), _("The address may be wrong, or what was here has been removed."))
BAD_REQUEST = Words(
    _("We could not process that"), _("The page may have been open for too long. Go back, load it again and try again.")
)
OUR_FAULT = Words(
    _("Something went wrong on our side"),
    _("The fault is not yours. Try again in a few minutes. If it stays, tell customer support the reference number."),
)

WORDS: Mapping[int, Words] = {
    400: BAD_REQUEST,
    403: Words(
        _("This is not allowed"), _("The request did not come from one of our own pages. Start again from here.")
    ),
    404: NOT_FOUND,
    405: Words(_("That does not work here"), _("This address cannot be opened in this way. Start again from here.")),
    413: Words(_("That is too long"), _("What was sent is larger than we accept. Shorten it and try again.")),
    429: Words(_("That was a little too often"), _("Nothing is lost. Your devices are not affected.")),
    500: OUR_FAULT,
    503: Words(_("We are not available right now"), _("Try again in a few minutes. Your devices are not affected.")),
}

STAFF_WORDS: Mapping[int, Words] = {
    429: Words(WORDS[429].title, _("Nothing is lost.")),
    500: Words(
        OUR_FAULT.title,
        _("The fault is not yours. Try again in a few minutes. If it stays, report the reference number."),
    ),
    503: Words(WORDS[503].title, _("Try again in a few minutes.")),
}
"""What is said otherwise on the staff's own pages, where nobody has devices or customer support to ask."""

RETRY_AFTER = 30

UNKEPT = frozenset({429, 503})
"""Of these nothing is kept: asked too often, or the database is away."""


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _expected)
    app.register_error_handler(NotOffered, _not_offered)
    app.register_error_handler(Exception, _crash)


def words_for(status: int) -> Words:
    """The words for a status; for a rare one, those of its class."""
    words = {**WORDS, **STAFF_WORDS} if _is_staffs() else WORDS
    return words.get(status) or (words[500] if status >= 500 else BAD_REQUEST)


def come_again(seconds: int, *, status: int) -> Response:
    """For what was asked too often: when to try again, and the way back to it."""
    words = words_for(status)
    response = _answer(status, text=f"{try_again_in(seconds)} {words.text}", way_on=_way_back())
    response.headers["Retry-After"] = str(seconds)
    return response


def refused(text: str) -> Response:
    """For who may not do this, with the reason."""
    return _answer(403, text=text)


def try_again_in(seconds: int) -> str:
    """Never too early: what is left of a minute or an hour counts as a whole one."""
    if seconds < 60:
        return ngettext("Try again in %(num)d second.", "Try again in %(num)d seconds.", seconds)
    minutes = ceil(seconds / 60)
    if minutes < 60:
        return ngettext("Try again in %(num)d minute.", "Try again in %(num)d minutes.", minutes)
    return ngettext("Try again in %(num)d hour.", "Try again in %(num)d hours.", ceil(minutes / 60))


def _expected(error: HTTPException) -> Response:
    status = error.code or 500
    if isinstance(error, SecurityError):
        # A host that is not ours: there is no address to build a page with.
        return Response("400\n", status, content_type="text/plain; charset=utf-8")
    response = _answer(status)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    if status == 503:
        response.headers.setdefault("Retry-After", str(RETRY_AFTER))
    return response


def _crash(error: Exception) -> Response:
    log.error("request_failed", route=request.url_rule.rule if request.url_rule else None, exc_info=error)
    if not is_over_soon(error):
        return _answer(InternalServerError.code)
    response = _answer(ServiceUnavailable.code)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _not_offered(_error: NotOffered) -> Response:
    device_type = (request.view_args or {}).get("device_type")
    if isinstance(device_type, DeviceType):
        way_on = {
            "href": url_for("connect.vendors", device_type=device_type),
            "label": gettext("Choose another manufacturer"),
        }
    else:
        way_on = _way_on()
    return page(
        "errors/error.html",
        status=404,
        layout="layouts/notice.html",
        title=gettext("Devices of this manufacturer cannot be connected here"),
        text=gettext(
            "It may have had another name when you saved the link. Choose from the list, or tell us that you miss it."
        ),
        reference=reference(),
        way_on=way_on,
    )


def _answer(status: int, *, text: str | None = None, way_on: Mapping[str, str] | None = None) -> Response:
    if guards.is_for_machines():
        return Response(f"{status}\n", status, content_type="text/plain; charset=utf-8")
    if status >= 500:
        rely_on_nothing()
    words = words_for(status)
    _remember(status)
    response = page(
        "errors/error.html",
        status=status,
        layout="support/notice.html" if _is_staffs() else "layouts/notice.html",
        is_staffs=_is_staffs(),
        title=str(words.title),
        text=text or str(words.text),
        reference=reference(),
        way_on=way_on or _way_on(),
    )
    # A page that was asked for too often is not asked for again by itself.
    if wants_fragment() and status < 500 and status != 429:
        response.headers["HX-Refresh"] = "true"
    return response


def _remember(status: int) -> None:
    """Keeps the number on this page for support to find, once the page is sent. What came too often is not kept."""
    customer = None if is_for_staff() or status in UNKEPT else _customer(status)
    if customer is None:
        return
    ports, now, shown = portal().ports, portal().clock(), reference()
    once_sent(lambda: error_pages.remember(ports=ports, customer=customer, reference=shown, status=status, now=now))


def _customer(status: int) -> Customer | None:
    """Who is signed in. After a fault of ours even that may not be there to be asked."""
    try:
        return current.viewer()
    except Exception as error:  # noqa: BLE001 - the page is shown, whatever else is broken
        log.warning("viewer_unknown", status=status, cause=type(error).__name__)
        return None


def _is_staffs() -> bool:
    """Whether this is a page of the staff's own, and not one of the customer they look at."""
    return is_for_staff() and g.get("observed") is None


def _way_on() -> dict[str, str]:
    if _is_staffs():
        return {"href": url_for("support.search"), "label": gettext("To the start page")}
    if viewer() is None:
        return {"href": url_for("welcome.home"), "label": gettext("To the start page")}
    return {"href": url_for("devices.overview"), "label": gettext("To your devices")}


def _way_back() -> dict[str, str]:
    """The same address again, unwritten, for it may be a secret; after a form, its page."""
    if request.method in guards.SAFE:
        return {"href": "", "label": gettext("Try again")}
    return {"href": "" if _is_staffs() else targets.parse(g.get("target")), "label": gettext("Go back")}
