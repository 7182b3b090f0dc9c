"""The steps with everything real around them: providers on HTTP, a database, and one clock that a test sets."""

from __future__ import annotations

from dataclasses import dataclass, replace

import requests

from portal.domain.device import Device
from portal.domain.link_session import LinkSession
from portal.domain.people import Customer, Identity
from portal.journey import arrive, devices, link, outcome, provider_events, reauthenticate, remove, which_device
from portal.journey.outcome import AttemptView
from portal.journey.ports import Ports
from portal.journey.remove import Removed
from portal.journey.take_return import Arrived
from portal.sandbox.program import RunningSandbox
from portal.storage import audit, customers, link_sessions
from portal.storage import devices as device_rows
from tests.journey.surroundings import PATIENT, Behind, Choice, Clock, Mailbox, Message, Return


@dataclass(frozen=True)
class World:
    """One portal without its pages, and what its customers do."""

    ports: Ports
    sandbox: RunningSandbox
    clock: Clock
    mailbox: Mailbox

    def customer(self, name: str = "anna") -> Customer:
        identity = Identity(self.sandbox.config.issuer, name, email=f"{name}@example.com")
        with self.ports.database.write() as tx:
            return customers.signed_in(tx, identity, now=self.clock.now)

    def opens(self, customer: Customer, choice: Choice) -> str:
        return link.open_link(
            ports=self.ports,
            customer=customer,
            device_type=choice.device_type,
            vendor_key=choice.vendor,
            language=choice.language,
            consented=True,
            now=self.clock.now,
        ).id

    def reconnects(self, customer: Customer, device: Device) -> str:
        attempt = reauthenticate.start(
            ports=self.ports, customer=customer, device_id=device.id, language="en", now=self.clock.now
        )
        assert attempt is not None
        return attempt.id

    def waits(self, customer: Customer, attempt_id: str, patience: float = PATIENT) -> LinkSession:
        """How the attempt stands after leaving for so long."""
        opened = self.attempt(customer, attempt_id)
        attempt = link.leave(ports=self.ports, attempt=opened, patience=patience, now=self.clock.now)
        if patience < PATIENT:
            return attempt
        self.settles()
        return self.attempt(customer, attempt_id)

    def goes_on(self, customer: Customer, attempt_id: str) -> str | None:
        return link.go_on(ports=self.ports, customer=customer, link_session_id=attempt_id, now=self.clock.now)

    def leaves(self, customer: Customer, attempt_id: str) -> str:
        """The address of the Connect UI."""
        attempt = self.waits(customer, attempt_id)
        url = self.goes_on(customer, attempt_id)
        assert url is not None, (attempt.state, attempt.reason)
        return url

    def signs_in_there(self, url: str, account: str, asked_there: str | None = None) -> Return:
        """Signs in at the vendor, choosing it first where the Connect UI asks."""
        if asked_there is not None:
            self.submits_there(url, vendor=asked_there)
        return self.does_there(url, action="sign-in", username=account, password="Demo1234")

    def submits_there(self, url: str, **fields: str | list[str]) -> requests.Response:
        return requests.post(url, data=fields, allow_redirects=False, timeout=PATIENT)

    def does_there(self, url: str, **fields: str | list[str]) -> Return:
        """Submits a form of the Connect UI that ends there: back to the portal."""
        answer = self.submits_there(url, **fields)
        assert answer.headers.get("Location", "").startswith(self.ports.public_url), answer.text
        return Return.of(answer.headers["Location"])

    def comes_back(self, viewer: Customer | None, back: Return, browser: str = "a browser") -> Arrived:
        return arrive.arrive(
            ports=self.ports,
            viewer=viewer,
            provider_key=back.provider,
            secret=back.secret,
            path=back.path,
            query=back.query,
            browser=browser,
            now=self.clock.now,
        )

    def comes_from_nowhere(self, back: Return) -> Arrived:
        """The return is opened by a program that was never here and keeps no cookie."""
        return arrive.arrive(
            ports=self.ports,
            viewer=None,
            provider_key=back.provider,
            secret=back.secret,
            path=back.path,
            query=back.query,
            browser="a program",
            is_known_browser=False,
            now=self.clock.now,
        )

    def signs_in_again(self, customer: Customer, browser: str = "a browser") -> Arrived | None:
        return arrive.complete_pending(ports=self.ports, customer=customer, browser=browser, now=self.clock.now)

    def looks(self, customer: Customer, attempt_id: str) -> AttemptView:
        """The page of the attempt, after all that it sets going."""
        view = self.glances(customer, attempt_id, patience=PATIENT)
        self.settles()
        if self.attempt(customer, attempt_id) != view.attempt:
            view = self.glances(customer, attempt_id)
            self.settles()
        return view

    def glances(self, customer: Customer, attempt_id: str, patience: float = 0.0) -> AttemptView:
        """The page of the attempt as it is shown without waiting for what it sets going."""
        view = outcome.look(
            ports=self.ports, customer=customer, link_session_id=attempt_id, now=self.clock.now, patience=patience
        )
        assert view is not None
        return view

    def goes_there(self, customer: Customer, choice: Choice) -> tuple[str, Return]:
        """Chooses and signs in at the vendor: the attempt, and the return that is about to be made with it."""
        attempt_id = self.opens(customer, choice)
        return attempt_id, self.signs_in_there(self.leaves(customer, attempt_id), choice.account, choice.asked_there)

    def goes_and_returns(self, customer: Customer, choice: Choice) -> str:
        """Chooses, signs in at the vendor and comes back; the attempt as the return leaves it."""
        attempt_id, back = self.goes_there(customer, choice)
        self.comes_back(customer, back)
        return attempt_id

    def links(self, customer: Customer, choice: Choice) -> Device:
        attempt_id = self.goes_and_returns(customer, choice)
        self.news_comes(choice)
        device = self.looks(customer, attempt_id).device
        assert device is not None
        return device

    def renews(
        self,
        customer: Customer,
        device: Device,
        account: str,
        asked_there: str | None = None,
        *,
        meanwhile: str | None = None,
    ) -> str:
        """Presses reconnect, signs in at the vendor and comes back; `meanwhile` something happens to the device."""
        attempt_id = self.reconnects(customer, device)
        url = self.leaves(customer, attempt_id)
        back = self.signs_in_there(url, account, asked_there)
        if meanwhile is not None:
            self.happens_there(device, meanwhile)
        self.comes_back(customer, back)
        return attempt_id

    def says_same(self, customer: Customer, attempt_id: str) -> bool:
        """Answers the attempt's question: it is the same device."""
        return which_device.say_same(
            ports=self.ports, customer=customer, link_session_id=attempt_id, now=self.clock.now
        )

    def says_another(self, customer: Customer, attempt_id: str) -> bool:
        """Answers the attempt's question: it is another device."""
        return which_device.say_another(
            ports=self.ports, customer=customer, link_session_id=attempt_id, now=self.clock.now
        )

    def news_comes(self, of: Choice | Device) -> None:
        """Hands the portal what Telematica had to tell; the others tell nothing by themselves."""
        key = of.provider if isinstance(of, Choice) else of.provider_key
        if key == "telematica":
            for message in self.mailbox.take():
                self.receives(message)

    def receives(self, message: Message, provider: str = "telematica") -> None:
        """Takes an event in, and does all that it sets going."""
        self.hears(message, provider)
        self.settles()

    def hears(self, message: Message, provider: str = "telematica") -> None:
        """Takes an event in."""
        provider_events.receive(
            ports=self.ports,
            provider_key=provider,
            headers=message.headers,
            body=message.body,
            now=self.clock.now,
        )

    def happens_there(self, device: Device, what: str) -> None:
        """`break`, `repair` or `remove` at the vendor; news of it is on its way."""
        place = f"{device.provider_key}/{device.provider_device_id}/{what}"
        answer = requests.post(f"{self.sandbox.url}/control/devices/{place}", json={}, timeout=PATIENT)
        assert answer.status_code == 200, answer.text

    def breaks(self, customer: Customer, device: Device) -> Device:
        """The access lapses, and the portal knows."""
        self.happens_there(device, "break")
        self.clock.forward(seconds=60)
        self.news_comes(device)
        self.reads(customer)
        return self.device(customer, device.id)

    def reads(self, customer: Customer) -> None:
        """Every provider is asked how this customer's devices are."""
        for key in sorted({device.provider_key for device in self.devices(customer)}):
            devices.read(ports=self.ports, customer_id=customer.id, provider_key=key, now=self.clock.now)

    def removes(self, customer: Customer, device: Device) -> Removed:
        removed = remove.remove(
            ports=self.ports, customer=customer, device_id=device.id, patience=PATIENT, now=self.clock.now
        )
        assert removed is not None
        return removed

    def device(self, customer: Customer, device_id: str) -> Device:
        found = devices.find(ports=self.ports, customer=customer, device_id=device_id)
        assert found is not None
        return found

    def devices(self, customer: Customer) -> tuple[Device, ...]:
        with self.ports.database.read() as tx:
            return device_rows.all_of(tx, customer.id)

    def attempt(self, customer: Customer, attempt_id: str) -> LinkSession:
        with self.ports.database.read() as tx:
            attempt = link_sessions.get(tx, customer.id, attempt_id)
        assert attempt is not None
        return attempt

    def story(self, customer: Customer) -> list[str]:
        """What is on record, oldest first."""
        with self.ports.database.read() as tx:
            return [entry.action for entry in reversed(audit.of_customer(tx, customer.id, 1000))]

    def calls(self, provider: str, part_of_path: str) -> int:
        """How many calls the provider had to such a path."""
        return sum(part_of_path in call["path"] for call in self.sandbox.state.calls[provider])

    def is_slow(self, provider: str, seconds: float, path: str = "") -> None:
        self.sandbox.state.set_faults(provider, {"delay": seconds, "path_contains": path})

    def answers(self, provider: str, status: int, path: str = "", times: int = 10_000) -> None:
        """From now on the provider answers with this status."""
        faults = {"fail_count": times, "fail_status": status, "path_contains": path}
        self.sandbox.state.set_faults(provider, faults)

    def recovers(self, provider: str) -> None:
        """It is well again, and the second is over in which it wanted to be left in peace."""
        self.sandbox.state.set_faults(provider, {"fail_count": 0, "delay": 0, "lag": 0, "path_contains": ""})
        self.clock.forward(seconds=1)

    def shows_devices_late(self, provider: str, seconds: float) -> None:
        self.sandbox.state.set_faults(provider, {"lag": seconds})

    def plays(self, provider: str, **variants: str) -> None:
        self.sandbox.state.choose_variants(provider, variants)

    @property
    def worker(self) -> Behind:
        assert isinstance(self.ports.queue, Behind)
        return self.ports.queue

    def settles(self) -> None:
        """Waits for what is being done behind the pages."""
        self.worker.settle()

    def worker_starts(self) -> None:
        self.worker.start(self.ports)
        self.settles()

    def with_ports(self, ports: Ports) -> World:
        return replace(self, ports=ports)
