"""Hints and readings as JSON. Fields are matched by name, so that rows of an older or newer portal stay readable."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, DeviceReading
from portal.domain.link_session import ArrivalHints


def hints_to_json(hints: ArrivalHints) -> dict[str, Any]:
    return asdict(hints) | {"connected_at": _to_text(hints.connected_at)}


def hints_from_json(stored: Mapping[str, Any]) -> ArrivalHints:
    known = _known(stored, ArrivalHints)
    known["device_ids"] = tuple(known.get("device_ids", ()))
    known["connected_at"] = _to_moment(known.get("connected_at"))
    return ArrivalHints(**known)


def reading_to_json(reading: DeviceReading) -> dict[str, Any]:
    return asdict(reading) | {"last_contact_at": _to_text(reading.last_contact_at)}


def reading_from_json(stored: Mapping[str, Any]) -> DeviceReading:
    known = _known(stored, DeviceReading)
    known["device_type"] = DeviceType(known["device_type"])
    known["connection"] = Connection(known.get("connection", Connection.UNKNOWN))
    known["last_contact_at"] = _to_moment(known.get("last_contact_at"))
    return DeviceReading(**known)


def _known(stored: Mapping[str, Any], kind: type[ArrivalHints | DeviceReading]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in stored.items() if name in names}


def _to_text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _to_moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
