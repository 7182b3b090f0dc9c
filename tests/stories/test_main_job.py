"""The main job, step by step, without JavaScript: link a device, see it break, reconnect it."""

from collections.abc import Callable

import pytest

from portal.domain.link_session import State
from tests.support.live import Installation
from tests.support.person import Person

Make = Callable[..., Person]

STORIES = [
    pytest.param("podero", "sv", "heat-pump", "nibe", "demomyuplink@nibe.se", "nibe", id="podero-nibe-sv"),
    pytest.param("podero", "hu", "vehicle", "tesla", "demo-tesla@getfreeheat.com", "tesla", id="podero-tesla-hu"),
    pytest.param("nox", "nl", "heat-pump", "daikin", "anna@example.com", None, id="nox-daikin-nl"),
    pytest.param("nox", "fr", "inverter", "sma", "anna@example.com", None, id="nox-sma-fr"),
    pytest.param("telematica", "de", "charger", "easee", "anna@example.com", None, id="telematica-easee-de"),
    pytest.param("telematica", "pl", "hvac", "sensibo", "anna@example.com", None, id="telematica-sensibo-pl"),
    pytest.param("telematica", "et", "battery", "enphase", "anna@example.com", None, id="telematica-enphase-et"),
    pytest.param("telematica", "it", "inverter", "invt", "anna@example.com", None, id="telematica-invt-it"),
]


@pytest.mark.parametrize(("provider", "language", "device_type", "vendor", "account", "vendor_there"), STORIES)
def test_a_customer_links_a_device_and_reconnects_it(
    live: Installation,
    person: Make,
    provider: str,
    language: str,
    device_type: str,
    vendor: str,
    account: str,
    vendor_there: str | None,
) -> None:
    anna = person(language)
    assert anna.sign_in("anna").path == "/devices"
    anna.submit(anna.look("/devices").form("/language"), language=language)

    there = anna.leave_for(device_type, vendor)
    assert f"/{provider}/" in there.path, there.text
    back = anna.sign_in_at_vendor(there, account, vendor=vendor_there)
    assert back.path.startswith("/link-sessions/"), back.text
    linked = anna.sees(back.path, lambda page: live.state_of(page.path) is State.LINKED)
    assert linked.language == language
    assert not linked.offers("/reauthenticate")

    device = live.sandbox.state.devices[0]
    break_device(anna, live, provider, device.id)
    lapsed = anna.sees("/devices", lambda page: page.offers("/reauthenticate"), within=45)
    assert lapsed.language == language

    there = anna.reconnect()
    assert f"/{provider}/" in there.path, there.text
    back = anna.sign_in_at_vendor(there, account)
    anna.sees(back.path, lambda page: live.state_of(page.path) is State.LINKED)
    healed = anna.look("/devices")
    assert not healed.offers("/reauthenticate")
    assert len(live.devices()) == 1


def break_device(anna: Person, live: Installation, provider: str, device_id: str) -> None:
    answer = anna.post(f"{live.sandbox.url}/control/devices/{provider}/{device_id}/break", json={}, timeout=10)
    assert answer.status_code == 200, answer.text
