"""What has happened to the customer that an agent looks at."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from portal.journey.timeline import timeline
from portal.web.guards import customer
from portal.web.guards import staff as for_staff
from portal.web.page import page
from portal.web.timeline_entries import told
from portal.web.wiring import portal

blueprint = Blueprint("timeline", __name__, url_prefix="/timeline")

ENTRIES = 100


@blueprint.get("")
@for_staff
def entries() -> ResponseReturnValue:
    """All attempts, devices and visits, the latest first, with what to tell the customer."""
    happened = timeline(ports=portal().ports, customer=customer(), limit=ENTRIES)
    return page("support/timeline.html", timeline=happened, words=told(happened))
