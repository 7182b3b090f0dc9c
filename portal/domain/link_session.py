"""One attempt to link or to reconnect a device, from choice to outcome, and the moves it may make."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from portal.domain.catalogue import DeviceType, RouteReason
from portal.domain.device import DeviceReading
from portal.domain.reference import reference_of


class Purpose(StrEnum):
    """Why the customer leaves for the Connect UI."""

    LINK = "link"
    REAUTHENTICATE = "reauthenticate"


class State(StrEnum):
    """Where an attempt stands."""

    CREATED = "created"
    DEPARTED = "departed"
    ARRIVED = "arrived"
    LINKED = "linked"
    WAITING = "waiting"
    HELD = "held"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


class Reason(StrEnum):
    """Why an attempt stands where it stands; customers read a sentence for it, support reads the word."""

    CUSTOMER_CANCELLED = "customer_cancelled"
    NOTHING_CONNECTED = "nothing_connected"
    ANSWER_UNREADABLE = "answer_unreadable"
    USER_CHANGED = "user_changed"
    SUPERSEDED = "superseded"
    SUPPORT_CANCELLED = "support_cancelled"
    NOT_SIGNED_IN = "not_signed_in"
    ANOTHER_PERSON = "another_person"
    OTHER_ACCOUNT = "other_account"
    WHICH_DEVICE = "which_device"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_BUSY = "provider_busy"
    VENDOR_ASKED = "vendor_asked"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_ANSWER = "provider_answer"
    NOT_CONFIRMED = "not_confirmed"
    LEFT_OPEN = "left_open"
    STILL_BROKEN = "still_broken"
    ALREADY_WORKING = "already_working"
    KEPT_BOTH = "kept_both"
    PERMISSION_WITHDRAWN = "permission_withdrawn"
    STEP_FAILED = "step_failed"


MOVES: Mapping[State, frozenset[State]] = {
    State.CREATED: frozenset({State.DEPARTED, State.CANCELLED, State.FAILED, State.EXPIRED, State.LINKED}),
    State.DEPARTED: frozenset({State.ARRIVED, State.HELD, State.CANCELLED, State.FAILED, State.EXPIRED}),
    State.ARRIVED: frozenset({State.LINKED, State.WAITING, State.FAILED, State.EXPIRED, State.HELD}),
    State.WAITING: frozenset({State.LINKED, State.FAILED, State.EXPIRED, State.HELD}),
    State.CANCELLED: frozenset({State.ARRIVED, State.HELD, State.EXPIRED}),
    State.HELD: frozenset({State.ARRIVED, State.EXPIRED}),
    State.LINKED: frozenset(),
    State.FAILED: frozenset({State.EXPIRED}),
    State.EXPIRED: frozenset({State.ARRIVED, State.HELD, State.EXPIRED}),
}
"""Cancelled is not the end: a cancel may be forged, and the genuine return wins. Nor is the end of a link: whoever was
still signing in at the vendor comes back later. `LinkSession.can_arrive` says for how long.

Held is left only by its own customer: where nobody was signed in when the browser came back, or when they withdraw the
consent that the attempt rests on. A withdrawal expires every attempt but one that linked something.
"""

ONE_CLICK = timedelta(seconds=10)
"""Clicks on the same choice within this time are one click: two tabs, two threads, an impatient thumb."""

IN_FLIGHT = timedelta(minutes=2)
"""How long a provider that could not open the link is asked again and again before the attempt has failed."""

LEASE = timedelta(seconds=60)
"""Longer than all calls of a departure may take together; another process may try again only afterwards."""

LONGEST_QUEUE = timedelta(minutes=10)
"""How long an attempt may wait for its turn at a busy provider."""

GRACE = timedelta(minutes=2)
"""A link used in its last second still needs the time to sign in at the vendor and come back."""

SHOWS_UP_WITHIN = timedelta(minutes=15)
"""A device that the provider does not show by then is late, and its customer is told so."""

PATIENCE = timedelta(hours=24)
"""How long an attempt waits for the provider to show the device, or to tell of it by an event, which it delivers again
for about that long."""

LATE_RETURNS = timedelta(hours=24)
"""How long after the end of its link a return to an attempt still counts."""

MEMORY = timedelta(hours=24)
"""How long a device that another person came back with does not count; a household may try again the next day."""

UNDONE = frozenset({Reason.ANOTHER_PERSON, Reason.PERMISSION_WITHDRAWN})
"""What was connected by such an attempt is being removed at its provider already."""

OPEN = frozenset({State.CREATED, State.DEPARTED, State.ARRIVED, State.WAITING})
"""States in which something may still happen by itself."""


MOST_NAMED = 50
"""How many devices the returns to one attempt may name together: enough for a household, too few for guessing."""


class IllegalMove(ValueError):
    """An attempt cannot go from where it is to where it was asked to go."""


@dataclass(frozen=True, slots=True)
class ArrivalHints:
    """What a return URL claims. Never proof: the provider is asked before anything is believed.

    `device_ids` may be empty although something was linked. `provider_user_id`, `pseudonym` and `vendor_code` are NOX's
    only. `unreadable` marks an answer that was there but could not be read.
    """

    device_ids: tuple[str, ...] = ()
    device_type: str | None = None
    provider_user_id: str | None = None
    pseudonym: str | None = None
    vendor_code: str | None = None
    connected_at: datetime | None = None
    cancelled: bool = False
    unreadable: bool = False

    def names_more_than(self, earlier: "ArrivalHints") -> bool:
        """Whether these name a device that the earlier ones do not."""
        return not set(self.device_ids) <= set(earlier.device_ids)

    def with_earlier(self, earlier: "ArrivalHints") -> "ArrivalHints":
        """These, and the devices of an earlier return to the same attempt."""
        named = dict.fromkeys((*earlier.device_ids, *self.device_ids))
        return replace(self, device_ids=tuple(named)[:MOST_NAMED])


@dataclass(frozen=True, slots=True)
class LinkSession:
    """One attempt of one customer. `connect_url` is a bearer secret and gone once used.

    `confirmed` are the readings of signed events, from providers that cannot be asked. `vendor_code` is the provider's
    word for the vendor at the time of the choice. `departed_at` is when the connect URL was handed to the customer; it
    may be ready earlier. `checks` counts how often the step has run through, `tries` how often the provider could not
    open the link, `version` the stored changes: none is made on old knowledge. `woken_at`: in the queue since.
    `claimed_until`: in somebody's hands, or not to be tried again before. `put_away_at`: its customer wants to read no
    more of it.
    """

    id: str
    customer_id: str
    purpose: Purpose
    provider_key: str
    device_type: DeviceType
    vendor_key: str
    vendor_code: str | None
    language: str
    route_reason: RouteReason
    state: State
    created_at: datetime
    expires_at: datetime
    reason: Reason | None = None
    device_id: str | None = None
    provider_reference: str | None = None
    connect_url: str | None = None
    hints: ArrivalHints = field(default_factory=ArrivalHints)
    confirmed: tuple[DeviceReading, ...] = ()
    departed_at: datetime | None = None
    arrived_at: datetime | None = None
    ended_at: datetime | None = None
    checks: int = 0
    tries: int = 0
    version: int = 0
    woken_at: datetime | None = None
    claimed_until: datetime | None = None
    put_away_at: datetime | None = None

    @property
    def reference(self) -> str:
        """The number that its customer reads out to support."""
        return reference_of(self.id)

    def moved(self, state: State, *, now: datetime, reason: Reason | None = None) -> "LinkSession":
        """This attempt in its next state. Raises IllegalMove."""
        if state not in MOVES[self.state]:
            raise IllegalMove(f"{self.state} -> {state}")
        ended = now if state not in OPEN else None
        return replace(self, state=state, reason=reason, ended_at=ended)

    def answered(self, device_id: str, *, now: datetime) -> "LinkSession":
        """This attempt once its customer has said which device it is that came back. Raises IllegalMove."""
        if self.reason not in {Reason.WHICH_DEVICE, Reason.OTHER_ACCOUNT}:
            raise IllegalMove("answered without a question")
        return replace(self, state=State.LINKED, reason=None, device_id=device_id, ended_at=now)

    def is_overdue(self, now: datetime) -> bool:
        """Whether the link the customer was given, with its grace, has run out."""
        return now > self.expires_at

    def is_over(self, now: datetime) -> bool:
        """Whether no return to it counts any more."""
        return now > self.expires_at + LATE_RETURNS

    def is_late(self, now: datetime) -> bool:
        """Whether its customer has been back for longer than a device usually needs to show up."""
        return self.state is State.WAITING and now - (self.arrived_at or self.created_at) > SHOWS_UP_WITHIN

    def is_given_up(self, now: datetime) -> bool:
        """Whether it is not taken out any more: its turn did not come, or the provider could not for too long."""
        return self.is_overdue(now) or (self.tries > 0 and now - self.created_at >= IN_FLIGHT)

    def is_under_way(self, now: datetime) -> bool:
        """Whether its provider is being asked for the link for the first time."""
        return self.tries == 0 and self.claimed_until is not None and self.claimed_until > now

    def may_follow(self, now: datetime) -> bool:
        """Whether the connect URL may still be handed out: once, and again only for the same impatient click."""
        if self.state is not State.DEPARTED or self.connect_url is None or self.is_overdue(now):
            return False
        return self.departed_at is None or now - self.departed_at < ONE_CLICK

    def was_followed(self, now: datetime) -> bool:
        """Whether its connect URL has been handed out, and is of no more use."""
        is_over = self.departed_at is not None and now - self.departed_at > ONE_CLICK
        return self.connect_url is not None and is_over

    def may_move(self, now: datetime) -> bool:
        """Whether the step that moves attempts has something to do or to ask."""
        if self.state is State.DEPARTED and self.is_overdue(now):
            return True
        return self.state in {State.CREATED, State.ARRIVED, State.WAITING} or self.was_followed(now)

    def can_arrive(self, now: datetime) -> bool:
        """Whether a return may still change this attempt."""
        if self.state is State.EXPIRED:
            return self.reason is Reason.LEFT_OPEN and not self.is_over(now)
        return State.ARRIVED in MOVES[self.state] and not self.is_over(now)

    def waits_for_sign_in(self) -> bool:
        """Whether it is held only until its customer signs in, in the browser that came back."""
        return self.state is State.HELD and self.reason is Reason.NOT_SIGNED_IN

    def may_have_brought(self) -> bool:
        """Whether a device may be connected by it that is on nobody's list: what its consent allows must then end."""
        is_open = State.EXPIRED in MOVES[self.state] and self.reason not in UNDONE
        has_ended = self.state in {State.FAILED, State.EXPIRED} and self.reason is not Reason.LEFT_OPEN
        return is_open and (not has_ended or bool(self.hints.device_ids or self.confirmed))

    def takes_evidence(self, now: datetime) -> bool:
        """Whether a provider's event may still be about this attempt."""
        return self.state in {State.ARRIVED, State.WAITING, State.HELD} or self.can_arrive(now)


def cancel_secret(success_secret: str) -> str:
    """The secret in an attempt's cancel address. It follows from that of the success address and never the other way
    round: whoever presses cancel reads the one in the address bar and learns nothing of the other."""
    return hashlib.sha256(b"cancel " + success_secret.encode("utf-8", "surrogatepass")).hexdigest()
