"""What every step is given besides its actor and the time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.domain.catalogue import Catalogue
from portal.journey.tasks import Queue
from portal.providers.protocol import Traits
from portal.providers.registry import Registry
from portal.smtp import Post
from portal.storage.database import Database, is_away


def is_over_soon(fault: Exception) -> bool:
    """Whether a fault of any step comes from a database that is away, and the same will work once it is back."""
    return is_away(fault)


@dataclass(frozen=True, slots=True)
class Policy:
    """The retailer's choices that steps follow.

    `consent_version` names the words that customers agree to. Readings younger than `fresh_for` are not asked for anew.
    """

    consent_version: str
    send_customer_email: bool
    fresh_for: timedelta


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world. `public_url` has no trailing slash; `queue` wakes what is done behind the pages.

    `concurrency` is how many calls may be under way at one provider. Where nothing `acts`, a look sets nothing going.
    `post` takes letters to customers; None where there is no mail server.
    """

    database: Database
    providers: Registry
    catalogue: Catalogue
    public_url: str
    queue: Queue
    policy: Policy
    clock: Callable[[], datetime]
    concurrency: int
    acts: bool = True
    post: Post | None = None

    def traits(self, provider_key: str) -> Traits:
        """What this provider can do: nothing, where the retailer has switched it off since it was stored."""
        if provider_key in self.providers:
            return self.providers.get(provider_key).traits
        return Traits(
            key=provider_key,
            name=provider_key.capitalize(),
            languages={},
            connect_hosts=(),
            link_lifetime=None,
            own_arrival_url=False,
            preselects_vendor=False,
            reads_devices=False,
            removes_devices=False,
        )
