"""A device that breaks and heals at its provider, while its customer looks at the pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import requests

from portal.storage import provider_accounts
from tests.support.live import Installation
from tests.support.person import Person
from tests.web.giving import give
from tests.web.visitor import Visitor


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


def test_a_look_at_devices_waits_for_nobody_who_writes_and_has_them_read_behind_the_page(running: Installation) -> None:
    visitor = Visitor(running.app, running.url).sign_in("looks")
    device = give(running, visitor, read_at=datetime.now(UTC) - timedelta(hours=1))
    with running.database.write() as tx:
        provider_accounts.ensure(tx, device.customer_id, device.provider_key)
        # The page is there while this transaction has the only place to write.
        answer = visitor.client.get("/devices", base_url=visitor.base_url)
        assert answer.status_code == 200
    answer.close()
    with running.database.write() as tx:
        reading = provider_accounts.take_up(tx, device.customer_id, device.provider_key)
    assert reading is not None
    assert reading.looked_at is not None, "the look has set the pace of the readings to come"
