"""Everything the sandbox remembers, in memory, behind one lock."""

import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from portal.sandbox.configuration import SandboxConfig
from portal.sandbox.faults import Faults, Traffic
from portal.sandbox.variants import VARIANTS, UnknownVariantError, defaults
from portal.sandbox.vendor_accounts import VendorDevice

PROVIDERS = ("podero", "nox", "telematica")
FAULTY = (*PROVIDERS, "oidc")
MAILS_REMEMBERED = 100
CALLS_REMEMBERED = 5000


@dataclass(slots=True)
class ProviderUser:
    """A customer as a provider knows it. `external_id` is the id the portal chose."""

    id: str
    provider: str
    external_id: str | None
    email: str | None = None
    role: str = "user"
    joined_at: float = 0


@dataclass(slots=True)
class LinkedDevice:
    """A physical device linked to one provider user; Telematica gives several users the same id."""

    id: str
    provider: str
    owner: str
    device_type: str
    physical: VendorDevice
    created_at: float
    listed_from: float
    working: bool = True
    removed_at: float | None = None
    silent: bool = False
    changed_at: float = 0
    seemed_working: bool = True
    shown_from: float = 0
    details: dict[str, Any] = field(default_factory=dict)

    def seems_working(self, now: float) -> bool:
        """What the provider's lists say; they may be behind."""
        return self.working if now >= self.shown_from else self.seemed_working

    def seems_removed(self, now: float) -> bool:
        return self.removed_at is not None and now >= self.shown_from


@dataclass(slots=True)
class LinkSession:
    """One visit to a Connect UI. `device_id` is set where an existing device is to be signed in to again."""

    token: str
    provider: str
    owner: str
    language: str
    success_url: str | None
    cancel_url: str | None
    created_at: float
    expires_at: float
    device_type: str | None = None
    type_chosen: bool = False
    vendor: str | None = None
    vendor_fixed: bool = False
    device_id: str | None = None
    status: str = "open"
    found: tuple[VendorDevice, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)


class SandboxState:
    """The memory of one running sandbox. Hold `lock` while reading or changing the collections."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.portal_url = config.portal_url.rstrip("/")
        self.staff_url = config.staff_url.rstrip("/")
        self.further_origins: tuple[str, ...] = ()
        self.lock = threading.RLock()
        self.generation = 0
        self.reset()

    def reset(self) -> None:
        """As just started: nobody known, nothing linked, no faults, default variants."""
        with self.lock:
            self.generation += 1
            self.users: list[ProviderUser] = []
            self.former_users: list[ProviderUser] = []
            self.devices: list[LinkedDevice] = []
            self.links: dict[str, LinkSession] = {}
            self.tokens: dict[str, float] = {}
            self.cues: dict[str, tuple[str, str, float]] = {}
            self.calls: dict[str, deque[dict[str, Any]]] = {key: deque(maxlen=CALLS_REMEMBERED) for key in FAULTY}
            self.traffic = {key: Traffic() for key in FAULTY}
            self.events: deque[dict[str, Any]] = deque(maxlen=200)
            self.mails: deque[EmailMessage] = deque(maxlen=MAILS_REMEMBERED)
            self.faults = {key: Faults() for key in FAULTY}
            self.variants = defaults()
            self.switched_off: set[str] = set()
            self.told_of_staff: dict[str, int | str] = {}

    @property
    def support_url(self) -> str:
        """Where the portal's support pages are."""
        return self.staff_url or f"{self.portal_url}/support"

    def now(self) -> float:
        return time.time()

    def variant(self, provider: str, name: str) -> str:
        return self.variants[provider][name]

    def choose_variants(self, provider: str, chosen: Mapping[str, str]) -> None:
        """All or none. Raises UnknownVariantError."""
        for name, value in chosen.items():
            if value not in VARIANTS[provider].get(name, ()):
                raise UnknownVariantError(f"{provider} has no variant {name}={value}")
        with self.lock:
            self.variants[provider].update(chosen)

    def owned(self, provider: str, owner: str, *, removed: bool = False) -> list[LinkedDevice]:
        """The user's devices which the provider's lists show by now, oldest first."""
        now = self.now()
        return [
            device
            for device in self.devices
            if device.provider == provider
            and device.owner == owner
            and device.listed_from <= now
            and (removed or not device.seems_removed(now))
        ]

    def linked(self, provider: str, owner: str, physical: VendorDevice) -> LinkedDevice | None:
        """The user's link to this physical device, listed yet or not."""
        return next(
            (
                device
                for device in self.devices
                if device.provider == provider
                and device.owner == owner
                and device.physical.serial == physical.serial
                and device.removed_at is None
            ),
            None,
        )

    def add_device(
        self, provider: str, owner: str, device_type: str, physical: VendorDevice, device_id: str
    ) -> LinkedDevice:
        now = self.now()
        device = LinkedDevice(
            id=device_id,
            provider=provider,
            owner=owner,
            device_type=device_type,
            physical=physical,
            created_at=now,
            listed_from=now + self.faults[provider].lag,
            changed_at=now,
        )
        self.devices.append(device)
        return device

    def change(self, device: LinkedDevice, *, working: bool | None = None, removed: bool = False) -> None:
        """The device's access lapses, comes back or ends; the provider's lists show it when they do."""
        now = self.now()
        if working == device.working and not removed:
            return
        device.seemed_working = device.seems_working(now)
        device.working = device.working if working is None else working
        device.removed_at = now if removed else device.removed_at
        device.changed_at = now
        device.shown_from = now + self.faults[device.provider].stale

    def remove_user(self, user: ProviderUser) -> None:
        """The user, their devices and their open link sessions are gone."""
        self.users.remove(user)
        self.former_users.append(user)
        theirs = (user.provider, user.id)
        self.devices = [device for device in self.devices if (device.provider, device.owner) != theirs]
        for link in self.links.values():
            if (link.provider, link.owner, link.status) == (*theirs, "open"):
                link.status = "expired"

    def open_link(self, link: LinkSession) -> LinkSession:
        with self.lock:
            self.links[link.token] = link
        return link

    def expire_links(self, provider: str) -> int:
        """Ends every open link session of the provider now; answers how many."""
        with self.lock:
            still_open = [link for link in self.links.values() if link.provider == provider and link.status == "open"]
            for link in still_open:
                link.status = "expired"
        return len(still_open)

    def link_status(self, link: LinkSession) -> str:
        """`open`, `used`, `cancelled` or `expired`, the clock considered."""
        if link.status == "open" and self.now() >= link.expires_at:
            link.status = "expired"
        return link.status

    def set_faults(self, provider: str, changes: Mapping[str, Any]) -> None:
        with self.lock:
            self.faults[provider] = replace(self.faults[provider], **changes)


def iso(moment: float) -> str:
    """ISO 8601 UTC, as the providers write times."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def new_token() -> str:
    return secrets.token_urlsafe(32)
