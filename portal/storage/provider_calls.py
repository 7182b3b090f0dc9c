"""What calls to the providers came to, in buckets that all processes add to, and which provider is left alone."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from portal.domain.provider_health import Bucket
from portal.storage import tables
from portal.storage.database import Transaction

_calls = tables.provider_calls
_pauses = tables.provider_pauses

# Built once: these are asked on every page of somebody who waits.
_SINCE = select(_calls).where(_calls.c.since >= bindparam("moment")).order_by(_calls.c.since, _calls.c.provider_key)
_LASTING = select(_pauses).where(_pauses.c.until > bindparam("now")).order_by(_pauses.c.provider_key)


def add(tx: Transaction, bucket: Bucket) -> None:
    """Adds these calls to what is known of the same provider and the same ten seconds."""
    new = tx.insert(_calls).values(
        provider_key=bucket.provider_key,
        since=bucket.since,
        calls=bucket.calls,
        failures=bucket.failures,
        milliseconds=bucket.milliseconds,
    )
    counted = ("calls", "failures", "milliseconds")
    upsert = new.on_conflict_do_update(
        index_elements=["provider_key", "since"],
        set_={name: _calls.c[name] + new.excluded[name] for name in counted},
    )
    tx.connection.execute(upsert)


def since(tx: Transaction, moment: datetime) -> tuple[Bucket, ...]:
    """The buckets of all providers that begin then or later, the oldest first."""
    return tuple(
        Bucket(row.provider_key, row.since, row.calls, row.failures, row.milliseconds)
        for row in tx.connection.execute(_SINCE, {"moment": moment})
    )


def pause(tx: Transaction, provider_key: str, until: datetime) -> None:
    """The provider is left alone until then, or longer where that is known already."""
    new = tx.insert(_pauses).values(provider_key=provider_key, until=until)
    later = new.on_conflict_do_update(
        index_elements=["provider_key"], set_={"until": new.excluded.until}, where=_pauses.c.until < new.excluded.until
    )
    tx.connection.execute(later)


def pauses(tx: Transaction, now: datetime) -> Mapping[str, datetime]:
    """Until when the providers that are left alone now will be."""
    return {row.provider_key: row.until for row in tx.connection.execute(_LASTING, {"now": now})}


def purge(tx: Transaction, before: datetime) -> None:
    """Deletes what is older."""
    tx.connection.execute(delete(_calls).where(_calls.c.since < before))
    tx.connection.execute(delete(_pauses).where(_pauses.c.until < before))
