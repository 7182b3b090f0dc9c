"""The steps of a deletion: each provider is told, then every row of the customer goes. Each may be taken any number of
times; what was done stands in the database, so that nothing is lost wherever the process ends."""

from datetime import datetime

import structlog

from portal.domain.deletion import PORTAL, TRIED_FOR, Deletion, Progress
from portal.domain.link_session import Reason
from portal.domain.people import ProviderAccount
from portal.journey.deletion import Ending, ending_at, task_of
from portal.journey.ports import Ports
from portal.journey.remove import take_off
from portal.journey.undo import undo
from portal.journey.waking import wake
from portal.providers.protocol import ProviderError, ReauthenticationRequired, Removal
from portal.storage import audit, deletions, devices, erasure, link_sessions, provider_accounts
from portal.storage.database import Transaction

log = structlog.get_logger(__name__)


class NotYet(Exception):
    """Something of this customer is still under way at the provider."""


def delete(*, ports: Ports, deletion_id: str, system: str, now: datetime) -> None:
    """Does what is left to be done in one system."""
    with ports.database.write() as tx:
        deletions.take_up(tx, deletion_id, system)
        deletion = deletions.get(tx, deletion_id)
        is_left = any(
            step.system == system and step.progress is Progress.UNDER_WAY for step in deletions.steps(tx, deletion_id)
        )
    if deletion is None or not is_left:
        return
    if system == PORTAL:
        _erase(ports, deletion, now)
    else:
        _end_there(ports, deletion, system, now)


def _end_there(ports: Ports, deletion: Deletion, provider_key: str, now: datetime) -> None:
    """Has one provider forget the customer, or end what can be ended there."""
    progress = None
    try:
        progress = _ended(ports, deletion.customer_id, provider_key, now)
    except NotYet:
        log.info("deletion_waits", provider=provider_key, deletion=deletion.id)
    except ProviderError as error:
        log.warning("deletion_postponed", provider=provider_key, deletion=deletion.id, cause=str(error))
    if progress is not Progress.DONE and now - deletion.asked_at > TRIED_FOR:
        progress = Progress.GIVEN_UP
    with ports.database.write() as tx:
        # Two providers may be done at the same moment: the second is to see that it is the last.
        tx.in_turn(deletion.customer_id)
        if progress is None:
            deletions.tried(tx, deletion.id, provider_key, now=now)
            return
        _settle(tx, deletion, provider_key, progress, now)
        is_last = _only_the_portal_is_left(tx, deletion)
    if is_last:
        wake(ports=ports, task=task_of(deletion.id, PORTAL), now=now)


def _ended(ports: Ports, customer_id: str, provider_key: str, now: datetime) -> Progress:
    """What has become of it there. Raises ProviderError and NotYet: then it is tried again."""
    with ports.database.read() as tx:
        account = provider_accounts.of(tx, customer_id, provider_key)
        if account is None or deletions.is_in_hand(tx, customer_id, provider_key, now=now):
            raise NotYet
    if provider_key not in ports.providers:
        return Progress.NOT_OFFERED
    _end_attempts(ports, customer_id, provider_key)
    for device in _on_the_list(ports, customer_id, provider_key):
        take_off(ports=ports, customer_id=customer_id, device_id=device, now=now)
    forgets = ending_at(ports.traits(provider_key)) is Ending.FORGETS
    if forgets and ports.providers.get(provider_key).delete_user(account) is Removal.GONE:
        return Progress.DONE
    return _by_its_devices(ports, account)


def _end_attempts(ports: Ports, customer_id: str, provider_key: str) -> None:
    """Ends the access to what was linked by an attempt that ended with the account."""
    with ports.database.read() as tx:
        recent = link_sessions.recent(tx, customer_id, provider_key)
    for attempt in recent:
        if attempt.reason is Reason.PERMISSION_WITHDRAWN:
            try:
                undo(ports=ports, ended=attempt)
            except ReauthenticationRequired:
                log.info("access_had_lapsed", provider=provider_key, link_session=attempt.id)


def _on_the_list(ports: Ports, customer_id: str, provider_key: str) -> tuple[str, ...]:
    with ports.database.read() as tx:
        return tuple(d.id for d in devices.all_of(tx, customer_id) if d.provider_key == provider_key)


def _by_its_devices(ports: Ports, account: ProviderAccount) -> Progress:
    """How it stands where the provider has not forgotten the customer: its devices are all there is to end.

    Where it was to forget them that is not enough: somebody has to ask it.
    """
    with ports.database.read() as tx:
        known = devices.known(tx, account.customer_id, account.provider_key)
    if any(device.removed_at is None for device in known):
        raise NotYet
    is_all = ending_at(ports.traits(account.provider_key)) is Ending.ENDS_ACCESS
    has_ended = all(device.removal_failed_at is None for device in known)
    return Progress.DONE if is_all and has_ended else Progress.NOT_OFFERED


def _erase(ports: Ports, deletion: Deletion, now: datetime) -> None:
    """Every row of the customer goes, once no provider has to be told any more."""
    with ports.database.write() as tx:
        tx.in_turn(deletion.customer_id)
        if not _only_the_portal_is_left(tx, deletion):
            return
        accounts = provider_accounts.all_of(tx, deletion.customer_id)
        erasure.erase(tx, deletion.customer_id, accounts, now=now)
        _settle(tx, deletion, PORTAL, Progress.DONE, now)
        deletions.done(tx, deletion.id, now=now)


def _only_the_portal_is_left(tx: Transaction, deletion: Deletion) -> bool:
    left = {s.system for s in deletions.steps(tx, deletion.id) if s.progress is Progress.UNDER_WAY}
    return left == {PORTAL}


def _settle(tx: Transaction, deletion: Deletion, system: str, progress: Progress, now: datetime) -> None:
    if deletions.settle(tx, deletion.id, system, progress, now=now):
        audit.record(
            tx,
            at=now,
            actor="portal",
            customer_id=deletion.customer_id,
            action=f"deletion.{progress}",
            object_type="deletion",
            object_id=deletion.id,
            details={"system": system},
        )
