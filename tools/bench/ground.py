"""Where it is measured: a portal as it is served, a provider and a bare page beside it, and customers who are known."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, Response, session
from flask_wtf.csrf import generate_csrf

from portal.app import create_app, open_database
from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, Device
from portal.domain.health import Cause
from portal.domain.people import Customer, Identity
from portal.identity import current
from portal.identity.login_sessions import sign_in
from portal.settings import load
from portal.storage import devices, provider_accounts
from portal.storage.database import Database
from tools.bench import provider

START_PATIENCE = 30.0
HOURS = 12


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in browser: its cookie, and the token that its forms carry."""

    cookie: str
    csrf_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie, "Accept-Language": "sv,en;q=0.8"}


@dataclass(frozen=True)
class Ground:
    """A running installation. `web` is the process that all processes of the pages come from."""

    port: int
    provider_port: int
    web: int
    app: Flask
    database: Database

    def visitor(self, name: str, *, has_devices: bool = False) -> Visitor:
        """A new customer who has just signed in, with five devices if so wished."""
        issuer = f"http://127.0.0.1:{self.provider_port}/oidc"
        person = Identity(issuer, name, f"{name}@example.com", "Anna Andersson", "sv-SE")
        customer, token = sign_in(self.database, person, "an ID token " * 80, datetime.now(UTC), HOURS)
        if has_devices:
            self._link(customer)
        with self.app.test_request_context():
            current.login(token)
            current.browser_token()
            csrf_token = generate_csrf()
            response = Response()
            self.app.session_interface.save_session(self.app, session, response)
        return Visitor(response.headers["Set-Cookie"].split(";")[0], csrf_token)

    def _link(self, customer: Customer) -> None:
        now = datetime.now(UTC)
        with self.database.write() as tx:
            account = provider_accounts.ensure(tx, customer.id, "nox")
            user = f"user-{customer.id}"
            provider_accounts.bind(tx, account, user)
            kinds = [("hp", DeviceType.HEAT_PUMP, "Daikin", place) for place in range(provider.HEAT_PUMPS)]
            kinds += [("pv", DeviceType.INVERTER, "SMA", place) for place in range(provider.INVERTERS)]
            for kind, device_type, vendor, place in kinds:
                device = Device(
                    id=f"{customer.id}-{kind}-{place}",
                    customer_id=customer.id,
                    provider_key="nox",
                    provider_device_id=provider.device_id(user, kind, place),
                    device_type=device_type,
                    vendor_key=vendor.lower(),
                    vendor_name=vendor,
                    model=f"Model {place}",
                    nickname=None,
                    connection=Connection.WORKING,
                    last_contact_at=now,
                    linked_at=now,
                    read_at=now,
                    observed_at=now,
                    cause=Cause.DATA_FLOWS,
                )
                devices.save(tx, device)


@contextlib.contextmanager
def ground(*, provider_takes: float, workers: int = 2, threads: int = 16) -> Iterator[Ground]:
    """A portal with its worker on an SQLite file, and a provider that takes so many seconds to open a link."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder, contextlib.ExitStack() as running:
        port, provider_port = free_port(), free_port()
        named = environment(folder, port, provider_port)
        arguments = ["tools.bench.provider", str(provider_port), str(provider_takes)]
        running.enter_context(program(arguments, provider_port, named, Path(folder, "provider.log")))
        arguments = ["portal.cli", "serve", "--port", str(port), "--workers", str(workers), "--threads", str(threads)]
        web = running.enter_context(program(arguments, port, named, Path(folder, "portal.log")))
        until_at_work(Path(folder, "portal.log"))
        settings = load(named)
        database = running.enter_context(contextlib.closing(open_database(settings)))
        yield Ground(port, provider_port, web, create_app(settings), database)


@contextlib.contextmanager
def bare_page(*, workers: int = 2, threads: int = 16) -> Iterator[tuple[int, int]]:
    """The bare page on the same server: its port and its process."""
    port = free_port()
    arguments = ["gunicorn", "tools.bench.bare:app", "--bind", f"127.0.0.1:{port}"]
    arguments += ["--worker-class", "portal.serving.Worker", "--workers", str(workers), "--threads", str(threads)]
    arguments += ["--no-control-socket"]
    with program(arguments, port, os.environ, Path(os.devnull)) as pid:
        yield port, pid


def environment(folder: str, port: int, provider_port: int) -> dict[str, str]:
    """Default settings wherever there is one."""
    there = f"http://127.0.0.1:{provider_port}"
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")},
        "PORTAL_PUBLIC_URL": f"http://localhost:{port}",
        "PORTAL_DATABASE_URL": f"sqlite:///{folder}/portal.sqlite",
        "PORTAL_LOG_FORMAT": "json",
        "PORTAL_RETAILER__NAME": "Nordvind Energi",
        "PORTAL_RETAILER__SUPPORT_PHONE": "+46 771 00 00 00",
        "PORTAL_OIDC__ISSUER": f"{there}/oidc",
        "PORTAL_OIDC__CLIENT_ID": "bench",
        "PORTAL_OIDC__CLIENT_SECRET": "bench",
        "PORTAL_NOX__AUTH_URL": f"{there}/nox/v2",
        "PORTAL_NOX__API_URL": there,
        "PORTAL_NOX__API_KEY": "bench",
        "PORTAL_NOX__CONNECT_HOSTS": f"127.0.0.1:{provider_port}",
    }


@contextlib.contextmanager
def program(module: list[str], port: int, named: Mapping[str, str], log: Path) -> Iterator[int]:
    """A program in a process group of its own, from the moment it takes connections; its id."""
    with log.open("ab") as output:
        command = [sys.executable, "-m", *module]
        started = subprocess.Popen(command, env=dict(named), stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + START_PATIENCE
        while not answers(port):
            if started.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{module[0]} did not start:\n{log.read_text() if log.is_file() else ''}")
            time.sleep(0.1)
        yield started.pid
    finally:
        started.terminate()
        started.wait()


def until_at_work(log: Path) -> None:
    """The worker's start takes a processor for a while, which is not to be measured."""
    deadline = time.monotonic() + START_PATIENCE
    while "worker_started" not in log.read_text():
        if time.monotonic() > deadline:
            raise SystemExit(f"the worker did not start:\n{log.read_text()}")
        time.sleep(0.1)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
