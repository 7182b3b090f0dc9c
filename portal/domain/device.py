"""Linked devices and how well the access to them is."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from portal.domain.catalogue import DeviceType


class Connection(StrEnum):
    """The health of the access to a device, as the customer is told it."""

    WORKING = "working"
    NEEDS_REAUTHENTICATION = "needs_reauthentication"
    WAITING = "waiting"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DeviceReading:
    """What a provider says of one device now. Every field but the id and the type may be missing.

    `deleted`: the provider still names it, and only to say that it is no longer there. It links and renews nothing.
    """

    provider_device_id: str
    device_type: DeviceType
    connection: Connection = Connection.UNKNOWN
    vendor_code: str | None = None
    vendor_name: str | None = None
    model: str | None = None
    nickname: str | None = None
    last_contact_at: datetime | None = None
    country: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """A device that a customer linked.

    `id` is ours and opaque; the provider's own id may change when the device is linked again.

    `read_at` is when the provider was last asked, or told us. `observed_at` is the time of the newest evidence that
    was applied, so that late evidence never overwrites newer.
    """

    id: str
    customer_id: str
    provider_key: str
    provider_device_id: str
    device_type: DeviceType
    vendor_key: str
    vendor_name: str
    model: str | None
    nickname: str | None
    connection: Connection
    last_contact_at: datetime | None
    linked_at: datetime
    read_at: datetime
    observed_at: datetime
    removed_at: datetime | None = None
    removal_asked_at: datetime | None = None
    removal_failed_at: datetime | None = None

    @property
    def made(self) -> str:
        """Maker and model, as far as they are known; some makers' models begin with the maker's name already."""
        model = self.model or ""
        is_named = model.casefold().startswith(self.vendor_name.casefold())
        return model if is_named else f"{self.vendor_name} {model}".strip()

    @property
    def needs_customer(self) -> bool:
        return self.connection is Connection.NEEDS_REAUTHENTICATION

    def is_active_as(self, reading: DeviceReading) -> bool:
        """Whether this device is on its customer's list under the reading's id."""
        return self.removed_at is None and self.provider_device_id == reading.provider_device_id

    def with_reading(self, reading: DeviceReading, *, now: datetime, settling: bool = False) -> "Device":
        """This device as the provider describes it now; what the provider leaves out is kept.

        While a renewal is `settling`, a provider that has not noticed yet is not believed: its own pages say that its
        state lags by minutes.
        """
        lapsed = reading.connection is Connection.NEEDS_REAUTHENTICATION
        return replace(
            self,
            provider_device_id=reading.provider_device_id,
            model=reading.model or self.model,
            nickname=reading.nickname or self.nickname,
            connection=Connection.WAITING if settling and lapsed else reading.connection,
            last_contact_at=reading.last_contact_at or self.last_contact_at,
            read_at=now,
            observed_at=now,
            removed_at=None,
        )

    def missing(self, *, now: datetime) -> "Device":
        """This device when its provider, asked for all it holds, does not name it: no alarm, but nothing is known."""
        return replace(self, connection=Connection.UNKNOWN, read_at=now, observed_at=now)

    def gone_there(self, *, now: datetime) -> "Device":
        """This device when its provider says that it was deleted: off the list."""
        return replace(self, removed_at=now, read_at=now, observed_at=now)
