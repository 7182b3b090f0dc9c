"""How a provider misbehaves when asked to, and how many calls it is answering."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

DATE_AHEAD = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Strike:
    """What the faults do to one call; `status` is None where it is answered as ever."""

    delay: float
    status: int | None
    retry_after: str
    carry_out_first: bool


@dataclass(slots=True)
class Faults:
    """Calls `delay` s late, the next `fail_count` failing; new devices `lag` s late, other news `stale` s late.

    `carry_out_first`: the call is carried out before the delay and the failure, and only its answer is lost.
    `retry_after`: seconds, `date` or `none`; sent with 429 and 503.
    """

    delay: float = 0
    fail_count: int = 0
    fail_status: int = 503
    path_contains: str = ""
    carry_out_first: bool = False
    retry_after: str = "1"
    lag: float = 0
    stale: float = 0

    def strike(self, path: str) -> Strike:
        """What happens to the call to this path; counts it where it is to fail."""
        concerned = self.path_contains in path
        failing = concerned and self.fail_count > 0
        self.fail_count -= failing
        return Strike(
            delay=self.delay if concerned else 0,
            status=self.fail_status if failing else None,
            retry_after=str(self.retry_after),
            carry_out_first=self.carry_out_first,
        )


@dataclass(slots=True)
class Traffic:
    """The calls to one provider that are being answered, a delay included, and the most there were at once."""

    in_flight: int = 0
    most_in_flight: int = 0

    def enter(self) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def leave(self) -> None:
        self.in_flight -= 1


def retry_after_header(wanted: str, now: float) -> dict[str, str]:
    """The Retry-After header, as seconds or as a date; empty where none is to be sent."""
    if wanted == "none":
        return {}
    if wanted == "date":
        wanted = format_datetime(datetime.fromtimestamp(now, UTC) + DATE_AHEAD, usegmt=True)
    return {"Retry-After": wanted}
