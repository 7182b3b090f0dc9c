"""A device that breaks and heals at its provider, while its customer looks at the pages."""

from __future__ import annotations

import requests

from tests.support.live import Installation
from tests.support.person import Person


def happens_there(running: Installation, what: str) -> None:
    """`break`, `silence` or `repair` of the only heat pump at the provider that is a NIBE S1255."""
    pump = next(device for device in running.sandbox.state.devices if device.physical.model == "S1255")
    address = f"{running.sandbox.url}/control/devices/podero/{pump.id}/{what}"
    requests.post(address, json={}, timeout=10).raise_for_status()


def test_a_device_fares_as_its_provider_says_and_as_its_data_shows(running: Installation) -> None:
    running.forget()
    with Person(running.url) as anna:
        anna.sign_in("anna")
        anna.link("heat-pump", "nibe", "demomyuplink@nibe.se", vendor_there="nibe")
        anna.sees("/devices", lambda page: "Connected" in page.text)
        happens_there(running, "silence")
        stopped = anna.sees("/devices", lambda page: "No data since" in page.text)
        assert "Cannot be reached right now" in stopped.text
        assert not stopped.offers("/reauthenticate")
        happens_there(running, "break")
        anna.sees("/devices", lambda page: page.offers("/reauthenticate"))
        attempt = anna.sign_in_at_vendor(anna.reconnect(), "second@nibe.se")
        assert attempt.heading == "That was a different account"
        happens_there(running, "repair")
        healed = anna.sees("/devices", lambda page: not page.offers("/reauthenticate"))
        assert "reconnecting" not in healed.text
        cleared = anna.look(attempt.path)
        assert cleared.heading == "The device works again"
        assert not cleared.offers("/reauthenticate")
        both = anna.submit(cleared.form("/keep"))
        assert (both.heading, "reconnecting" in both.text) == ("Both devices are kept", False)
