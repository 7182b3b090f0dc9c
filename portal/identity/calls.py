"""Calls to an issuer, with our manners: a deadline, a cap, no redirect followed and no proxy trusted."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

from authlib.integrations.requests_client import OAuth2Session

from portal.providers.deadline import Watch, watch
from portal.providers.exchange import Transport, trust

LARGEST_ANSWER = 256 * 1024

AT_ONCE = 3
"""How many threads of a process wait for one issuer: the others have pages to answer."""

PATIENCE = 0.25
"""Seconds to wait for a place."""


class IssuerError(Exception):
    """The issuer did not answer as it must. The text is one of our own fixed words, for the log."""


class IssuerBusy(IssuerError):
    """So many wait for the issuer already that nobody else does: the same works a little later."""


class Caller:
    """Makes calls; `timeout` is the seconds for a whole one. Safe for many threads, of which few wait at a time."""

    def __init__(self, *, timeout: float, ca_bundle: str | None) -> None:
        self._timeout = timeout
        self._ca_bundle = ca_bundle
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._here = threading.local()

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place among the few that may wait for the issuer, for all calls within. Raises IssuerBusy."""
        if getattr(self._here, "is_taken", False):
            yield
            return
        if not self._places.acquire(timeout=PATIENCE):
            raise IssuerBusy("issuer_busy")
        self._here.is_taken = True
        try:
            yield
        finally:
            self._here.is_taken = False
            self._places.release()

    def client(self, **options: Any) -> OAuth2Session:
        """Authlib's client with our manners."""
        client = OAuth2Session(default_timeout=self._timeout, **options)
        client.trust_env = False
        for scheme in ("https://", "http://"):
            client.mount(scheme, Transport(trust(self._ca_bundle)))
        return client

    def call(self, client: OAuth2Session, method: str, url: str, **options: Any) -> dict[str, Any]:
        """The JSON object that answers a call with 200. Raises IssuerError."""
        return json_object(self.body(client, method, url, **options))

    def body(self, client: OAuth2Session, method: str, url: str, **options: Any) -> bytes:
        """What answers a call with 200. Raises IssuerError."""
        with self.place():
            return self._body(client, method, url, **options)

    def _body(self, client: OAuth2Session, method: str, url: str, **options: Any) -> bytes:
        # Each single byte may come in time and the whole never: what is looked at is when all of it must be here.
        until = watch.set(Watch(time.monotonic() + self._timeout, self._timeout))
        try:
            with client.request(method, url, allow_redirects=False, stream=True, **options) as response:
                body = b""
                for piece in response.iter_content(8192):
                    body += piece
                    if len(body) > LARGEST_ANSWER:
                        raise IssuerError("answer_too_long")
                status = response.status_code
        except (OSError, ValueError):
            raise IssuerError("issuer_unreachable") from None
        finally:
            watch.reset(until)
        if status != 200:
            raise IssuerError(f"answer_status_{status}")
        return body


def json_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises IssuerError."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise IssuerError("answer_not_json")
    return document
