"""A running sandbox, a portal-shaped listener for its events, and a visitor who fills in its pages."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urljoin, urlsplit

import html5lib
import pytest
import requests

from portal.sandbox.configuration import SandboxConfig
from portal.sandbox.program import RunningSandbox


class Listener(ThreadingHTTPServer):
    """Where a portal would be: keeps what is posted to it, answers with the next of `statuses`, then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receive)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.statuses: list[int] = []


class _Receive(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append((self.path, headers, body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Nothing."""


class Visitor(requests.Session):
    """A person's browser: follows no redirect but to the same page elsewhere, and only accepts valid HTML."""

    def look(self, url: str, **kwargs: Any) -> requests.Response:
        answer = self._valid(self.get(url, allow_redirects=False, timeout=10, **kwargs))
        asked, ahead = urlsplit(answer.url), urlsplit(answer.headers.get("Location", ""))
        is_same_page = bool(ahead.netloc) and asked[2:] == ahead[2:]
        return self.look(ahead.geturl()) if is_same_page else answer

    def press(self, url: str, **fields: str | list[str]) -> requests.Response:
        answer = self._valid(self.post(url, data=fields, allow_redirects=False, timeout=10))
        location = answer.headers.get("Location", "")
        return self.look(urljoin(url, location)) if location.startswith("/") else answer

    def sign_in(self, url: str, username: str, password: str = "Demo1234") -> requests.Response:
        return self.press(url, username=username, password=password, action="sign-in")

    def _valid(self, answer: requests.Response) -> requests.Response:
        if answer.headers.get("Content-Type", "").startswith("text/html") and answer.status_code not in (302, 303):
            html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(answer.text)
            assert "<script" not in answer.text
            assert "style=" not in answer.text
        return answer


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def running(listener: Listener) -> Iterator[RunningSandbox]:
    with RunningSandbox(SandboxConfig(portal_url="http://unknown.invalid")) as sandbox:
        sandbox.config_portal_url(listener.url)
        yield sandbox


@pytest.fixture
def sandbox(running: RunningSandbox, listener: Listener) -> RunningSandbox:
    """The module's sandbox, as just started."""
    running.state.reset()
    listener.received.clear()
    listener.statuses.clear()
    return running


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    with Visitor() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits until something is so, half a minute at most."""

    def wait(is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < deadline, "it never became so"
            time.sleep(0.02)

    return wait
