"""Killed at whatever moment while an account is being deleted, the portal comes to the same end: nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from _pytest.mark import ParameterSet
from sqlalchemy import func, select

from portal.storage import tables
from portal.storage.database import Database
from tests.journey.surroundings import EVERYWHERE, Choice
from tests.kills.anna import Anna, Street
from tests.kills.house import Fate, Moment
from tests.kills.stories import links
from tests.kills.test_kills import A_MOMENT, A_WHILE, begin_anew

LONGEST = 10
"""Minutes within which it has come to its end, wherever it was killed."""

STAYS = frozenset({"audit", "access_events", "access_head", "deletions", "deletion_steps", "tombstones"})
MEASURED = frozenset({"provider_calls", "provider_pauses"})
"""How the calls to the providers went: nobody's."""


def cells() -> Iterator[ParameterSet]:
    for choice in EVERYWHERE:
        for backend, away in (("sqlite", A_WHILE), ("postgresql", A_MOMENT)):
            name = f"{choice.provider}-{backend}"
            marks = [pytest.mark.torture]
            marks += [pytest.mark.postgres] * (backend == "postgresql")
            yield pytest.param(choice, backend, away, id=name, marks=marks)


@pytest.mark.parametrize(("choice", "backend", "away"), list(cells()))
def test_a_kill_at_any_moment_of_a_deletion_leaves_nothing_behind(
    street: Street, database: Database, choice: Choice, away: float, record_property: Callable[[str, object], None]
) -> None:
    undisturbed = told(street, database, choice, away, None)
    kills = 0
    for moment in Moment:
        for number in count(1):
            assert told(street, database, choice, away, Fate(moment, number)) == undisturbed, (moment, number)
            if not street.portal.deaths:
                break
            kills += 1
    assert kills
    record_property("kills", kills)


def told(street: Street, database: Database, choice: Choice, away: float, fate: Fate | None) -> tuple[object, ...]:
    """Anna links a device and has her account deleted, with this fate; how it ends."""
    begin_anew(street, database)
    street.away = away
    anna = Anna(street, choice)
    links(anna)
    street.clock.forward(minutes=5)
    street.meets(fate)
    receipt = street.asks("deletes", anna.me)
    for _ in range(LONGEST):
        street.a_minute_passes()
    there = [device.id for device in street.sandbox.state.devices if device.removed_at is None]
    users = [user.provider for user in street.sandbox.state.users]
    street.mailbox.messages.clear()
    return street.asks("tells", receipt), len(there), users, rows(database)


def rows(database: Database) -> tuple[str, ...]:
    """The tables that still hold something; the deletion itself is there once."""
    with database.read() as tx:
        kept = {
            name: tx.connection.scalars(select(func.count()).select_from(table)).one()
            for name, table in tables.metadata.tables.items()
        }
    assert kept["deletions"] == 1
    left = {name for name, number in kept.items() if number} - MEASURED
    assert left <= STAYS, left - STAYS
    return tuple(sorted(left))
