"""The sandbox as a program: the app put together, served for a demo or run beside a test."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Self
from urllib.parse import urlsplit

from flask import Flask, Response
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from portal.sandbox import app_page
from portal.sandbox.api_door import ApiDoor
from portal.sandbox.configuration import SandboxConfig
from portal.sandbox.connect_ui import ConnectPages
from portal.sandbox.control import Control
from portal.sandbox.issuer import Issuer
from portal.sandbox.leading_on import LeadingOn
from portal.sandbox.mail_server import MailServer, mailbox
from portal.sandbox.nox import Nox
from portal.sandbox.nox_events import NoxEvents
from portal.sandbox.podero import PoderoApi
from portal.sandbox.podero_devices import PoderoDevices
from portal.sandbox.postman import Postman
from portal.sandbox.staff_accounts import StaffAccounts
from portal.sandbox.state import SandboxState
from portal.sandbox.telematica import Telematica
from portal.sandbox.telematica_events import TelematicaEvents

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'"
BODY_LIMIT = 1024 * 1024
QUEUE_AT_THE_DOOR = 1024


class QuietHandler(WSGIRequestHandler):
    """No access log: addresses of hosted pages hold secrets, and the control page lists the calls."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


def create_sandbox(config: SandboxConfig) -> Flask:
    """A sandbox with an empty memory; `app.extensions["sandbox"]` is that memory."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    state = SandboxState(config)
    postman = Postman(state)
    podero, nox = PoderoDevices(state), Nox(state, NoxEvents(state, postman))
    telematica = Telematica(state, TelematicaEvents(state, postman))
    app.extensions["sandbox"] = state
    app.extensions["sandbox_postman"] = postman
    ApiDoor(state).install(app)
    LeadingOn(state).install(app)
    issuer = Issuer(app, state)
    accounts = StaffAccounts(state, issuer.memory)
    for part in (
        issuer,
        PoderoApi(state),
        podero,
        nox,
        telematica,
        ConnectPages(state, podero, "/podero/connect", "onboarding_session_id"),
        ConnectPages(state, nox, "/nox/ui", "token"),
        ConnectPages(state, telematica, "/telematica/connect", "session"),
        Control(state, {"podero": podero, "nox": nox, "telematica": telematica}, accounts),
    ):
        app.register_blueprint(part.blueprint())
    app.register_blueprint(app_page.blueprint())
    app.register_blueprint(mailbox(state))
    app.after_request(_add_headers)
    return app


def serve(config: SandboxConfig) -> None:
    """Serves at the config's address until SIGTERM or SIGINT."""
    address = urlsplit(config.url)
    host = address.hostname or "127.0.0.1"
    with _listening(host, address.port or 80) as listening:
        app = create_sandbox(config)
        server = _server(listening, app)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        with suppress(KeyboardInterrupt), ExitStack() as beside:
            beside.enter_context(_further_origins(app, host, config.further_origins))
            if config.smtp_port is not None:
                beside.enter_context(MailServer(app.extensions["sandbox"], config.smtp_port))
            print(f"Sandbox ready at {config.url}", flush=True)
            server.serve_forever(poll_interval=0.1)
    finally:
        server.server_close()


class RunningSandbox:
    """A sandbox on a free port of 127.0.0.1, in threads of this process, until `stop()`."""

    def __init__(self, config: SandboxConfig | None = None) -> None:
        with _listening("127.0.0.1", 0) as listening:
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            app = create_sandbox(replace(config or SandboxConfig(), url=self.url))
            self.state: SandboxState = app.extensions["sandbox"]
            self.mail_server = MailServer(self.state)
            self.config = replace(self.state.config, smtp_port=self.mail_server.port)
            self._postman: Postman = app.extensions["sandbox_postman"]
            self._server = _server(listening, app)
        self._further = _further_origins(app, "127.0.0.1", self.config.further_origins)
        self.origins = (self.url, *self._further.__enter__())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.mail_server.__enter__()

    def config_portal_url(self, portal_url: str, staff_url: str = "") -> None:
        """Tells where the portal lives, when that is known only later, and its support pages if they live elsewhere."""
        self.state.portal_url, self.state.staff_url = portal_url.rstrip("/"), staff_url.rstrip("/")
        self.config = replace(self.config, portal_url=self.state.portal_url, staff_url=self.state.staff_url)

    def has(self, url: str) -> bool:
        """Whether this is the address of one of its pages."""
        return any(url.startswith(f"{origin}/") for origin in self.origins)

    def stop(self) -> None:
        self._postman.stopping.set()
        self.mail_server.__exit__()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._further.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _listening(host: str, port: int) -> socket.socket:
    """A door at which a thousand browsers may stand at once."""
    return socket.create_server((host, port), backlog=QUEUE_AT_THE_DOOR)


def _server(listening: socket.socket, app: Flask) -> BaseWSGIServer:
    """A thread for each who comes; works on a copy of the socket, so the given one may be closed."""
    host, port = listening.getsockname()
    return make_server(host, port, app, threaded=True, request_handler=QuietHandler, fd=listening.fileno())


@contextmanager
def _further_origins(app: Flask, host: str, count: int) -> Iterator[tuple[str, ...]]:
    """The same program at further ports, which the system chooses: origins of their own for every browser."""
    with ExitStack() as open_until_then:
        origins = []
        for _ in range(count):
            with _listening(host, 0) as listening:
                server = _server(listening, app)
            thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
            thread.start()
            open_until_then.callback(server.server_close)
            open_until_then.callback(thread.join)
            open_until_then.callback(server.shutdown)
            origins.append(f"http://{host}:{server.port}")
        app.extensions["sandbox"].further_origins = tuple(origins)
        yield tuple(origins)


def _add_headers(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _interrupt(signum: int, frame: FrameType | None) -> None:
    del signum, frame
    raise KeyboardInterrupt
