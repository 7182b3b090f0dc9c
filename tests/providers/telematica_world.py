"""A customer of Telematica in the sandbox; what is linked is known from its events alone."""

import time
from typing import Any

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, DeviceReading
from portal.domain.link_session import ArrivalHints
from portal.domain.provider_event import ProviderEvent
from portal.providers.http import Gateway
from portal.providers.protocol import (
    Departure,
)
from portal.providers.telematica import Telematica, TelematicaConfig
from tests.providers.contract import World, gateway


class TelematicaWorld(World):
    key = "telematica"
    device_type = DeviceType.CHARGER
    vendor = "EASEE"
    vendor_code = "EASEE"

    def made(self, *, base: str | None = None, door: Gateway | None = None, **changes: Any) -> Telematica:
        sandbox = self.sandbox.config
        config = {
            "api_url": base or f"{sandbox.url}/telematica",
            "api_token": sandbox.telematica_api_token,
            "session_path": "/v1/auth-sessions",
            "revoke_path": "/v1/devices/{device_id}/revoke",
            "webhook_secrets": (sandbox.telematica_webhook_secret,),
            "connect_hosts": (sandbox.host,),
        }
        return Telematica(TelematicaConfig(**{**config, **changes}), door or gateway())

    def opened(self, url: object) -> dict[str, object]:
        return {"url": url}

    @property
    def connect_url(self) -> str:
        return f"{self.sandbox.url}/telematica/connect?session=x"

    def walk(self, departure: Departure, login: str | None = None) -> ArrivalHints:
        told = len(self.portal.received)
        hints = super().walk(departure, login)
        self.wait_for_events(told + 1)
        return hints

    def break_device(self, device_id: str) -> None:
        told = len(self.portal.received)
        super().break_device(device_id)
        self.wait_for_events(told + 1)

    def wait_for_events(self, count: int) -> None:
        until = time.monotonic() + 30
        while len(self.portal.received) < count:
            assert time.monotonic() < until, "no event came"
            time.sleep(0.01)

    def events(self) -> list[ProviderEvent]:
        return [
            self.provider.read_event(request.headers, request.body, now=self.now) for request in self.portal.received
        ]

    def readings(self) -> tuple[DeviceReading, ...]:
        """What its events say so far of this customer."""
        assert self.provider.list_devices(self.account, frozenset(DeviceType)) == ()
        known: dict[str, DeviceReading] = {}
        removed = {device.id for device in self.sandbox.state.devices if device.removed_at is not None}
        for event in self.events():
            if event.pseudonym != self.account.pseudonym:
                continue
            known |= {reading.provider_device_id: reading for reading in event.readings}
            for device_id in event.device_ids:
                lapsed = Connection.NEEDS_REAUTHENTICATION
                known[device_id] = DeviceReading(device_id, known[device_id].device_type, lapsed)
        return tuple(reading for reading in known.values() if reading.provider_device_id not in removed)


def fresh(running_sandbox: Any) -> TelematicaWorld:
    """The world of a sandbox as just started."""
    sandbox, portal = running_sandbox
    sandbox.state.reset()
    portal.received.clear()
    return TelematicaWorld(sandbox, portal)
