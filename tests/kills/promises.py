"""What must be so when all is over, wherever the portal was killed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select, text

from portal.domain.device import Connection, Device
from portal.domain.link_session import OPEN, State
from portal.domain.provider_event import EventState
from portal.storage import audit, devices, provider_events, tables
from portal.storage.database import Database
from tests.kills.anna import Anna

OF_A_TRY = {"link_session.opened", "link_session.departed", "link_session.cancelled", "link_session.expired"}
"""What is on record once more where a link was lost and she began again."""

ON_THE_WAY = {"link_session.waiting", *(f"device.{connection}" for connection in Connection)}
"""What is on record of the time in between, by whichever came first: a reading, or the provider's word."""


@dataclass(frozen=True)
class Ending:
    """What a story comes to; the same whether the portal was killed or not."""

    devices: tuple[tuple[str | None, str, bool], ...]
    there: tuple[tuple[str, bool], ...]
    events: int
    record: Counter[str]


def ending(anna: Anna, database: Database) -> Ending:
    """How the story ended, after it was made sure that nothing acknowledged was lost and nothing was left behind."""
    with database.read() as tx:
        known = devices.known(tx, anna.me.id, anna.choice.provider)
        record = Counter(entry.action for entry in audit.of_customer(tx, anna.me.id, 1000))
        events = provider_events.listed(tx, frozenset(EventState), limit=1000)
    assert {event.state for event in events} <= {EventState.DONE}, events
    assert len(events) == anna.heard
    assert_acknowledged_is_stored(anna, database, known)
    assert_one_customer_there(anna)
    assert_nothing_is_orphaned(anna, known)
    assert_nothing_waits(database)
    assert_database_is_sound(database)
    there = [device for device in anna.street.sandbox.state.devices if device.removed_at is None]
    return Ending(
        devices=tuple((device.model, device.connection, device.removed_at is not None) for device in known),
        there=tuple((device.physical.serial, device.working) for device in there),
        events=len(events),
        record=Counter({action: count for action, count in record.items() if action not in OF_A_TRY | ON_THE_WAY}),
    )


def assert_acknowledged_is_stored(anna: Anna, database: Database, known: tuple[Device, ...]) -> None:
    """What a page said is so."""
    kept = tables.link_sessions
    with database.read() as tx:
        states = {row.id: row.state for row in tx.connection.execute(select(kept.c.id, kept.c.state))}
    assert {states.get(attempt_id) for attempt_id in anna.linked} <= {State.LINKED}
    assert set(anna.removed) == {device.id for device in known if device.removed_at is not None}


def assert_one_customer_there(anna: Anna) -> None:
    """However often it was tried, the provider knows her once."""
    state = anna.street.sandbox.state
    assert [user.provider for user in state.users] == [anna.choice.provider]
    assert not state.former_users


def assert_nothing_is_orphaned(anna: Anna, known: tuple[Device, ...]) -> None:
    """What the provider holds is what she sees, each once."""
    there = [device.id for device in anna.street.sandbox.state.devices if device.removed_at is None]
    ours = [device.provider_device_id for device in known if device.removed_at is None]
    left_there = [device.provider_device_id for device in known if device.removal_failed_at is not None]
    assert Counter(there) == Counter(ours + left_there)


def assert_nothing_waits(database: Database) -> None:
    """Nothing is under way any more, and no link is kept that nobody will follow."""
    attempts, kept = tables.link_sessions, tables.devices
    with database.read() as tx:
        under_way = select(attempts.c.state).where(attempts.c.state.in_(OPEN))
        links = select(attempts.c.state).where(attempts.c.connect_url_sealed.is_not(None))
        removals = select(kept.c.id).where(kept.c.removal_asked_at.is_not(None))
        assert not [row for rows in (under_way, links, removals) for row in tx.connection.execute(rows)]


def assert_database_is_sound(database: Database) -> None:
    with database.read() as tx:
        if tx.connection.dialect.name == "sqlite":
            assert tx.connection.scalars(text("PRAGMA integrity_check")).all() == ["ok"]
            assert not tx.connection.execute(text("PRAGMA foreign_key_check")).all()
