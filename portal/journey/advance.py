"""The one step that moves an attempt, whoever asks: the click, a look, a provider's event, the reconciler.

It takes the stored attempt and the evidence, asks the provider, and moves the state by compare-and-set; so a refresh, a
second tab or an event at the same moment is the same idempotent call.
"""

from dataclasses import replace
from datetime import datetime

import structlog

from portal.domain.link_session import MOVES, LinkSession, Reason, State
from portal.journey.confirm import confirm
from portal.journey.depart import depart
from portal.journey.history import note_attempt
from portal.journey.ports import Ports, is_over_soon
from portal.journey.undo import undo
from portal.providers.protocol import ProviderError
from portal.storage import link_sessions

log = structlog.get_logger(__name__)

MOST_CRASHES = 5
"""After so many faults of ours in a row an attempt is not tried again: its customer and the operator are told."""


def advance(*, ports: Ports, customer_id: str, link_session_id: str, now: datetime) -> None:
    """Moves the attempt as far as it will go now. An unknown attempt is left alone. Raises ProviderError."""
    try:
        _advance(ports, customer_id, link_session_id, now)
    except ProviderError:
        raise
    except Exception as fault:
        if not is_over_soon(fault):
            _crashed(ports, customer_id, link_session_id, now)
        raise


def _crashed(ports: Ports, customer_id: str, link_session_id: str, now: datetime) -> None:
    """Counts a fault that nobody foresaw; the last one ends the attempt, so that it is not tried for ever."""
    with ports.database.write() as tx:
        if link_sessions.crashed(tx, customer_id, link_session_id, now=now) < MOST_CRASHES:
            return
        attempt = link_sessions.get(tx, customer_id, link_session_id)
        if attempt is not None and State.FAILED in MOVES[attempt.state]:
            ended = attempt.moved(State.FAILED, now=now, reason=Reason.STEP_FAILED)
            link_sessions.move(tx, replace(ended, connect_url=None), was=attempt.state)
            note_attempt(tx, ended, State.FAILED, now=now)
    log.error("attempt_given_up", link_session=link_session_id)


def _advance(ports: Ports, customer_id: str, link_session_id: str, now: datetime) -> None:
    with ports.database.write() as tx:
        link_sessions.take_up(tx, customer_id, link_session_id)
        attempt = link_sessions.get(tx, customer_id, link_session_id)
    if attempt is None:
        return
    match attempt.state:
        case State.CREATED:
            if not depart(ports=ports, attempt=attempt, now=now):
                return
        case State.ARRIVED | State.WAITING:
            confirm(ports=ports, attempt=attempt, now=now)
        case State.HELD if attempt.reason is Reason.ANOTHER_PERSON:
            undo(ports=ports, ended=attempt)
        case State.EXPIRED if attempt.reason is Reason.PERMISSION_WITHDRAWN:
            undo(ports=ports, ended=attempt)
        case State.DEPARTED if attempt.is_overdue(now):
            _let_go(ports, attempt.moved(State.EXPIRED, now=now, reason=Reason.LEFT_OPEN), attempt.state, now)
        case State.DEPARTED | State.CANCELLED if attempt.was_followed(now):
            _let_go(ports, attempt, attempt.state, now)
    with ports.database.write() as tx:
        link_sessions.checked(tx, customer_id, link_session_id, now=ports.clock())


def _let_go(ports: Ports, attempt: LinkSession, was: State, now: datetime) -> None:
    """Stores the attempt without its connect URL, which is a secret and of no more use."""
    with ports.database.write() as tx:
        moved = link_sessions.move(tx, replace(attempt, connect_url=None), was=was)
        if moved and attempt.state is not was:
            note_attempt(tx, attempt, attempt.state, now=now)
