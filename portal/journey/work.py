"""What each task in the queue has done."""

import structlog

from portal.journey import letters
from portal.journey.advance import advance
from portal.journey.deletion_work import delete
from portal.journey.devices import read
from portal.journey.ports import Ports
from portal.journey.provider_events import take
from portal.journey.reconcile import catch_up, reconcile
from portal.journey.remove import take_off
from portal.journey.tasks import Step, Task

log = structlog.get_logger(__name__)


def do(*, ports: Ports, task: Task) -> None:
    """Takes the step of a task now. Whatever goes wrong is logged: the reconciler comes back to it."""
    try:
        _do(ports, task)
    except Exception:
        log.exception("step_failed", step=task.step)


def _do(ports: Ports, task: Task) -> None:
    now = ports.clock()
    match task.step, task.ids:
        case Step.ADVANCE, (customer_id, link_session_id):
            advance(ports=ports, customer_id=customer_id, link_session_id=link_session_id, now=now)
        case Step.READ, (customer_id, provider_key):
            read(ports=ports, customer_id=customer_id, provider_key=provider_key, now=now)
        case Step.REMOVE, (customer_id, device_id):
            take_off(ports=ports, customer_id=customer_id, device_id=device_id, now=now)
        case Step.TAKE_EVENT, (event_id,):
            take(ports=ports, event_id=event_id, now=now)
        case Step.SEND, (mail_id,):
            letters.send(ports=ports, mail_id=mail_id, now=now)
        case Step.DELETE, (deletion_id, system):
            delete(ports=ports, deletion_id=deletion_id, system=system, now=now)
        case Step.CATCH_UP, ():
            catch_up(ports=ports, now=now)
        case Step.RECONCILE, ():
            reconcile(ports=ports, now=now)
        case _:
            log.error("unknown_task", step=task.step)
