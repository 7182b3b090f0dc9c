"""Having a step taken soon: its row is marked as in the queue, and put there once, whoever asks and however often."""

from collections.abc import Callable, Mapping
from datetime import datetime

from portal.journey.ports import Ports
from portal.journey.tasks import Step, Task
from portal.storage import deletions, link_sessions, outbox, provider_accounts, provider_events, removals

MARK: Mapping[Step, Callable[..., bool]] = {
    Step.ADVANCE: link_sessions.wake,
    Step.READ: provider_accounts.wake,
    Step.REMOVE: removals.wake,
    Step.TAKE_EVENT: provider_events.wake,
    Step.SEND: outbox.wake,
    Step.DELETE: deletions.wake,
}
LEAVE: Mapping[Step, Callable[..., None]] = {
    Step.ADVANCE: link_sessions.leave,
    Step.READ: provider_accounts.leave,
    Step.REMOVE: removals.leave,
    Step.TAKE_EVENT: provider_events.leave,
    Step.SEND: outbox.leave,
    Step.DELETE: deletions.leave,
}


def wake(*, ports: Ports, task: Task, now: datetime) -> bool:
    """Has the task done soon; False where it is in the queue already, or whoever looks may not set anything going."""
    if not ports.acts:
        return False
    with ports.database.write() as tx:
        is_new = MARK[task.step](tx, *task.ids, now=now)
    if is_new:
        put(ports=ports, task=task)
    return is_new


def put(*, ports: Ports, task: Task) -> None:
    """Into the queue, its row being marked. Where that does not answer the row says so, for the reconciler to find."""
    if not ports.queue.put(task):
        with ports.database.write() as tx:
            LEAVE[task.step](tx, *task.ids)
