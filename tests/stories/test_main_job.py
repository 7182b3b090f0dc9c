"""The main job, step by step, without JavaScript: link a device, see it break, reconnect it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from portal.domain.link_session import State
from tests.support.live import Installation
from tests.support.person import Person

Make = Callable[..., Person]


@dataclass(frozen=True)
class Story:
    """Who serves what in which language; `asked_there` is the vendor to choose once more in the Connect UI."""

    provider: str
    language: str
    device_type: str
    vendor: str
    account: str = "anna@example.com"
    asked_there: str | None = None


STORIES = (
    Story("podero", "sv", "heat-pump", "nibe", "demomyuplink@nibe.se", "nibe"),
    Story("podero", "hu", "vehicle", "tesla", "demo-tesla@getfreeheat.com", "tesla"),
    Story("podero", "ro", "inverter", "other", asked_there="huawei"),
    Story("nox", "nl", "heat-pump", "daikin"),
    Story("nox", "fr", "inverter", "sma"),
    Story("nox", "es", "heat-pump", "nibe", "demomyuplink@nibe.se"),
    Story("telematica", "de", "charger", "easee"),
    Story("telematica", "pl", "hvac", "sensibo"),
    Story("telematica", "et", "battery", "enphase"),
    Story("telematica", "it", "inverter", "invt"),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.provider}-{story.vendor}-{story.language}")
def test_a_customer_links_a_device_and_reconnects_it(live: Installation, person: Make, story: Story) -> None:
    walk(live, person, story)


def walk(live: Installation, person: Make, story: Story) -> None:
    """From the sign-in to a device that broke and works again."""
    breaks_and_works_again(links(live, person, story), live, story)


def links(live: Installation, person: Make, story: Story) -> Person:
    """From the sign-in to a device that is linked."""
    anna = person(story.language)
    assert anna.sign_in("anna").path == "/devices"
    anna.submit(anna.look("/devices").form("/language"), language=story.language)

    there = anna.leave_for(story.device_type, story.vendor)
    assert f"/{story.provider}/" in there.path, there.text
    back = anna.sign_in_at_vendor(there, story.account, vendor=story.asked_there)
    assert back.path.startswith("/link-sessions/"), back.text
    linked = anna.sees(back.path, lambda page: live.state_of(page.path) is State.LINKED)
    assert linked.language == story.language
    assert not linked.offers("/reauthenticate")
    return anna


def breaks_and_works_again(anna: Person, live: Installation, story: Story) -> None:
    device = live.sandbox.state.devices[0]
    break_device(anna, live, story.provider, device.id)
    lapsed = anna.sees("/devices", lambda page: page.offers("/reauthenticate"), within=45)
    assert lapsed.language == story.language

    there = anna.reconnect()
    assert f"/{story.provider}/" in there.path, there.text
    back = anna.sign_in_at_vendor(there, story.account)
    if story.provider == "nox":
        # It names no device by which it could be known under its new id: the customer says that it is the same one.
        anna.submit(anna.sees(back.path, lambda page: page.offers("/same")).form("/same"))
    anna.sees(back.path, lambda page: live.state_of(page.path) is State.LINKED)
    healed = anna.look("/devices")
    assert not healed.offers("/reauthenticate")
    assert len(live.devices()) == 1


def break_device(anna: Person, live: Installation, provider: str, device_id: str) -> None:
    answer = anna.post(f"{live.sandbox.url}/control/devices/{provider}/{device_id}/break", json={}, timeout=10)
    assert answer.status_code == 200, answer.text
