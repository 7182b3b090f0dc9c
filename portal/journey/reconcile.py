"""Finds what should have moved and wakes it, whatever became of the queue, and clears away what is kept long enough."""

from datetime import datetime, timedelta

from portal.domain.deletion import KEPT_FOR
from portal.journey.consents import end_idle as end_idle_consents
from portal.journey.deletion import task_of as deletion_task
from portal.journey.devices import wake_read
from portal.journey.letters import task_of
from portal.journey.ports import Ports
from portal.journey.tasks import HOUSE, Step, Task
from portal.journey.waking import wake
from portal.storage import (
    app_entries,
    arrivals,
    deletions,
    due_attempts,
    login_sessions,
    outbox,
    provider_accounts,
    provider_calls,
    provider_events,
    references,
    removals,
    sign_ins,
    support_codes,
    tombstones,
)

AT_ONCE = 2000
"""How many of each kind are woken in one round; the next comes in a minute."""

QUICKLY_AT_ONCE = 200
"""The same while the queue is away: what is left comes in a second, or to another worker."""

READINGS_AT_ONCE = 300
"""What nobody waits for is read at an even pace."""

ENTRIES_KEPT = timedelta(days=2)
"""How long a used token of the retailer's app is remembered: longer than any clock is ever put back."""

CALLS_KEPT = timedelta(hours=1)
EVENTS_KEPT = timedelta(days=30)
ERRORS_KEPT = timedelta(days=30)

LETTERS_AT_ONCE = 50
LETTERS_KEPT = timedelta(days=2)
"""How long it is remembered that a letter was sent, so that the same one does not go twice."""


def reconcile(*, ports: Ports, now: datetime) -> None:
    """One round, each minute. Two at once do no harm."""
    _wake_attempts(ports, now, AT_ONCE)
    _wake_removals(ports, now, AT_ONCE)
    _wake_events(ports, now, AT_ONCE)
    _wake_readings(ports, now, READINGS_AT_ONCE)
    _wake_letters(ports, now, LETTERS_AT_ONCE)
    _wake_deletions(ports, now, AT_ONCE)
    end_idle_consents(ports=ports, now=now)
    with ports.database.write() as tx:
        arrivals.purge(tx, now)
        sign_ins.purge(tx, now)
        login_sessions.purge(tx, now)
        app_entries.purge(tx, now - ENTRIES_KEPT)
        provider_calls.purge(tx, now - CALLS_KEPT)
        provider_events.purge(tx, now - EVENTS_KEPT)
        support_codes.purge(tx, now)
        references.purge(tx, now - ERRORS_KEPT)
        outbox.purge(tx, now - LETTERS_KEPT)
        deletions.purge(tx, now - KEPT_FOR)
        tombstones.purge(tx, now)


def catch_up(*, ports: Ports, now: datetime) -> None:
    """A round while the queue is away: only what somebody wanted to put there."""
    for wake_those in (
        _wake_attempts,
        _wake_removals,
        _wake_events,
        _wake_readings,
        _wake_letters,
        _wake_deletions,
    ):
        wake_those(ports, now, QUICKLY_AT_ONCE, lying=True)


def _wake_attempts(ports: Ports, now: datetime, limit: int, *, lying: bool = False) -> None:
    with ports.database.read() as tx:
        due = due_attempts.due(tx, now=now, limit=limit, lying=lying)
    for attempt in due:
        wake(ports=ports, task=Task(Step.ADVANCE, attempt.provider_key, (attempt.customer_id, attempt.id)), now=now)


def _wake_removals(ports: Ports, now: datetime, limit: int, *, lying: bool = False) -> None:
    with ports.database.read() as tx:
        due = removals.due(tx, now=now, limit=limit, lying=lying)
    for removal in due:
        ids = (removal.customer_id, removal.device_id)
        wake(ports=ports, task=Task(Step.REMOVE, removal.provider_key, ids), now=now)


def _wake_events(ports: Ports, now: datetime, limit: int, *, lying: bool = False) -> None:
    with ports.database.read() as tx:
        due = provider_events.unfinished(tx, now=now, limit=limit, lying=lying)
    for event_id in due:
        wake(ports=ports, task=Task(Step.TAKE_EVENT, HOUSE, (event_id,)), now=now)


def _wake_readings(ports: Ports, now: datetime, limit: int, *, lying: bool = False) -> None:
    with ports.database.read() as tx:
        due = provider_accounts.due(tx, now=now, limit=limit, lying=lying)
    for customer_id, provider_key in due:
        wake_read(ports=ports, customer_id=customer_id, provider_key=provider_key, now=now, looked=False)


def _wake_letters(ports: Ports, now: datetime, limit: int, *, lying: bool = False) -> None:
    if ports.post is None:
        return
    with ports.database.read() as tx:
        due = outbox.due(tx, now=now, limit=limit, lying=lying)
    for mail_id in due:
        wake(ports=ports, task=task_of(mail_id), now=now)


def _wake_deletions(ports: Ports, now: datetime, limit: int, *, lying: bool = False) -> None:
    with ports.database.read() as tx:
        due = deletions.due(tx, now=now, limit=limit, lying=lying)
    for one in due:
        wake(ports=ports, task=deletion_task(one.deletion_id, one.system), now=now)
