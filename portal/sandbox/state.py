"""Everything the sandbox remembers, in memory, behind one lock."""

import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from portal.sandbox.configuration import SandboxConfig
from portal.sandbox.vendor_accounts import VendorDevice

PROVIDERS = ("podero", "nox", "telematica")
FAULTY = (*PROVIDERS, "oidc")

VARIANTS: dict[str, dict[str, tuple[str, ...]]] = {
    "podero": {
        "token_body": ("form", "json"),
        "create_status": ("200", "201"),
        "conflict_status": ("400", "409", "422"),
        "auth_session_url": ("normal", "null"),
        "heat_pump_auth_session": ("yes", "404"),
        "lists_have_actions": ("no", "yes"),
        "reauth_signal": ("actions", "action_needed", "is_authenticated", "lifecycle", "connection_status"),
        "return_device_id": ("yes", "no"),
        "delete_supported": ("yes", "405"),
    },
    "nox": {
        "cancel_form": ("bare", "error", "never"),
        "user_filter_pv": ("no", "yes"),
        "device_row_fields": ("full", "sparse"),
    },
    "telematica": {
        "session_key": ("url", "sessionUrl", "authUrl", "connectUrl", "link", "redirectUrl"),
        "session_status": ("200", "201"),
        "header_names": ("svix", "webhook"),
        "cancel_form": ("bare", "never"),
        "id_on_relink": ("same", "new"),
        "revoke_lapsed": ("ends", "refused"),
        "metadata_place": ("top", "nested"),
        "event_timing": ("with_return", "before_return"),
    },
}
"""What nobody knows about the real providers, and the ways it may be. The first of each is the default."""


@dataclass(slots=True)
class Faults:
    """How a provider misbehaves: calls `delay` s late, the next `fail_count` calls fail, news `lag` s late."""

    delay: float = 0
    fail_count: int = 0
    fail_status: int = 503
    path_contains: str = ""
    lag: float = 0


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
    changed_at: float = 0
    details: dict[str, Any] = field(default_factory=dict)


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


class UnknownVariantError(ValueError):
    """A variant, or a value of one, that the sandbox does not have."""


class SandboxState:
    """The memory of one running sandbox. Hold `lock` while reading or changing the collections."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.portal_url = config.portal_url.rstrip("/")
        self.lock = threading.RLock()
        self.generation = 0
        self.reset()

    def reset(self) -> None:
        """As just started: nobody known, nothing linked, no faults, default variants."""
        with self.lock:
            self.generation += 1
            self.users: list[ProviderUser] = []
            self.devices: list[LinkedDevice] = []
            self.links: dict[str, LinkSession] = {}
            self.tokens: dict[str, float] = {}
            self.cues: dict[str, tuple[str, str, float]] = {}
            self.calls: dict[str, deque[dict[str, Any]]] = {key: deque(maxlen=500) for key in FAULTY}
            self.events: deque[dict[str, Any]] = deque(maxlen=200)
            self.faults = {key: Faults() for key in FAULTY}
            self.variants = {
                key: {name: values[0] for name, values in table.items()} for key, table in VARIANTS.items()
            }

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
            and (removed or device.removed_at is None)
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
            current = {entry.name: getattr(self.faults[provider], entry.name) for entry in fields(Faults)}
            self.faults[provider] = Faults(**{**current, **changes})


def iso(moment: float) -> str:
    """ISO 8601 UTC, as the providers write times."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def new_token() -> str:
    return secrets.token_urlsafe(32)
