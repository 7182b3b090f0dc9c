"""A customer has their account deleted: how far that has come, and what is left of them."""

from __future__ import annotations

import json

from sqlalchemy import select

from portal.domain.deletion import Progress
from portal.domain.people import Customer
from portal.journey import deletion
from portal.journey.reconcile import reconcile
from portal.storage import tables
from tests.journey.world import World


def deletes(world: World, customer: Customer) -> str:
    """Has the account deleted, and waits for what that sets going."""
    receipt = deletion.ask(ports=world.ports, customer=customer, now=world.clock.now)
    world.settles()
    return receipt


def stands(world: World, receipt: str) -> dict[str, Progress]:
    found = deletion.look(ports=world.ports, receipt=receipt)
    assert found is not None
    return {step.system: step.progress for step, _ in found.steps}


def a_minute_passes(world: World, **later: float) -> None:
    """Until the reconciler comes by."""
    world.clock.forward(**(later or {"seconds": 61}))
    reconcile(ports=world.ports, now=world.clock.now)
    world.settles()


def everything(world: World) -> dict[str, str]:
    """All that each table holds, as text."""
    with world.ports.database.read() as tx:
        return {
            name: json.dumps([list(map(str, row)) for row in tx.connection.execute(select(table)).all()])
            for name, table in tables.metadata.tables.items()
        }


def left_of(world: World, customer: Customer) -> set[str]:
    """The tables in which there is still a row of the customer."""
    return {name for name, rows in everything(world).items() if customer.id in rows}
