"""The privacy page: what the portal does with data, and what a customer decides about it."""

from flask import Blueprint, Response, abort, request, url_for
from flask.typing import ResponseReturnValue

from portal.identity import current
from portal.journey import permissions, support
from portal.journey import support_code as codes
from portal.journey.strays import strays as open_strays
from portal.web import notices
from portal.web.guards import customer, customers, everyone
from portal.web.page import page, see_other
from portal.web.permission_words import SAID, words_of
from portal.web.support_words import REASONS, lasted
from portal.web.wiring import portal

blueprint = Blueprint("privacy", __name__, url_prefix="/privacy")


@blueprint.get("")
@everyone("privacy")
def overview() -> ResponseReturnValue:
    """What the portal does with data, in short."""
    return _page()


@blueprint.post("/support-code")
@customers("privacy")
def support_code() -> ResponseReturnValue:
    """A code by which customer support may help. It is on this one page, and nowhere kept as it is."""
    if not portal().site.has_support:
        abort(404)
    return _page(codes.give(ports=portal().ports, customer=customer(), now=portal().clock()))


@blueprint.post("/support-asks-first")
@customers("privacy")
def support_asks_first() -> ResponseReturnValue:
    """Whether customer support may look only with a code."""
    if not portal().site.has_support:
        abort(404)
    asks = request.form.get("asks") == "yes"
    support.have_it_ask_first(ports=portal().ports, customer=customer(), asks=asks, now=portal().clock())
    return see_other(url_for("privacy.overview", _anchor="support"))


def _page(code: str | None = None) -> Response:
    viewer = current.viewer()
    looks = support.looks_at(ports=portal().ports, customer=viewer) if viewer else ()
    given = permissions.given(ports=portal().ports, customer=viewer) if viewer else ()
    connected = [device for permission in given for device in permission.connected]
    notice = notices.take()
    return page(
        "privacy/privacy.html",
        code=code,
        shares_email=portal().ports.policy.send_customer_email,
        looks=[(grant, REASONS[grant.reason], lasted(grant.lasted(portal().clock()))) for grant in looks],
        permissions=[
            words_of(permission, retailer=portal().site.retailer_name, among=connected) for permission in given
        ],
        strays=open_strays(ports=portal().ports, customer=viewer, now=portal().clock()) if viewer else (),
        said=SAID.get(notice.code) if notice else None,
    )
