"""Taking along all that is kept of oneself, after signing in anew."""

import json

from flask import Blueprint, Response, url_for
from flask.typing import ResponseReturnValue

from portal.identity import current
from portal.journey import own_data as journey
from portal.web.guards import customer, customers
from portal.web.page import page, see_other
from portal.web.surface import is_in_webview
from portal.web.way_out import elsewhere
from portal.web.wiring import portal

blueprint = Blueprint("own_data", __name__, url_prefix="/privacy/data")


@blueprint.get("")
@customers("privacy/data")
def offer() -> ResponseReturnValue:
    """Says what there is to download; in a webview, which may not keep files, where that can be done."""
    if is_in_webview():
        return page("privacy/elsewhere.html", way=elsewhere(url_for("own_data.offer")))
    return page("own_data/offer.html", is_confirmed=current.is_confirmed())


@blueprint.post("")
@customers("privacy/data")
def download() -> ResponseReturnValue:
    """The file, for whoever has just shown that it is theirs. It is made anew each time and kept nowhere."""
    if not current.is_confirmed():
        return see_other(url_for("own_data.offer"))
    now = portal().clock()
    found = journey.collect(ports=portal().ports, customer=customer(), now=now)
    answer = Response(json.dumps(found, ensure_ascii=False, indent=2) + "\n", content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="devices-{now:%Y-%m-%d}.json"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
