"""Help without taking over: ending an attempt, having a device checked, inviting the customer; and nothing else.

Nothing is opened at a provider here. An invitation leads the customer to the portal's own pages, to sign in themselves.
"""

from dataclasses import dataclass, replace

from portal.domain.catalogue import DeviceType, Vendor
from portal.domain.device import Device
from portal.domain.letter import Letter, is_address
from portal.domain.link_session import MOVES, LinkSession, Reason, State
from portal.domain.support import MOST_TRIES, Agent, may_assist
from portal.journey.acts import SUPPORT, Act, check_permitted, record
from portal.journey.history import note_attempt, note_device
from portal.journey.letters import keep
from portal.journey.ports import Ports
from portal.journey.support import Viewing
from portal.journey.tasks import Step, Task
from portal.journey.waking import put
from portal.storage import audit, devices, link_sessions, provider_accounts
from portal.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Choice:
    """What a customer may be invited to connect."""

    device_type: DeviceType
    vendor: Vendor

    @property
    def name(self) -> str:
        """The choice as it stands in our addresses."""
        return f"{self.device_type.slug}/{self.vendor.key}"


@dataclass(frozen=True, slots=True)
class Help:
    """What an agent may do for a customer now; nothing but asking for a code where they may not `act`.

    `is_written_to`: the customer can be sent e-mails.
    """

    may_act: bool
    may_try_code: bool
    has_post: bool
    is_written_to: bool
    attempts: tuple[LinkSession, ...]
    devices: tuple[Device, ...]


def offered(*, ports: Ports, agent: Agent, viewing: Viewing) -> Help:
    """What there is to help with. Nothing is asked of a provider."""
    with ports.database.read() as tx:
        attempts = link_sessions.open_of(tx, viewing.customer.id)
        owned = devices.all_of(tx, viewing.customer.id)
    has_post = ports.post is not None
    return Help(
        may_act=may_assist(agent, viewing.grant),
        may_try_code=viewing.grant.code_tries < MOST_TRIES,
        has_post=has_post,
        is_written_to=has_post and is_address(viewing.customer.identity.email),
        attempts=tuple(attempt for attempt in attempts if _may_cancel(attempt)),
        devices=tuple(device for device in owned if device.removal_asked_at is None),
    )


def choices(*, ports: Ports) -> tuple[Choice, ...]:
    """All that can be connected, by type and vendor."""
    catalogue = ports.catalogue
    return tuple(
        Choice(device_type, vendor)
        for device_type in catalogue.device_types()
        for vendor in catalogue.vendors(device_type)
    )


def cancel(*, ports: Ports, act: Act, attempt: LinkSession, letter: Letter | None) -> bool:
    """Ends an attempt, and its link is of no use any more; False where it has moved on by itself. Raises NotAllowed."""
    with ports.database.write() as tx:
        check_permitted(tx, act)
        current = link_sessions.get(tx, act.customer_id, attempt.id)
        if current is None or not _may_cancel(current):
            return False
        gone = current.moved(State.CANCELLED, now=act.now, reason=Reason.SUPPORT_CANCELLED)
        if not link_sessions.move(tx, replace(gone, connect_url=None), was=current.state):
            return False
        note_attempt(tx, gone, "cancelled", now=act.now, actor=SUPPORT)
        told = _tell(tx, act, letter, f"cancel/{attempt.id}")
        record(tx, act, "assist.cancel", "cancelled", object_type="link_session", object_id=attempt.id)
    _put_all(ports, told)
    return True


def check(*, ports: Ports, act: Act, device: Device, letter: Letter | None) -> bool:
    """Has a device's provider asked soon how it is. Raises NotAllowed."""
    ids = (act.customer_id, device.provider_key)
    with ports.database.write() as tx:
        check_permitted(tx, act)
        is_new = provider_accounts.wake(tx, *ids, now=act.now, looked=True)
        note_device(tx, device, "check_asked", now=act.now, actor=SUPPORT)
        told = _tell(tx, act, letter, f"check/{device.id}")
        record(tx, act, "assist.check", "check_asked", object_type="device", object_id=device.id)
    _put_all(ports, (*((Task(Step.READ, device.provider_key, ids),) if is_new else ()), *told))
    return True


def invite_to_reconnect(*, ports: Ports, act: Act, device: Device, letter: Letter) -> bool:
    """Sends the customer to their devices, where this one is. Raises NotAllowed."""
    with ports.database.write() as tx:
        check_permitted(tx, act)
        note_device(tx, device, "invited", now=act.now, actor=SUPPORT)
        told = _tell(tx, act, letter, f"reconnect/{device.id}")
        record(tx, act, "assist.invite", "invited", object_type="device", object_id=device.id)
    _put_all(ports, told)
    return True


def invite_to_connect(*, ports: Ports, act: Act, choice: Choice, letter: Letter) -> bool:
    """Sends the customer to the page before leaving, for this type and vendor. Raises NotAllowed."""
    with ports.database.write() as tx:
        check_permitted(tx, act)
        audit.record(
            tx,
            at=act.now,
            actor=SUPPORT,
            customer_id=act.customer_id,
            action="support.invited",
            object_type="device_type",
            object_id=choice.device_type,
            details={"vendor": choice.vendor.key},
        )
        told = _tell(tx, act, letter, f"connect/{choice.name}")
        record(tx, act, "assist.invite", "invited", object_type="offer", object_id=choice.name)
    _put_all(ports, told)
    return True


def _may_cancel(attempt: LinkSession) -> bool:
    """Whether it may be ended: not where the customer is back, for then something may be connected already."""
    return State.CANCELLED in MOVES[attempt.state]


def _tell(tx: Transaction, act: Act, letter: Letter | None, about: str) -> tuple[Task, ...]:
    """Keeps the letter that tells the customer: one for each act of a permission, however often it is clicked."""
    if letter is None:
        return ()
    return keep(tx, letter, key=f"{act.viewing.grant.id}/{about}", customer_id=act.customer_id, now=act.now)


def _put_all(ports: Ports, tasks: tuple[Task, ...]) -> None:
    for task in tasks:
        put(ports=ports, task=task)
