"""The card of an attempt that is not finished, among the devices: in the words of the attempt's own page."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import url_for

from portal.domain.catalogue import OTHER_VENDOR, DeviceType
from portal.domain.device import Device
from portal.domain.link_session import LinkSession
from portal.domain.unfinished import BACK, UNDER_WAY
from portal.journey.outcome import view_of
from portal.web.labels import ONE_OF_TYPE
from portal.web.outcomes_in_app import words_of
from portal.web.wiring import portal


@dataclass(frozen=True, slots=True)
class AttemptCard:
    """One attempt in words. `is_back`: its customer is back, and only the provider is waited for."""

    id: str
    device_type: DeviceType
    name: str
    type_name: str | None
    title: str
    text: str | None
    href: str
    is_back: bool


def unfinished_cards(attempts: Iterable[LinkSession]) -> tuple[AttemptCard, ...]:
    """The cards of these attempts."""
    return tuple(_card(attempt) for attempt in attempts)


def choice_url(device_type: DeviceType, vendor_key: str) -> str:
    """Where a choice is made once more: the page before leaving, or all types where it is not offered any more."""
    if portal().ports.catalogue.is_offered(device_type, vendor_key):
        return url_for("connect.before_leaving", device_type=device_type, vendor_key=vendor_key)
    return url_for("connect.device_types")


def connect_again_url(device: Device) -> str:
    """Where a device that left the list is connected again."""
    return choice_url(device.device_type, device.vendor_key)


def _card(attempt: LinkSession) -> AttemptCard:
    view = view_of(ports=portal().ports, attempt=attempt, linked=(), now=portal().clock())
    words, type_name = words_of(view), str(ONE_OF_TYPE[attempt.device_type])
    is_named = attempt.vendor_key != OTHER_VENDOR
    page = url_for("link_sessions.attempt", link_session_id=attempt.id)
    return AttemptCard(
        id=attempt.id,
        device_type=attempt.device_type,
        name=view.vendor.name if is_named else type_name,
        type_name=type_name if is_named else None,
        title=words.title,
        # What is said of a link that is ready belongs to the page that goes on with it.
        text=None if view.may_go_on else words.text,
        href=page if attempt.state in UNDER_WAY else choice_url(attempt.device_type, attempt.vendor_key),
        is_back=attempt.state in BACK,
    )
