"""Ending an attempt for good, so that no return and no event brings it to anything any more."""

from dataclasses import replace
from datetime import datetime

from portal.domain.link_session import LinkSession, Reason, State
from portal.journey.history import note_attempt
from portal.journey.tasks import Step, Task
from portal.storage import link_sessions
from portal.storage.database import Transaction


def end_attempt(tx: Transaction, attempt: LinkSession, *, now: datetime) -> tuple[Task, ...]:
    """Its customer takes back the permission that it rests on; answers what is to be put in the queue afterwards.

    What has been linked by it and is not on their list yet is removed at the provider, where that can be done.
    """
    if not attempt.may_have_brought():
        return ()
    ended = replace(
        attempt.moved(State.EXPIRED, now=now, reason=Reason.PERMISSION_WITHDRAWN), connect_url=None, woken_at=None
    )
    if not link_sessions.move(tx, ended, was=attempt.state):
        return ()
    note_attempt(tx, ended, ended.state, now=now, actor="customer")
    ids = (attempt.customer_id, attempt.id)
    is_new = link_sessions.wake(tx, *ids, now=now)
    return (Task(Step.ADVANCE, attempt.provider_key, ids),) if is_new else ()
