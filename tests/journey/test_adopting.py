"""Whose user it is at Podero: an address may be shared, a user have been there before, a name be burnt."""

from __future__ import annotations

import pytest
import requests

from portal.domain.deletion import Progress
from portal.domain.device import Connection
from portal.domain.people import Customer, Identity
from portal.sandbox.state import ProviderUser
from portal.storage import customers, provider_accounts
from tests.journey.conftest import MakePorts
from tests.journey.forgetting import a_minute_passes, deletes, stands
from tests.journey.surroundings import NIBE, on_both_databases
from tests.journey.world import World

OWNER = "11111111-2222-4333-8444-555555555555"
ADDRESS = "both@example.com"


@pytest.fixture
def by_address(world: World, make_ports: MakePorts) -> World:
    made = make_ports(world.ports.database, world.clock, PORTAL_PODERO__SEND_CUSTOMER_EMAIL="true")
    return world.with_ports(made)


def sharing(world: World, name: str) -> Customer:
    identity = Identity(world.sandbox.config.issuer, name, email=ADDRESS)
    with world.ports.database.write() as tx:
        return customers.signed_in(tx, identity, now=world.clock.now)


@on_both_databases
@pytest.mark.parametrize("was_there", [False, True])
def test_two_customers_who_share_an_address_can_both_connect(by_address: World, was_there: bool) -> None:
    if was_there:
        by_address.sandbox.state.users.append(ProviderUser(OWNER, "podero", None, ADDRESS))
    for name in ("anna", "bo"):
        assert by_address.links(sharing(by_address, name), NIBE).connection is Connection.WORKING


def test_the_user_of_an_owner_outlives_the_account_that_adopted_it(by_address: World) -> None:
    by_address.sandbox.state.users.append(ProviderUser(OWNER, "podero", None, ADDRESS))
    anna = sharing(by_address, "anna")
    by_address.links(anna, NIBE)
    with by_address.ports.database.read() as tx:
        account = provider_accounts.of(tx, anna.id, "podero")
    assert account is not None
    assert (account.provider_user_id, account.adopted) == (OWNER, True)
    receipt = deletes(by_address, anna)
    for _ in range(4):
        a_minute_passes(by_address)
    assert [user.id for user in by_address.sandbox.state.users] == [OWNER]
    assert stands(by_address, receipt)["podero"] is Progress.NOT_OFFERED


@on_both_databases
def test_a_customer_whose_name_is_burnt_there_connects_under_another(world: World, anna: Customer) -> None:
    world.plays("podero", deleted_user_ids="taken")
    world.links(anna, NIBE)
    with world.ports.database.read() as tx:
        before = provider_accounts.of(tx, anna.id, "podero")
    assert before is not None
    gone = f"{world.sandbox.url}/control/users/podero/{before.pseudonym}/delete"
    assert requests.post(gone, json={}, timeout=20).status_code == 200
    world.clock.forward(minutes=1)
    assert world.links(anna, NIBE).connection is Connection.WORKING
    with world.ports.database.read() as tx:
        after = provider_accounts.of(tx, anna.id, "podero")
    assert after is not None
    assert after.pseudonym != before.pseudonym
