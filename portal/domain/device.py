"""Linked devices and how well the access to them is."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from portal.domain.catalogue import DeviceType
from portal.domain.health import USUAL_CAUSES, Cause, Connection, aged, judge

__all__ = ["Connection", "Device", "DeviceReading"]
"""A device and its connection are one subject to the rest of the house."""


DIGEST = "digest "
"""How a mark begins that is made of something too personal to be kept."""


@dataclass(frozen=True, slots=True)
class DeviceReading:
    """What a provider says of one device now. Every field but the id and the type may be missing.

    `connection` is the provider's own word, its flags; what it amounts to is judged on the device.
    `deleted`: the provider still names it, and only to say that it is no longer there. It links and renews nothing.
    `unread`: the provider holds it, and how it is could not be read: it stays as it was.
    `mark` stays with the very device, whatever id it is given: its serial number, or a digest of what is too personal.
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
    unread: bool = False
    mark: str | None = None

    @property
    def is_healthy(self) -> bool:
        """Whether the provider was heard, and does not say that the customer has to reconnect it."""
        return not self.unread and self.connection is not Connection.NEEDS_REAUTHENTICATION


class RemovedBecause(StrEnum):
    """Why a device is off the list though its customer did not remove it: they are told until they put that away.

    LINKED_ELSEWHERE was never on it: its provider holds it for the customer, who linked it somewhere else.
    """

    REMOVED_THERE = "removed_there"
    REPLACED = "replaced"
    LINKED_ELSEWHERE = "linked_elsewhere"


@dataclass(frozen=True, slots=True)
class Device:
    """A device that a customer linked.

    `id` is ours and opaque; the provider's own id may change when the device is linked again.

    `read_at` is when the provider was last asked, or told us. `observed_at` is the time of the newest evidence that
    was applied, so that late evidence never overwrites newer. `changed_at` is since when the connection has been as it
    is, for this cause. `removal_asked_at` is set while it is being removed, `removal_failed_at` when that did not work;
    both where the provider's answer was lost, so that nobody knows and it is tried again. `consent_id` names the
    permission that it is connected on. `must_go`: that was taken back, so it leaves whatever its provider answers.
    `removed_because` is None for what its customer removed; `put_away_at` is when they had read of any other end.
    `mark` is as in a reading. `vendor_code` is the provider's word for the vendor that it was linked with, and is
    reconnected with. `is_asked_about`: the customer has not said yet whether it is one that they had before.
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
    cause: Cause = Cause.NO_WORD
    changed_at: datetime | None = None
    removal_asked_at: datetime | None = None
    removal_failed_at: datetime | None = None
    consent_id: str | None = None
    must_go: bool = False
    removed_because: RemovedBecause | None = None
    put_away_at: datetime | None = None
    mark: str | None = None
    vendor_code: str | None = None
    is_asked_about: bool = False

    def __post_init__(self) -> None:
        """A connection never stands beside the cause of another: given alone, it brings its usual one."""
        if self.cause.connection is not self.connection:
            object.__setattr__(self, "cause", USUAL_CAUSES[self.connection])

    @property
    def made(self) -> str:
        """Maker and model, as far as they are known; some makers' models begin with the maker's name already."""
        model = self.model or ""
        is_named = model.casefold().startswith(self.vendor_name.casefold())
        return model if is_named else f"{self.vendor_name} {model}".strip()

    @property
    def has_serial(self) -> bool:
        """Whether its mark is a serial number, which people can read, and no digest."""
        return self.mark is not None and not self.mark.startswith(DIGEST)

    def may_be_doubled_by(self, other: "Device") -> bool:
        """Whether another, which works, is of the same kind, so that this may be the same one as it was before."""
        kind = (self.provider_key, self.device_type, self.vendor_key, self.model)
        is_alike = (other.provider_key, other.device_type, other.vendor_key, other.model) == kind
        return is_alike and other.id != self.id and other.connection in {Connection.WORKING, Connection.WAITING}

    @property
    def may_be_gone(self) -> bool:
        """Whether it was to be removed, and its provider has not said what became of that."""
        return self.removal_asked_at is not None and self.removal_failed_at is not None

    @property
    def needs_customer(self) -> bool:
        return self.connection is Connection.NEEDS_REAUTHENTICATION and self.removal_asked_at is None

    @property
    def is_removal_news(self) -> bool:
        """Whether it left the list without its customer's doing, and they have not put that away yet."""
        return self.removed_at is not None and self.removed_because is not None and self.put_away_at is None

    def is_active_as(self, reading: DeviceReading) -> bool:
        """Whether this device is on its customer's list under the reading's id."""
        return self.removed_at is None and self.provider_device_id == reading.provider_device_id

    def as_reading(self) -> DeviceReading:
        """What is known of it, as its provider would tell."""
        return DeviceReading(
            provider_device_id=self.provider_device_id,
            device_type=self.device_type,
            connection=self.connection,
            vendor_name=self.vendor_name or None,
            model=self.model,
            nickname=self.nickname,
            mark=self.mark,
        )

    def with_reading(self, reading: DeviceReading, *, now: datetime, settling: bool = False) -> "Device":
        """This device as the provider describes it now; what the provider leaves out is kept.

        While a renewal is `settling`, a provider that has not noticed yet is not believed: its own pages say that its
        state lags by minutes.
        """
        device = self if self.removed_at is None else self._linked_anew(now=now)
        if reading.unread:
            # Not even asked: a signal that could not be read is no verdict.
            return replace(device, provider_device_id=reading.provider_device_id, model=reading.model or self.model)
        if reading.last_contact_at is not None and reading.last_contact_at > now:
            # A clock that is ahead there says nothing of when the device was heard of.
            reading = replace(reading, last_contact_at=None)
        cause = judge(
            reading.connection,
            device_type=self.device_type,
            heard_at=reading.last_contact_at,
            awaited_since=device.data_awaited_since(now),
            now=now,
        )
        if settling and cause is Cause.ACCESS_ENDED:
            cause = Cause.RENEWING
        return replace(
            device.judged(cause, now=now),
            provider_device_id=reading.provider_device_id,
            model=reading.model or self.model,
            nickname=reading.nickname or self.nickname,
            mark=reading.mark or self.mark,
            last_contact_at=reading.last_contact_at or self.last_contact_at,
            read_at=now,
            observed_at=now,
        )

    def consented(self, consent_id: str | None) -> "Device":
        """This device on a permission that was given now: nothing of one that was taken back is left."""
        device = replace(self, consent_id=consent_id)
        return replace(device, must_go=False, removal_asked_at=None, removal_failed_at=None) if self.must_go else device

    def continued_as(self, linked: "Device") -> "Device":
        """This device, of which the customer linked the same once more: as it was linked, in its old place."""
        told = {
            name: getattr(linked, name)
            for name in ("provider_device_id", "connection", "cause", "changed_at", "read_at", "observed_at")
        }
        return replace(
            self,
            **told,
            consent_id=linked.consent_id,
            model=linked.model or self.model,
            nickname=linked.nickname or self.nickname,
            mark=linked.mark or self.mark,
            vendor_code=linked.vendor_code or self.vendor_code,
            last_contact_at=linked.last_contact_at or self.last_contact_at,
            is_asked_about=False,
        )

    def replaced(self, *, now: datetime) -> "Device":
        """This device when another took its place: off the list, and its customer is told."""
        gone = replace(self, removed_at=now, observed_at=now, is_asked_about=False, put_away_at=None)
        gone = replace(gone, removed_because=RemovedBecause.REPLACED)
        return replace(gone, removal_asked_at=None, removal_failed_at=None)

    def missing(self, *, now: datetime) -> "Device":
        """This device when its provider, asked for all it holds, does not name it: no alarm, but nothing is known.

        One whose access had ended goes on needing its customer: reconnecting is what brings it back.
        """
        device = self if self.cause is Cause.ACCESS_ENDED else self.judged(Cause.NOT_NAMED, now=now)
        return replace(device, read_at=now, observed_at=now)

    def gone_there(self, *, now: datetime) -> "Device":
        """This device when its provider says that it was deleted: off the list, and its customer is told."""
        told = RemovedBecause.REMOVED_THERE if self.removal_asked_at is None else None
        gone = replace(self, removed_at=now, read_at=now, observed_at=now, removed_because=told, put_away_at=None)
        return replace(gone, removal_asked_at=None, removal_failed_at=None)

    def as_of(self, now: datetime, *, reads_devices: bool) -> "Device":
        """This device as judged now, though nothing new was heard. Where only events tell, silence means nothing."""
        if not reads_devices:
            return self
        since = self.changed_at or self.linked_at
        return self.judged(aged(self.cause, changed_at=since, read_at=self.read_at, now=now), now=now)

    def judged(self, cause: Cause, *, now: datetime) -> "Device":
        """This device with that judgement on it, in force since now unless it was before."""
        if cause is self.cause:
            return self
        return replace(self, connection=cause.connection, cause=cause, changed_at=now)

    def _linked_anew(self, *, now: datetime) -> "Device":
        """This device as new: nothing of its removal is left."""
        back = replace(self, linked_at=now, removed_at=None, removal_asked_at=None, removal_failed_at=None)
        back = replace(back, removed_because=None, put_away_at=None)
        return replace(back, connection=Connection.WAITING, cause=Cause.FIRST_DATA, changed_at=now)

    def data_awaited_since(self, now: datetime) -> datetime | None:
        """When its data was to begin or to begin again; None where it has."""
        if self.cause in {Cause.ACCESS_ENDED, Cause.RENEWING}:
            return now
        return self.changed_at if self.cause is Cause.FIRST_DATA else None
