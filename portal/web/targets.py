"""Where a customer goes on to after signing in or choosing a language: a name from a short list, never a URL."""

import re
from collections.abc import Callable

from flask import url_for

from portal.domain.catalogue import DeviceType

HOME = "home"
DEVICES = "devices"
LONGEST = 200

SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
PUBLIC_ID = r"[A-Za-z0-9_-]{1,64}"

TARGETS: tuple[tuple[str, Callable[..., str]], ...] = (
    ("home", lambda: url_for("welcome.home")),
    ("privacy", lambda: url_for("privacy.overview")),
    ("privacy/data", lambda: url_for("own_data.offer")),
    ("privacy/delete", lambda: url_for("deletion.confirm_deletion")),
    (f"privacy/deleted/({PUBLIC_ID})", lambda receipt: url_for("deletion.deleted", receipt=receipt)),
    (
        f"privacy/permissions/({PUBLIC_ID})/withdraw",
        lambda consent_id: url_for("permissions.confirm_withdrawal", consent_id=consent_id),
    ),
    ("accessibility", lambda: url_for("welcome.accessibility")),
    ("sign-in-failed", lambda: url_for("sign_in.failed")),
    ("sign-in-failed/(.+)", lambda name: url_for("sign_in.failed", to=known(name))),
    ("sign-in-cancelled/(.+)", lambda name: url_for("sign_in.failed", to=known(name), why="cancelled")),
    ("sign-in-unconfirmed/(.+)", lambda name: url_for("sign_in.failed", to=known(name), why="unconfirmed")),
    ("help", lambda: url_for("welcome.help_page")),
    ("return", lambda: url_for("arrivals.neutral")),
    ("app/again", lambda: url_for("app_entry.again")),
    ("app/continue", lambda: url_for("app_entry.ask")),
    ("app/back", lambda: url_for("app_return.back")),
    ("out", lambda: url_for("out.before_leaving")),
    ("out/not-me", lambda: url_for("out.refused")),
    ("devices", lambda: url_for("devices.overview")),
    (f"devices/({PUBLIC_ID})", lambda device_id: url_for("devices.overview", _anchor=f"device-{device_id}")),
    (f"devices/({PUBLIC_ID})/remove", lambda device_id: url_for("devices.confirm_removal", device_id=device_id)),
    ("connect", lambda: url_for("connect.device_types")),
    (f"connect/({SLUG})", lambda slug: url_for("connect.vendors", device_type=_known(slug))),
    (f"connect/({SLUG})/not-listed", lambda slug: url_for("connect.not_listed", device_type=_known(slug))),
    (
        f"connect/({SLUG})/({SLUG})",
        lambda slug, vendor: url_for("connect.before_leaving", device_type=_known(slug), vendor_key=vendor),
    ),
    (f"link-sessions/({PUBLIC_ID})", lambda name: url_for("link_sessions.attempt", link_session_id=name)),
)
"""Every name a customer may come back to, with the page it stands for. Nothing else ever becomes a Location."""


class Unknown(ValueError):
    """A name outside the list."""


def parse(name: str | None) -> str:
    """The URL of a target by its name; the devices page for anything that is not on the list."""
    return _find(name) or url_for("devices.overview")


def known(name: str | None) -> str:
    """The name of a target, as it may stand in an address of ours; the devices page for what is not on the list."""
    return name if name is not None and _find(name) is not None else DEVICES


def _find(name: str | None) -> str | None:
    """The URL of a target; None for anything that is not on the list."""
    if name is not None and len(name) <= LONGEST:
        for pattern, url in TARGETS:
            match = re.fullmatch(pattern, name, flags=re.ASCII)
            if match:
                try:
                    return url(*match.groups())
                except Unknown:
                    break
    return None


def _known(slug: str) -> DeviceType:
    device_type = DeviceType.from_slug(slug)
    if device_type is None:
        raise Unknown(slug)
    return device_type
