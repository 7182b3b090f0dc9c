"""The time, as a test wants it."""

from datetime import UTC, datetime, timedelta


class Clock:
    """The portal's time: the real one, and as much later as a test says."""

    def __init__(self) -> None:
        self.later = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.later
