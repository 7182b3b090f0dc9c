"""Killed at whatever moment, the portal keeps what it said it has, makes nothing twice and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, product

import pytest
from _pytest.mark import ParameterSet

from portal.storage import tables
from portal.storage.database import Database
from tests.journey.surroundings import EVERYWHERE, START, Choice
from tests.kills.anna import Anna, Street
from tests.kills.house import Fate, Moment
from tests.kills.promises import Ending, ending
from tests.kills.stories import STORIES, Story
from tests.support.databases import ON_RECORD

A_MOMENT, A_WHILE = 3.0, 90.0
"""Seconds until a portal that was killed answers again: within one click, and when all leases are over."""


@dataclass(frozen=True)
class Cell:
    """One story at one provider, and how long the portal is away when it was killed."""

    story: Story
    choice: Choice
    away: float


ROUNDS = 2
"""Minutes after which the reconciler has found everything."""

SAMPLE = {
    "linking_signed_out-nox-sqlite-90s",
}
"""What `make test` plays."""


WAYS = (("sqlite", A_MOMENT), ("sqlite", A_WHILE), ("postgresql", A_MOMENT))
"""PostgreSQL notices a moment after the kill that a transaction's process is gone."""


def cells() -> Iterator[ParameterSet]:
    """Every story at every provider in each of these ways."""
    for story, choice, (backend, away) in product(STORIES, EVERYWHERE, WAYS):
        name = f"{story.name}-{choice.provider}-{backend}-{away:.0f}s"
        marks = [pytest.mark.torture]
        marks += [pytest.mark.postgres] * (backend == "postgresql") + [pytest.mark.sample] * (name in SAMPLE)
        yield pytest.param(Cell(story, choice, away), backend, id=name, marks=marks)


@pytest.mark.parametrize(("cell", "backend"), list(cells()))
def test_a_kill_at_any_moment_loses_nothing_and_doubles_nothing(
    street: Street, database: Database, cell: Cell, record_property: Callable[[str, object], None]
) -> None:
    undisturbed = told(street, database, cell, None)
    kills = 0
    for moment in Moment:
        for number in count(1):
            assert told(street, database, cell, Fate(moment, number)) == undisturbed, (moment, number)
            if not street.portal.deaths:
                break
            kills += 1
    record_property("kills", kills)


def told(street: Street, database: Database, cell: Cell, fate: Fate | None) -> Ending:
    """Tells the story to its end, with this fate."""
    begin_anew(street, database)
    street.away = cell.away
    try:
        anna = Anna(street, cell.choice)
        cell.story.before(anna)
        street.meets(fate)
        cell.story.tells(anna)
        everything_settles(street)
        return ending(anna, database)
    except BaseException as error:
        error.add_note(f"killed: {fate}")
        raise


def begin_anew(street: Street, database: Database) -> None:
    """As if nobody had been here before, but for the audit log, which cannot be emptied."""
    street.portal.stop()
    street.portal.deaths = 0
    with database.write() as tx:
        for table in reversed(tables.metadata.sorted_tables):
            if table.name not in ON_RECORD:
                tx.connection.execute(table.delete())
    street.clock.now = START
    street.sandbox.state.reset()
    for provider in ("nox", "telematica"):
        street.sandbox.state.choose_variants(provider, {"event_timing": "before_return"})
    street.mailbox.messages.clear()


def everything_settles(street: Street) -> None:
    """Nobody looks any more: a quarter of an hour, and the next day."""
    for _ in range(ROUNDS):
        street.a_minute_passes()
    street.clock.forward(days=1)
    for _ in range(ROUNDS):
        street.a_minute_passes()
