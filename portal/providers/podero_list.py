"""Podero's lists of devices, with the details of those rows of which nothing else says how they are."""

import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from portal.domain.catalogue import DeviceType
from portal.domain.device import DeviceReading
from portal.domain.people import ProviderAccount
from portal.providers.answers import Answer, members, uuid
from portal.providers.http import SPREAD, Gateway
from portal.providers.podero_api import PoderoApi, user_of
from portal.providers.podero_rows import is_unclear, reading_of
from portal.providers.protocol import ProviderError, UnexpectedAnswer

log = structlog.get_logger(__name__)

Row = Mapping[str, object]


class PoderoList:
    """Reads what one organisation's users have linked."""

    def __init__(self, api: PoderoApi, gateway: Gateway, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._gateway = gateway
        self._clock = clock

    def of_type(self, account: ProviderAccount, device_type: DeviceType) -> tuple[DeviceReading, ...]:
        """Every device of this type, deleted ones marked so. Raises ProviderError."""
        rows = self._rows(account, device_type)
        details = self._details(account, device_type, rows)
        readings = (reading_of({**row, **details.get(uuid(row.get("id")) or "", {})}, device_type) for row in rows)
        return tuple(reading for reading in readings if reading is not None)

    def _rows(self, account: ProviderAccount, device_type: DeviceType) -> Sequence[Row]:
        user = user_of(account)
        place = self._api.list_of(account, device_type)
        query = {"include_deleted": "true"}
        answer = self._api.call("list devices", "GET", place, query=query, about=account.pseudonym)
        if answer.status == 404:
            # Of a user who is there it tells nothing: neither that there are devices nor that there are none.
            self._api.require_user(account)
        listed = self._gateway.settled("list devices", answer).body
        if not isinstance(listed, list):
            raise UnexpectedAnswer("podero list devices: not a list")
        return [row for row in map(members, listed) if members(row.get("owner")).get("id") in (None, user)]

    def _details(self, account: ProviderAccount, device_type: DeviceType, rows: Sequence[Row]) -> Mapping[str, Row]:
        """What the details of unclear rows say, by id: of as many as there is time for within one call's deadline."""
        wanted = sorted({device_id for row in rows if is_unclear(row) and (device_id := uuid(row.get("id")))})
        # At each reading in another order, so that none is always the one for which no time is left.
        SPREAD.shuffle(wanted)
        until = self._clock() + self._gateway.deadline
        details: dict[str, Row] = {}
        for device_id in wanted:
            if self._clock() >= until:
                log.warning("details_left_out", provider="podero", left=len(wanted) - len(details))
                break
            details[device_id] = self._detail(account, device_type, device_id)
        return details

    def _detail(self, account: ProviderAccount, device_type: DeviceType, device_id: str) -> Row:
        """The device's own row; an empty one where it cannot be read now."""
        place = self._api.place_of(account, device_type, device_id)
        try:
            answer = self._api.call("read device", "GET", place, about=account.pseudonym)
        except ProviderError as error:
            log.warning("detail_unread", provider="podero", cause=str(error))
            return {}
        return _about(device_id, answer)


def _about(device_id: str, answer: Answer) -> Row:
    """The row of an answer about this device; an empty one for a failure, and for another device's."""
    row = members(answer.body) if answer.is_success else {}
    return row if uuid(row.get("id")) in (None, device_id) else {}
