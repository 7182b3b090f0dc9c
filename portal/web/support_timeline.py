"""What has happened to the customer that an agent looks at."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from portal import i18n
from portal.journey.timeline import About, timeline
from portal.web import staff_session
from portal.web.guards import customer
from portal.web.guards import staff as for_staff
from portal.web.labels import device_name
from portal.web.page import page
from portal.web.timeline_entries import told
from portal.web.wiring import portal

blueprint = Blueprint("timeline", __name__, url_prefix="/timeline")

ENTRIES = 100
LONGEST_ID = 100


@blueprint.get("")
@for_staff
def entries() -> ResponseReturnValue:
    """Attempts, devices and visits, the latest first, in the agent's language, with what to tell the customer in both.

    `device` or `attempt` narrow it down to one.
    """
    about = About(device_id=_asked("device"), attempt_id=_asked("attempt"))
    happened = timeline(ports=portal().ports, customer=customer(), limit=ENTRIES, about=about)
    customers_language = i18n.language_of(customer())
    with i18n.speaking(staff_session.agents_language()):
        return page(
            "support/timeline.html",
            timeline=happened,
            about=about,
            path=url_for("timeline.entries"),
            devices=[(device.id, device_name(device, among=happened.devices)) for device in happened.devices],
            words=told(happened, customers_language),
        )


def _asked(name: str) -> str | None:
    return request.args.get(name, "")[:LONGEST_ID] or None
