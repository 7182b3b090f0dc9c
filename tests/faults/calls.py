"""Every call that the portal makes to a provider, and what it is there for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.layer import Asked


class Role(StrEnum):
    """What hangs on a call."""

    PREPARES = "comes before a link can be opened, and may be made twice"
    CREATES = "makes the customer known there, may not be made twice, and can be looked up"
    OPENS = "opens a link, and may not be made twice"
    CONFIRMS = "tells whether something was linked"
    READS = "tells how the devices are"
    DETAILS = "tells more of one device"
    REMOVES = "ends the access to a device"
    FORGETS = "has the customer forgotten there"


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `after` is the one that comes right before it in its journey."""

    provider: str
    name: str
    role: Role
    method: str
    path: str
    after: str | None = None
    renews: bool = False

    def __call__(self, asked: Asked) -> bool:
        """Whether this is what was asked."""
        return asked.method == self.method and re.search(self.path, asked.path) is not None

    def __str__(self) -> str:
        return f"{self.provider} {self.name}"

    @property
    def follows(self) -> Call | None:
        return next((call for call in CALLS if str(call) == f"{self.provider} {self.after}"), None)


LISTS = r"/users/[0-9a-f-]{36}/(heat-pumps|electric-vehicles|wallboxes|inverters)"

CALLS = (
    Call("podero", "token", Role.PREPARES, "POST", r"/auth/token$"),
    Call("podero", "find user", Role.PREPARES, "GET", r"/by-ext-id/", after="token"),
    Call("podero", "create user", Role.CREATES, "POST", r"/users$", after="find user"),
    Call("podero", "open onboarding", Role.OPENS, "POST", r"/device-onboarding$", after="create user"),
    Call("podero", "list devices, to confirm", Role.CONFIRMS, "GET", rf"{LISTS}$"),
    Call("podero", "list devices, to read", Role.READS, "GET", rf"{LISTS}$"),
    Call("podero", "read device", Role.DETAILS, "GET", rf"{LISTS}/[0-9a-f-]{{36}}$", after="list devices, to read"),
    Call(
        "podero",
        "open reauthentication",
        Role.OPENS,
        "POST",
        r"/auth_session$",
        after="list devices, to read",
        renews=True,
    ),
    Call("podero", "remove device", Role.REMOVES, "DELETE", rf"{LISTS}/[0-9a-f-]{{36}}$"),
    Call("podero", "delete user", Role.FORGETS, "DELETE", r"/users/[0-9a-f-]{36}$", after="remove device"),
    Call("nox", "open link", Role.OPENS, "POST", r"/supplier/link-sessions$"),
    Call("nox", "list devices, to confirm", Role.CONFIRMS, "GET", r"^/v1/devices"),
    Call("nox", "list devices, to read", Role.READS, "GET", r"^/v1/devices"),
    Call("telematica", "open session", Role.OPENS, "POST", r"/v1/auth-sessions$"),
    Call("telematica", "revoke", Role.REMOVES, "POST", r"/revoke$"),
)
