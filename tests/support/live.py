"""A whole installation on real HTTP: the portal and the sandbox, each on a port of its own."""

import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from portal.app import create_app, open_database, open_queue, ports, utc_now
from portal.background import Crew
from portal.domain.device import Device
from portal.domain.link_session import State
from portal.journey.provider_health import HealthBook
from portal.journey.work import do
from portal.sandbox.configuration import portal_environment
from portal.sandbox.program import RunningSandbox
from portal.settings import Settings, load
from portal.storage import devices, tables
from portal.storage.database import Database
from portal.web.wiring import Portal
from tests.support.databases import ON_RECORD
from tests.support.retailer import app_environment


@dataclass(frozen=True)
class Installation:
    """A running portal with the sandbox it talks to, and its inside for a look at what is stored."""

    url: str
    sandbox: RunningSandbox
    app: Flask
    settings: Settings

    @property
    def portal(self) -> Portal:
        portal: Portal = self.app.extensions["portal"]
        return portal

    @property
    def database(self) -> Database:
        return self.portal.ports.database

    def state_of(self, page_path: str) -> State:
        """How the attempt of this page stands."""
        attempts = tables.link_sessions
        with self.database.read() as tx:
            stored = select(attempts.c.state).where(attempts.c.id == page_path.rsplit("/", 1)[-1])
            return State(tx.connection.scalars(stored).one())

    def newest_attempt(self) -> str:
        """The id of the attempt that was opened last."""
        attempts = tables.link_sessions
        with self.database.read() as tx:
            return tx.connection.scalars(select(attempts.c.id).order_by(attempts.c.created_at.desc())).first() or ""

    def devices(self) -> tuple[Device, ...]:
        """All linked devices of all customers."""
        with self.database.read() as tx:
            owners = tx.connection.scalars(select(tables.customers.c.id).order_by(tables.customers.c.id)).all()
            return tuple(device for owner in owners for device in devices.all_of(tx, owner))

    def forget(self) -> None:
        """Both sides as before their first customer. What is on record stays: it cannot be emptied."""
        with self.database.write() as tx:
            for table in reversed(tables.metadata.sorted_tables):
                if table.name not in ON_RECORD:
                    tx.connection.execute(table.delete())
        self.sandbox.state.reset()


class Quiet(WSGIRequestHandler):
    """No access log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


class Deferred:
    """A WSGI application that is given later: its address must be known before it can be made."""

    app: Flask

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.app(environ, start_response)


@contextmanager
def installation(
    sandbox: RunningSandbox, database_url: str, more: Mapping[str, str] | None = None, *, pseudo: bool = False
) -> Iterator[Installation]:
    """A portal on a free port of localhost, with an up-to-date database and a worker beside it."""
    with serving(sandbox, database_url, more, pseudo=pseudo) as running, working(running.settings):
        yield running


@contextmanager
def serving(
    sandbox: RunningSandbox,
    database_url: str,
    more: Mapping[str, str] | None = None,
    *,
    pseudo: bool = False,
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[Installation]:
    """The pages alone: what they put in the queue is done by nobody. `{port}` in a setting is the portal's own."""
    deferred = Deferred()
    server = make_server("127.0.0.1", 0, deferred, threaded=True, request_handler=Quiet)
    with closing(server.socket), tempfile.TemporaryDirectory(prefix="portal-queue-") as folder:
        url = f"http://localhost:{server.server_port}"
        here = {name: text.replace("{port}", str(server.server_port)) for name, text in (more or {}).items()}
        sandbox.config_portal_url(url, here.get("PORTAL_STAFF_URL", ""))
        queue = {"PORTAL_QUEUE_FILE": f"{folder}/queue"}
        settings = load({**environment(sandbox, url, database_url), **queue, **here})
        with closing(open_database(settings)) as database:
            database.upgrade()
        deferred.app = create_app(settings, clock=clock, pseudo=pseudo)
        running = Installation(url, sandbox, deferred.app, settings)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()
            running.database.close()


@contextmanager
def working(settings: Settings, *, reconciles: bool = False) -> Iterator[None]:
    """A worker of this installation, with a thread or two for each provider; with its own rounds if need be."""
    with closing(open_database(settings)) as database:
        health = HealthBook(database, utc_now)
        queue = open_queue(settings, takes=True)
        outside = ports(settings, database, queue, utc_now, observer=health)
        crew = Crew(queue, lambda task: do(ports=outside, task=task), concurrency=3, glance=0.03, reconciles=reconciles)
        crew.start()
        try:
            yield
        finally:
            crew.stop()


def environment(sandbox: RunningSandbox, url: str, database_url: str) -> dict[str, str]:
    """The settings of a portal at this address, with this sandbox."""
    return {
        **portal_environment(sandbox.config),
        **app_environment(sandbox.config.issuer),
        "PORTAL_PUBLIC_URL": url,
        "PORTAL_DATABASE_URL": database_url,
        "PORTAL_RETAILER__NAME": "Nordvind Energi",
        "PORTAL_RETAILER__SUPPORT_PHONE": "+46 771 00 00 00",
        "PORTAL_LOG_LEVEL": "error",
        "PORTAL_OUTBOUND__FRESH_FOR": "0.5",
        # Everybody in the tests comes from one address.
        "PORTAL_LIMITS__ENABLED": "false",
    }
