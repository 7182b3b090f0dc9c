"""Two attempts at once: each return finds its own, and none brings what was not meant."""

from collections.abc import Callable

import pytest

from portal.domain.link_session import State
from tests.support.live import Installation
from tests.support.person import Form, Person

Make = Callable[..., Person]


@pytest.mark.parametrize("order", [1, -1], ids=["older first", "newer first"])
@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (("heat-pump", "nibe", "demomyuplink@nibe.se"), ("inverter", "sma", "anna@example.com")),
        (("charger", "easee", "anna@example.com"), ("hvac", "sensibo", "anna@example.com")),
        (("charger", "easee", "anna@example.com"), ("charger", "zaptec", "anna@example.com")),
    ],
    ids=["nox", "telematica", "telematica-same-type"],
)
def test_two_tabs_link_two_devices_in_whatever_order_they_come_back(
    live: Installation,
    person: Make,
    older: tuple[str, str, str],
    newer: tuple[str, str, str],
    order: int,
) -> None:
    anna = person()
    anna.sign_in("anna")
    anna.look("/devices?lang=nl")
    tabs = [(choice, anna.leave_for(choice[0], choice[1])) for choice in (older, newer)]
    for (_, _, account), there in tabs[::order]:
        back = anna.sign_in_at_vendor(there, account)
        anna.sees(back.path, lambda page: live.state_of(page.path) is State.LINKED)
    assert len(live.devices()) == 2


@pytest.mark.parametrize("waits", [True, False], ids=["one after the other", "both at once"])
@pytest.mark.parametrize("order", [1, -1], ids=["older first", "newer first"])
def test_two_chargers_are_linked_though_every_return_comes_before_the_word_on_its_device(
    live: Installation, person: Make, order: int, waits: bool
) -> None:
    live.sandbox.state.set_faults("telematica", {"lag": 0.5})
    anna = person()
    anna.sign_in("anna")
    there = [anna.leave_for("charger", vendor) for vendor in ("easee", "zaptec")]
    for connect_ui in there[::order]:
        back = anna.sign_in_at_vendor(connect_ui, "anna@example.com")
        assert live.state_of(back.path) is not State.LINKED
        if waits:
            anna.sees(back.path, lambda page: live.state_of(page.path) is State.LINKED)
    anna.sees("/devices", lambda _: len(live.devices()) == 2)
    assert {device.vendor_name for device in live.devices()} == {"Easee", "Zaptec"}


def test_a_mailed_link_brings_its_sender_nothing_though_their_own_return_does_not_say_what_it_brought(
    live: Installation, person: Make
) -> None:
    mallory, victim = person(), person()
    mallory.sign_in("anna")
    mailed = mallory.leave_for("heat-pump", "nibe")
    own = mallory.leave_for("heat-pump", "other")

    victim.post(mailed.url, data={"vendor": "nibe"}, timeout=10)
    victim.post(
        mailed.url,
        data={"username": "demomyuplink@nibe.se", "password": "Demo1234", "action": "sign-in"},
        allow_redirects=False,
        timeout=10,
    )
    assert len(live.sandbox.state.devices) == 1

    mallory.submit(Form(own.url, "post"), vendor="daikin")
    answer = mallory.post(
        own.url,
        data={"username": "mallory@example.com", "password": "Demo1234", "action": "sign-in"},
        allow_redirects=False,
        timeout=10,
    )
    page = mallory.look(answer.headers["Location"].partition("?")[0])
    mallory.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)
    mallory.look(answer.headers["Location"])
    assert [device.vendor_key for device in live.devices()] == ["daikin"]
