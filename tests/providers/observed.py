"""Observers of a gateway: one that remembers, one that fails."""


class Told:
    """Remembers what a gateway tells: of whom, whether each call failed, how long it took, how long there is none."""

    def __init__(self) -> None:
        self.whom: set[str] = set()
        self.calls: list[bool] = []
        self.milliseconds: list[int] = []
        self.pauses: list[float] = []

    def seen(self, provider_key: str, *, failed: bool, milliseconds: int) -> None:
        self.whom.add(provider_key)
        self.calls.append(failed)
        self.milliseconds.append(milliseconds)

    def paused(self, provider_key: str, *, seconds: float) -> None:
        self.whom.add(provider_key)
        self.pauses.append(seconds)


class Broken:
    """Fails at everything."""

    def seen(self, provider_key: str, *, failed: bool, milliseconds: int) -> None:
        raise OSError(provider_key, failed, milliseconds)

    def paused(self, provider_key: str, *, seconds: float) -> None:
        raise OSError(provider_key, seconds)
