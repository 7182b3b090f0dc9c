"""How well the access to a device is: the provider's flags, weighed against the age of its newest data."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from portal.domain.catalogue import DeviceType
from portal.domain.pace import SELDOMEST


class Connection(StrEnum):
    """The health of the access to a device, as the customer is told it."""

    WORKING = "working"
    NEEDS_REAUTHENTICATION = "needs_reauthentication"
    WAITING = "waiting"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why a connection is what it is. Each cause belongs to one connection."""

    ACCESS_ENDED = "access_ended"
    """The provider lost its access to the vendor account: only the customer can mend that."""

    RENEWING = "renewing"
    """The customer is just back from reconnecting, and the provider has not noticed yet."""

    FIRST_DATA = "first_data"
    """Linked or reconnected a moment ago, and nothing has been heard since."""

    DATA_FLOWS = "data_flows"
    """The access works, and nothing that is known says that data has stopped."""

    DATA_STOPPED = "data_stopped"
    """The provider's flags are fine, and its newest data is too old."""

    OFFLINE = "offline"
    """The provider itself says that the device cannot be reached."""

    NOT_NAMED = "not_named"
    """The provider was asked for all it holds and did not name the device."""

    NOT_ASKED = "not_asked"
    """Nobody has been able to ask the provider for long."""

    NO_WORD = "no_word"
    """The provider names the device and says nothing of its health."""

    @property
    def connection(self) -> Connection:
        return CONNECTIONS[self]


CONNECTIONS: Mapping[Cause, Connection] = {
    Cause.ACCESS_ENDED: Connection.NEEDS_REAUTHENTICATION,
    Cause.RENEWING: Connection.WAITING,
    Cause.FIRST_DATA: Connection.WAITING,
    Cause.DATA_FLOWS: Connection.WORKING,
    Cause.DATA_STOPPED: Connection.UNREACHABLE,
    Cause.OFFLINE: Connection.UNREACHABLE,
    Cause.NOT_NAMED: Connection.UNKNOWN,
    Cause.NOT_ASKED: Connection.UNKNOWN,
    Cause.NO_WORD: Connection.UNKNOWN,
}

USUAL_CAUSES: Mapping[Connection, Cause] = {
    Connection.WORKING: Cause.DATA_FLOWS,
    Connection.NEEDS_REAUTHENTICATION: Cause.ACCESS_ENDED,
    Connection.WAITING: Cause.FIRST_DATA,
    Connection.UNREACHABLE: Cause.OFFLINE,
    Connection.UNKNOWN: Cause.NO_WORD,
}
"""What a connection means where nothing more is known of it."""

FIRST_DATA_WITHIN = timedelta(hours=1)
"""Providers say that their state lags by up to a quarter of an hour; some makers' clouds are asked but once an hour."""

ASKED_WITHIN = timedelta(hours=6) + SELDOMEST
"""Devices are read once a day at least, so this is a day and some tries that did not work."""

A_DAY = timedelta(days=1)

FRESH_FOR: Mapping[DeviceType, timedelta] = {
    DeviceType.HEAT_PUMP: A_DAY,
    DeviceType.BATTERY: A_DAY,
    DeviceType.HVAC: A_DAY,
    DeviceType.CHARGER: 3 * A_DAY,
    DeviceType.INVERTER: 3 * A_DAY,
}
"""How old the newest data of a device may be. An inverter sleeps at night, and under snow or in deep winter for days; a
charging station that nobody uses has little to say. A car is not among them: parked, it sleeps for as long as it likes.
"""


def judge(
    flags: Connection,
    *,
    device_type: DeviceType,
    heard_at: datetime | None,
    awaited_since: datetime | None,
    now: datetime,
) -> Cause:
    """The cause that the provider's word of now amounts to.

    `heard_at` is the time of its newest data, None where it does not tell: then the flags count alone. `awaited_since`
    is when the device was linked or reconnected, where no data has come after that: the first may take its time.
    """
    if flags is Connection.NEEDS_REAUTHENTICATION:
        return Cause.ACCESS_ENDED
    if flags is Connection.UNREACHABLE:
        return Cause.OFFLINE
    may_take_time = awaited_since is not None and now - awaited_since <= FIRST_DATA_WITHIN
    if flags is Connection.WAITING:
        return Cause.FIRST_DATA if may_take_time else Cause.OFFLINE
    age = None if heard_at is None else now - heard_at
    if flags is Connection.WORKING:
        is_well = age is None or device_type not in FRESH_FOR or age <= FRESH_FOR[device_type]
    else:
        is_well = age is not None and age <= FRESH_FOR.get(device_type, A_DAY)
    if is_well:
        return Cause.DATA_FLOWS
    if may_take_time:
        return Cause.FIRST_DATA
    return Cause.DATA_STOPPED if flags is Connection.WORKING else Cause.NO_WORD


def aged(cause: Cause, *, changed_at: datetime, read_at: datetime, now: datetime) -> Cause:
    """What is left of a judgement that no newer word has confirmed, of a provider that can be asked.

    Time alone says nothing about the device: its data is not called old because nobody asked for newer.
    """
    if cause.connection is Connection.NEEDS_REAUTHENTICATION or cause is Cause.RENEWING:
        return cause
    if now - read_at > ASKED_WITHIN:
        return Cause.NOT_ASKED
    if cause is Cause.FIRST_DATA and now - changed_at > FIRST_DATA_WITHIN:
        return Cause.NO_WORD
    return cause
