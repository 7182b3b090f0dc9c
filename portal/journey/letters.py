"""Sending what customers are told by e-mail: tried again for a day at most, and nothing is lost by a crash."""

from datetime import datetime, timedelta

import structlog

from portal.domain.letter import Letter
from portal.journey.ports import Ports
from portal.journey.tasks import HOUSE, Step, Task
from portal.smtp import NotSent
from portal.storage import audit, outbox
from portal.storage.database import Transaction
from portal.storage.outbox import Mail

log = structlog.get_logger(__name__)

LONGEST = timedelta(days=1)
"""An invitation that comes later than that helps nobody."""

LONGEST_REST = timedelta(hours=1)


def task_of(mail_id: str) -> Task:
    return Task(Step.SEND, HOUSE, (mail_id,))


def keep(tx: Transaction, letter: Letter, *, key: str, customer_id: str, now: datetime) -> tuple[Task, ...]:
    """Stores a letter in the caller's transaction; answers what is to be put in the queue once that has happened."""
    mail_id = outbox.keep(tx, letter, key=key, customer_id=customer_id, now=now)
    return () if mail_id is None else (task_of(mail_id),)


def send(*, ports: Ports, mail_id: str, now: datetime) -> None:
    """Hands one letter to the mail server. One that stops the portal between that and writing it down goes twice."""
    if ports.post is None:
        return
    with ports.database.write() as tx:
        mail = outbox.take_up(tx, mail_id, now=now, rest=rest)
    if mail is None:
        return
    if mail.letter is None or now - mail.created_at >= LONGEST:
        _done(ports, mail, "given_up", now)
        return
    try:
        ports.post.send(mail.letter, mail_id=mail.id)
    except NotSent as fault:
        log.warning("letter_not_sent", mail=mail.id, tries=mail.tries, cause=str(fault))
        if fault.for_good:
            _done(ports, mail, "given_up", now)
    else:
        _done(ports, mail, "sent", now)


def rest(tries: int) -> timedelta:
    """How long to wait after so many tries: a minute, then twice as long each time, an hour at most."""
    return min(timedelta(minutes=2.0 ** min(tries - 1, 10)), LONGEST_REST)


def _done(ports: Ports, mail: Mail, how: str, now: datetime) -> None:
    with ports.database.write() as tx:
        outbox.done(tx, mail.id)
        audit.record(
            tx,
            at=now,
            actor="portal",
            customer_id=mail.customer_id,
            action=f"letter.{how}",
            object_type="letter",
            object_id=mail.id,
        )
