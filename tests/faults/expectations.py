"""What must follow from each fault of each call: read off what the portal promises, never off what it does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tests.faults.calls import CALLS, Call, Role
from tests.faults.faults import ALL, Family, Fault


class Ending(StrEnum):
    """What the customer meets, and what is stored."""

    GOES_ON = "the customer notices nothing and is at the Connect UI"
    WAITS = "created: the page waits, and goes on by itself when the provider is back"
    UNAVAILABLE = "failed/provider_unavailable: cannot be reached right now, the choice is kept"
    NOT_STARTED = "failed/provider_answer: could not be started, the choice is kept"
    TURNED_AWAY = "failed/provider_refused: could not be started, the choice is kept"
    CHECKS = "arrived or waiting: the page checks on, and is linked when the provider is back"
    LINKED = "linked: the customer notices nothing"
    AS_BEFORE = "the devices are shown as they were"
    STAYS = "the device stays, and the page says that it could not be removed"
    UNSURE = "the page says that nobody knows yet, and the device is removed when the provider is back"
    REMOVED = "the device is removed, and the access has ended"
    OFF_LIST = "the device is off the list, and the page says that the access may still be there"
    FORGOTTEN = "done: the account is deleted, here and there"
    KNOWN_THERE = "not_offered: the account is deleted here, and the page says whom to ask about the provider"
    IS_BEING_TOLD = "under_way: nothing here says who it was, and the account goes there when the provider is back"


@dataclass(frozen=True, slots=True)
class Expected:
    """`reached` is how often the call may have come to the provider before somebody tries again.

    `knocks`: how many connections a door that is not to be trusted may see meanwhile.
    """

    ending: Ending
    reached: range
    knocks: range = range(1)


NONE, ONCE, TWICE = range(1), range(1, 2), range(2, 3)
WITH_RETRIES = range(1, 4)
"""Once, and at most two more times within the same call."""

EXCEPTIONS: dict[tuple[str, str], Expected] = {
    # Nobody there yet, which is what it is asked for.
    ("podero find user", "404"): Expected(Ending.GOES_ON, range(1, 3)),
    # Not every type of device has its own session: the next way is taken.
    ("podero open reauthentication", "404"): Expected(Ending.GOES_ON, ONCE),
    # A link that is null is documented to mean the same.
    ("podero open reauthentication", "null link"): Expected(Ending.GOES_ON, ONCE),
    ("podero open reauthentication", "missing link"): Expected(Ending.GOES_ON, ONCE),
    ("podero open reauthentication", "empty 200"): Expected(Ending.GOES_ON, ONCE),
    ("podero open reauthentication", "204"): Expected(Ending.GOES_ON, ONCE),
    ("podero open reauthentication", "a number for an object"): Expected(Ending.GOES_ON, ONCE),
    # Our own credentials are refused, and no newer token helps.
    ("podero token", "401 once"): Expected(Ending.TURNED_AWAY, ONCE),
    ("podero token", "401 for ever"): Expected(Ending.TURNED_AWAY, ONCE),
    # Gone already.
    ("podero remove device", "404"): Expected(Ending.REMOVED, ONCE),
    # Nobody documents that Podero removes devices: its refusal means that it does not.
    ("podero remove device", "403"): Expected(Ending.OFF_LIST, ONCE),
    ("podero remove device", "409"): Expected(Ending.OFF_LIST, ONCE),
    ("podero remove device", "412"): Expected(Ending.OFF_LIST, ONCE),
    # Nor that it forgets a customer; and one who is looked up after a 404, and found, is not gone.
    ("podero delete user", "403"): Expected(Ending.KNOWN_THERE, ONCE),
    ("podero delete user", "404"): Expected(Ending.KNOWN_THERE, ONCE),
    ("podero delete user", "409"): Expected(Ending.KNOWN_THERE, ONCE),
    ("podero delete user", "412"): Expected(Ending.KNOWN_THERE, ONCE),
}

NEEDS_NO_WORDS = frozenset(
    {"empty 200", "204", "truncated JSON", "HTML for JSON", "a number for an object", "byte order mark", "latin-1"}
    | {"deep nesting"}
)
"""Neither a removal nor a deletion has an answer to be read: its success is the status."""

ENDED = {
    Role.REMOVES: (Ending.REMOVED, Ending.STAYS),
    Role.FORGETS: (Ending.FORGOTTEN, Ending.IS_BEING_TOLD),
}
"""What follows where it was carried out, and where it was not."""

FAILED = {
    Family.NOT_SENT: Ending.WAITS,
    Family.UNTRUSTED: Ending.WAITS,
    Family.NOT_NOW: Ending.WAITS,
    Family.TOO_LONG: Ending.UNAVAILABLE,
    Family.NONSENSE: Ending.NOT_STARTED,
    Family.NO_SUCH_LINK: Ending.NOT_STARTED,
    Family.REFUSED: Ending.TURNED_AWAY,
    Family.REVOKED: Ending.TURNED_AWAY,
}


def expected(call: Call, fault: Fault) -> Expected:
    """What must come of this call with this fault."""
    special = EXCEPTIONS.get((str(call), fault.name))
    if special is not None:
        return special
    knocks = ONCE if fault.family is Family.UNTRUSTED else range(1)
    return Expected(_ending(call, fault), _reached(call, fault), knocks)


def _ending(call: Call, fault: Fault) -> Ending:
    token_is_renewed = fault.family is Family.REVOKED_ONCE and call.provider == "podero"
    match call.role:
        case Role.CREATES if fault.family is Family.LOST and fault.is_done:
            return Ending.GOES_ON
        case Role.CREATES | Role.PREPARES if fault.family is Family.LOST:
            return Ending.WAITS
        case Role.OPENS if fault.family is Family.LOST:
            return Ending.UNAVAILABLE
        case Role.OPENS | Role.CREATES | Role.PREPARES if fault.family is Family.REVOKED_ONCE:
            return Ending.GOES_ON if token_is_renewed else Ending.TURNED_AWAY
        case Role.OPENS | Role.CREATES | Role.PREPARES:
            return FAILED[fault.family]
        case Role.CONFIRMS:
            # Who looks again asks again.
            return Ending.LINKED if fault.times == 1 else Ending.CHECKS
        case Role.READS | Role.DETAILS:
            return Ending.AS_BEFORE
        case Role.REMOVES if fault.family is Family.LOST:
            return Ending.UNSURE
        case Role.REMOVES | Role.FORGETS:
            done, failed = ENDED[call.role]
            return done if token_is_renewed or fault.name in NEEDS_NO_WORDS else failed


def _reached(call: Call, fault: Fault) -> range:
    """How many calls the provider may get: a blind second one never, a refused token's second one always."""
    if fault.way is not fault.way.OPEN:
        return NONE
    if fault.family in {Family.REVOKED, Family.REVOKED_ONCE} and call.provider == "podero":
        return TWICE
    is_lost_early = fault.family is Family.LOST and not fault.is_held
    if is_lost_early and call.role not in {Role.OPENS, Role.CREATES}:
        return WITH_RETRIES
    return ONCE


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault of one call, in one language."""

    call: Call
    fault: Fault
    language: str

    def __str__(self) -> str:
        return f"{self.call}: {self.fault} ({self.language})"

    @property
    def expected(self) -> Expected:
        return expected(self.call, self.fault)


LANGUAGES = ("sv", "de", "en", "hu", "it", "et", "pl", "ro", "nl", "fr", "es")


def _pairs() -> list[tuple[Call, Fault]]:
    return [
        (call, fault)
        for call in CALLS
        for fault in ALL
        if call.role is Role.OPENS or fault.family is not Family.NO_SUCH_LINK
    ]


CELLS = tuple(Cell(call, fault, LANGUAGES[number % len(LANGUAGES)]) for number, (call, fault) in enumerate(_pairs()))


def _sample() -> frozenset[str]:
    """Every fault once, with the calls taking turns, so that every call is struck several times."""
    turns: dict[str, list[Cell]] = {}
    for cell in CELLS:
        turns.setdefault(cell.fault.name, []).append(cell)
    return frozenset(str(cells[number % len(cells)]) for number, cells in enumerate(turns.values()))


SAMPLE = _sample()
