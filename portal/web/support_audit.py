"""The auditor's page: who of the staff came, what they asked for and what came of it."""

import re
from collections.abc import Mapping
from datetime import date, timedelta

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from portal import i18n
from portal.domain.access import MANY_CUSTOMERS, NOBODY, SIGN_IN, SIGN_OUT
from portal.domain.support import MAY_AUDIT
from portal.journey import on_record
from portal.journey.on_record import Sought
from portal.web import errors, staff_session, support_words
from portal.web.guards import staff as for_staff
from portal.web.page import page
from portal.web.wiring import portal
from portal.web.words import gettext

blueprint = Blueprint("audit", __name__, url_prefix="/audit")

LONGEST_QUERY = 100
KINDS: Mapping[str, tuple[str, ...]] = {"": (), "sign-ins": (SIGN_IN, SIGN_OUT), "alarms": (MANY_CUSTOMERS,)}
"""Which events are asked for; the empty word is for all."""

DAY = re.compile(r"2\d{3}-\d{2}-\d{2}", re.ASCII)


@blueprint.get("")
@for_staff
def entries() -> ResponseReturnValue:
    """What is on record, for those who look after that."""
    if not MAY_AUDIT[staff_session.agent().role]:
        abort(errors.refused(support_words.refusal("role")))
    asked = {name: _asked(name) for name in ("customer", "agent", "kind")}
    days = {name: _asked(name) for name in ("since", "until")}
    wrong = [name for name, text in days.items() if text and _day(text) is None]
    before = _number_of_event(request.args.get("before", ""))
    found = None if wrong else on_record.recorded(ports=portal().ports, sought=_sought(asked, days), before=before)
    return page(
        "support/audit.html",
        status=422 if wrong else 200,
        recorded=found,
        asked={name: text for name, text in {**asked, **days}.items() if text},
        errors={name: gettext("Write the day like this: 2026-11-21.") for name in wrong},
        kinds=support_words.KINDS,
        nobody=NOBODY,
        alarm=MANY_CUSTOMERS,
        reasons=support_words.REASONS,
        happened=support_words.happened,
    )


def _asked(name: str) -> str:
    """What was typed into a field, as one line that can be shown again."""
    typed = request.args.get(name, "")[:LONGEST_QUERY]
    return "".join(letter if letter.isprintable() else " " for letter in typed).strip()


def _sought(asked: Mapping[str, str], days: Mapping[str, str]) -> Sought:
    """Both days are meant to be in it, whole, in the retailer's time zone."""
    first, last = _day(days["since"]), _day(days["until"])
    return Sought(
        customer=asked["customer"],
        agent=asked["agent"],
        since=i18n.beginning_of(first) if first else None,
        until=i18n.beginning_of(last + timedelta(days=1)) if last else None,
        actions=KINDS.get(asked["kind"], ()),
    )


def _day(text: str) -> date | None:
    """A day as a browser sends it, whatever way it was written there; None for what is none."""
    try:
        return date.fromisoformat(text) if DAY.fullmatch(text) else None
    except ValueError:
        return None


def _number_of_event(text: str) -> int | None:
    """A number in an address; None for what is none, or is larger than any database counts."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
