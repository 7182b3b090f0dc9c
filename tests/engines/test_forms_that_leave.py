"""Every button works in every browser: what leaves the portal arrives, however many origins are on the way."""

import time

import pytest
from sqlalchemy import select

from portal.storage import tables
from tests.engines.customer import Customer
from tests.engines.window import until
from tests.support.live import Installation

pytestmark = pytest.mark.browser

STORIES = {
    "podero": ("heat-pump", "nibe", "demomyuplink@nibe.se", "nibe"),
    "nox": ("heat-pump", "daikin", "anna@example.com", None),
    "telematica": ("charger", "easee", "anna@example.com", None),
}


@pytest.mark.parametrize("provider", STORIES)
def test_a_device_is_connected_and_reconnected(anna: Customer, provider: str) -> None:
    device_type, vendor, account, vendor_there = STORIES[provider]
    anna.leave_for(provider, device_type, vendor)
    anna.sign_in_there(account, vendor_there)
    anna.sees('[data-state="linked"]')

    anna.break_device(provider)
    time.sleep(anna.live.portal.ports.policy.fresh_for.total_seconds())
    anna.open("/devices")
    anna.sees('form[action$="/reauthenticate"] button')
    anna.window.click('form[action$="/reauthenticate"] button')
    anna.is_at_sandbox(f"/{provider}/")
    anna.sign_in_there(account)
    if provider == "nox":
        # It gives the device a new id and nothing to know it by, so that is asked.
        anna.sees('form[action$="/same"] button')
        anna.window.click('form[action$="/same"] button')
    anna.sees('[data-state="linked"]')


def test_a_page_that_waits_shows_the_device_as_soon_as_the_provider_does(anna: Customer) -> None:
    device_type, vendor, account, _ = STORIES["nox"]
    anna.live.sandbox.state.set_faults("nox", {"lag": 3600})
    anna.leave_for("nox", device_type, vendor)
    anna.sign_in_there(account)
    anna.sees('[data-state="waiting"]')
    for device in anna.live.sandbox.state.devices:
        device.listed_from = 0
    anna.sees('[data-state="linked"]')
    anna.open("/devices")
    anna.sees(".state--working")


@pytest.mark.parametrize("page", ["/privacy/data", "/privacy/delete"])
def test_who_is_asked_to_sign_in_once_more_comes_back_to_the_page(anna: Customer, page: str) -> None:
    anna.open(page)
    anna.window.click('form[action="/sign-in/again"] button')
    anna.is_at_sandbox("/oidc/authorize")
    anna.enter_password()
    anna.is_at(page)
    assert not anna.window.has('form[action="/sign-in/again"]')


def test_a_form_that_is_sent_after_the_session_ended_goes_on_to_sign_in(anna: Customer, running: Installation) -> None:
    anna.open("/connect/heat-pump/nibe")
    with running.database.write() as tx:
        tx.connection.execute(tables.login_sessions.delete())
    anna.window.click("#consent")
    anna.window.click("main .actions .button--primary")
    until(lambda: is_signed_in(running), anna.window.text)  # the issuer still knows her, and leads straight back
    anna.is_at("/connect/heat-pump/nibe")
    anna.sees("#consent")


def is_signed_in(live: Installation) -> bool:
    with live.database.read() as tx:
        return tx.connection.execute(select(tables.login_sessions.c.customer_id)).first() is not None


def test_signing_out_ends_the_issuers_session_too_and_leads_back(anna: Customer) -> None:
    anna.window.click('form[action="/sign-out"] button')
    anna.is_at("/")
    anna.open("/sign-in?to=devices")
    anna.is_at_sandbox("/oidc/authorize")
    assert anna.window.has("#password"), "the issuer asks who is there"
