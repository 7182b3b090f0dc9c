"""A customer who has been through everything: an attempt in every state, a device in every condition."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from portal.domain.device import Connection, Device
from portal.domain.health import Cause
from portal.domain.link_session import State
from portal.storage import devices, tables
from portal.storage.ids import new_id
from tests.support.live import Installation
from tests.support.person import Form, Page, Person

CALM = {"PORTAL_OUTBOUND__FRESH_FOR": "30"}
"""The settings with which pages stand still while they are looked at."""

OTHER_CAUSES = tuple(cause for cause in Cause if cause is not Cause.DATA_FLOWS)


class Household:
    """Anna's devices and attempts. `attempts` are the paths of the attempts by what they show."""

    def __init__(self, live: Installation) -> None:
        self.live = live
        self.attempts: dict[str, str] = {}
        with Person(live.url) as anna, Person(live.url) as bela:
            anna.sign_in("anna")
            bela.sign_in("bela")
            self._at_podero(anna, bela)
            self._at_nox(anna)
        self._in_every_condition()
        self.lapsed = next(device.id for device in live.devices() if device.needs_customer)
        self.working = next(device.id for device in live.devices() if device.connection is Connection.WORKING)

    def slow_attempt(self) -> str:
        """An attempt whose provider does not answer for the time being."""
        self.live.sandbox.state.set_faults("telematica", {"fail_count": 1000})
        with Person(self.live.url) as anna:
            anna.sign_in("anna")
            return self._keep("created", anna.press_connect("charger", "easee"), State.CREATED)

    def _at_podero(self, anna: Person, bela: Person) -> None:
        there = anna.leave_for("heat-pump", "nibe")
        self._keep("linked", anna.sign_in_at_vendor(there, vendor="nibe"), State.LINKED)
        self._break(anna)
        there = self._reconnect(anna)
        self._keep("other-account", anna.sign_in_at_vendor(there, "second@nibe.se"), State.FAILED)
        there = anna.leave_for("vehicle", "tesla")
        self._keep("cancelled", anna.submit(Form(there.url, "post"), action="cancel"), State.CANCELLED)
        there = anna.leave_for("vehicle", "tesla")
        bela.sign_in_at_vendor(there, "demo-tesla@getfreeheat.com", vendor="tesla")
        self._keep("held", None, State.HELD)
        anna.leave_for("vehicle", "tesla")
        self._keep("superseded", None, State.DEPARTED)
        anna.leave_for("heat-pump", "bosch")
        let_days_pass(self.live, newest_attempt(self.live))
        anna.look(newest_attempt(self.live))
        self._keep("expired", None, State.EXPIRED)

    def _at_nox(self, anna: Person) -> None:
        there = anna.leave_for("inverter", "sma")
        self._keep("linked-too", anna.sign_in_at_vendor(there, "anna@example.com"), State.LINKED)
        self.live.sandbox.state.set_faults("nox", {"lag": 3600})
        there = anna.leave_for("heat-pump", "daikin")
        self._keep("waiting", anna.sign_in_at_vendor(there, "anna@example.com"), State.WAITING)
        anna.leave_for("inverter", "fronius")
        self._keep("departed", None, State.DEPARTED)

    def _in_every_condition(self) -> None:
        model = next(device for device in self.live.devices() if device.connection is Connection.WORKING)
        now = self.live.portal.clock()
        for cause in OTHER_CAUSES:
            told = replace(model, last_contact_at=now - timedelta(days=2), nickname=None).judged(cause, now=now)
            store(self.live, lookalike(told, cause, cause.connection))
        leaving = replace(model, removal_asked_at=now, nickname=None)
        store(self.live, lookalike(leaving, "leaving", model.connection))
        kept = replace(model, removal_failed_at=now)
        store(self.live, lookalike(kept, "kept", model.connection))

    def _keep(self, name: str, page: Page | None, state: State) -> str:
        path = page.path if page else newest_attempt(self.live)
        assert self.live.state_of(path) is state, f"{name}: {self.live.state_of(path)}"
        self.attempts[name] = path
        return path

    def _break(self, anna: Person) -> None:
        (device,) = self.live.sandbox.state.devices
        answer = anna.post(f"{self.live.sandbox.url}/control/devices/podero/{device.id}/break", json={}, timeout=10)
        assert answer.status_code == 200, answer.text

    def _reconnect(self, anna: Person) -> Page:
        """Reconnects although the devices page may not yet offer it."""
        (device,) = self.live.devices()
        token = anna.look("/devices").forms()[0].fields["csrf_token"]
        form = Form(f"{self.live.url}/devices/{device.id}/reauthenticate", "post", {"csrf_token": token})
        return anna.submit(form)


def newest_attempt(live: Installation) -> str:
    """The path of the attempt that was opened last."""
    attempts = tables.link_sessions
    with live.database.read() as tx:
        found = tx.connection.execute(attempts.select().order_by(attempts.c.created_at.desc())).first()
    assert found is not None
    return f"/link-sessions/{found.id}"


def let_days_pass(live: Installation, attempt: str) -> None:
    """As far as this attempt is concerned, its link ran out long ago."""
    attempts = tables.link_sessions
    long_ago = live.portal.clock() - timedelta(days=2)
    with live.database.write() as tx:
        this_one = attempts.update().where(attempts.c.id == attempt.rsplit("/", 1)[-1])
        tx.connection.execute(this_one.values(expires_at=long_ago))


def lookalike(model: Device, name: str, connection: Connection) -> Device:
    """Another device of the same customer, at a provider that cannot be asked, so that it stays as it is."""
    return replace(
        model,
        id=new_id(),
        provider_key="telematica",
        provider_device_id=name,
        connection=connection,
    )


def store(live: Installation, device: Device) -> None:
    with live.database.write() as tx:
        devices.save(tx, device)


@contextmanager
def broken_database(live: Installation) -> Iterator[None]:
    """Signing in cannot be stored for a while."""
    with live.database.write() as tx:
        tx.connection.execute(text("ALTER TABLE sign_ins RENAME TO gone"))
    try:
        yield
    finally:
        with live.database.write() as tx:
            tx.connection.execute(text("ALTER TABLE gone RENAME TO sign_ins"))
