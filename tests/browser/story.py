"""What a customer links, as the tests name it."""

from typing import NamedTuple


class Story(NamedTuple):
    """What is linked, through whom, in which language; where the provider asks for the vendor, its word for it."""

    provider: str
    language: str
    device_type: str
    vendor: str
    account: str
    vendor_there: str | None = None

    def __str__(self) -> str:
        return f"{self.provider}-{self.vendor}-{self.language}"
