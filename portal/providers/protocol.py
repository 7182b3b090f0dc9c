"""What every provider is to the portal: declared traits, a handful of calls, and errors that carry their cure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from portal.domain.catalogue import DeviceType, Offer
from portal.domain.device import DeviceReading
from portal.domain.link_session import ArrivalHints
from portal.domain.people import ProviderAccount
from portal.domain.provider_event import ProviderEvent


class ProviderError(Exception):
    """A call that did not work. The text names provider, call and status; never a URL, a body or a secret."""


class ProviderUnavailable(ProviderError):
    """The provider cannot be reached or is failing: try later, after `retry_after` seconds where it names them.

    `is_untried`: nothing was sent, because the provider has asked for a pause before.
    """

    retry_after: float | None = None
    is_untried: bool = False


class OutcomeUnknown(ProviderUnavailable):
    """A call that changes something may have been carried out or not; one that opens something is not made again."""


class UserGone(ProviderError):
    """The provider has deleted its user of this customer: have it made anew."""


class ProviderRefused(ProviderError):
    """The provider says our request is wrong: our fault, alarm."""


class PseudonymTaken(ProviderRefused):
    """The provider refuses our name for this customer, and holds nobody by it: they need another one."""


class UnexpectedAnswer(ProviderError):
    """The provider answered something we do not understand: their change, alarm."""


class ReauthenticationRequired(ProviderError):
    """The provider lost its access to the vendor account: send the customer."""


class EventRefused(ProviderError):
    """A webhook that is not proven to come from the provider, or is too old."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a provider can and cannot do; the pages follow it.

    `languages` maps every portal language its Connect UI speaks to the provider's word for it; `fallback_language` is
    the portal language its pages come in otherwise. `connect_hosts` are host or host:port, exact. `link_lifetime` is
    None where the link outlives any patience. `own_arrival_url`: each attempt gets a secret return URL; otherwise the
    provider knows one registered URL and the attempt is found by who is signed in. `preselects_vendor`: the Connect UI
    can be opened at the vendor; one that it refuses is asked for there. `reads_devices`: it can be asked what a
    customer has linked; otherwise only its events tell. `reads_known_devices`: it can be asked how a device is that it
    has named before. `removes_devices`: removing here ends the access there. `deletes_users`: it forgets a customer,
    with all devices. `smart_control`: linked devices are controlled from the start. `replaces_on_link`: device types of
    which linking another replaces the first. `linked_elsewhere`: customers also link devices to it at the manufacturer,
    without us.
    """

    key: str
    name: str
    languages: Mapping[str, str]
    connect_hosts: tuple[str, ...]
    link_lifetime: timedelta | None
    own_arrival_url: bool
    preselects_vendor: bool
    reads_devices: bool
    removes_devices: bool
    reads_known_devices: bool = False
    deletes_users: bool = False
    smart_control: bool = False
    replaces_on_link: frozenset[DeviceType] = frozenset()
    linked_elsewhere: bool = False
    fallback_language: str = "en"

    @property
    def tells_when_asked(self) -> bool:
        """Whether it can be asked how a customer's devices are."""
        return self.reads_devices or self.reads_known_devices

    def language_shown(self, language: str) -> str:
        """The portal language in which its Connect UI greets a customer of this language."""
        return language if language in self.languages else self.fallback_language


@dataclass(frozen=True, slots=True)
class Returns:
    """Where a provider sends the customer afterwards: `success` and `cancel` differ only where it has both."""

    success: str
    cancel: str


@dataclass(frozen=True, slots=True)
class Departing:
    """What a provider needs to open one link. `reference` is the attempt's public id; nothing in it is personal.

    `email` is the customer's own address where the retailer chose to send it; without it an alias stands in.
    `price_zone` is the customer's own claim, None where unknown.
    """

    account: ProviderAccount
    device_type: DeviceType
    vendor_code: str | None
    language: str
    returns: Returns
    reference: str
    email: str | None = None
    price_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Departure:
    """An opened link: a bearer secret to follow once. `expires_at` is None where the provider names no time.

    `asks_vendor`: the provider refused the vendor that was to be preselected, so its own page asks for it.
    """

    connect_url: str
    provider_reference: str | None
    expires_at: datetime | None
    asks_vendor: bool = False


class AdoptedUser(str):
    """The provider's own id of a user that was there before us, found by the customer's address: not ours to delete."""

    __slots__ = ()


class Observer(Protocol):
    """Is told how calls to providers go. Never makes one fail."""

    def seen(self, provider_key: str, *, failed: bool, milliseconds: int) -> None:
        """One call that was made."""
        ...

    def paused(self, provider_key: str, *, seconds: float) -> None:
        """Calls to this provider are held back for so long."""
        ...


class Removal(StrEnum):
    """What became of a device at the provider."""

    GONE = "gone"
    NOT_OFFERED = "not_offered"


class Provider(Protocol):
    """One provider. Every call may raise ProviderError; none is retried by the caller within a request."""

    @property
    def traits(self) -> Traits: ...

    def offers(self) -> tuple[Offer, ...]:
        """All it serves, every region; constant."""
        ...

    def ensure_user(self, account: ProviderAccount, *, email: str | None) -> str | None:
        """The provider's own id of this customer, created there if need be; None where there is only the pseudonym.

        `email` is verified; an AdoptedUser is found by it alone.
        """
        ...

    def begin_link(self, departing: Departing, *, now: datetime) -> Departure:
        """Opens one link. `departing.account` carries what ensure_user returned."""
        ...

    def begin_reauthentication(self, departing: Departing, provider_device_id: str, *, now: datetime) -> Departure:
        """Opens one renewal of access to this device."""
        ...

    def read_arrival(self, path: str, query: Mapping[str, Sequence[str]]) -> ArrivalHints:
        """What a return URL claims; `path` is `success`, `cancel` or empty. Pure; never raises."""
        ...

    def list_devices(self, account: ProviderAccount, device_types: frozenset[DeviceType]) -> tuple[DeviceReading, ...]:
        """What the provider holds for this customer now. Empty where it never heard of them, or cannot be asked."""
        ...

    def session_devices(self, account: ProviderAccount, provider_reference: str) -> tuple[str, ...]:
        """The ids of the devices that one of its sessions has linked; empty where it does not say."""

    def read_known(self, account: ProviderAccount, known: Mapping[str, DeviceType]) -> tuple[DeviceReading, ...]:
        """How these devices are now, by their ids here. What it does not name is not there; it may name others too."""
        ...

    def remove_device(self, account: ProviderAccount, provider_device_id: str, device_type: DeviceType) -> Removal:
        """Ends the access to one device for this customer only; again does no harm. Raises OutcomeUnknown."""
        ...

    def delete_user(self, account: ProviderAccount) -> Removal:
        """Has the provider forget this customer, with all devices; again does no harm. Raises OutcomeUnknown."""
        ...

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        """A webhook, verified before it is read. Raises EventRefused (unproven) or UnexpectedAnswer (unreadable)."""
        ...
