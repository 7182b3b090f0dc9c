"""The one way out: HTTP calls that end in time, follow nowhere and tell no secret."""

import ipaddress
import random
import re
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import requests
import structlog
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import HTTPError

from portal.providers.answers import Answer, JsonRefused, read_json, seconds_asked
from portal.providers.deadline import PlainPool, TlsPool, ends_at
from portal.providers.protocol import ProviderError, ProviderRefused, ProviderUnavailable, UnexpectedAnswer

log = structlog.get_logger(__name__)

CHUNK = 64 * 1024
TEXT_KEPT = 300
LONGEST_URL = 8000
JSON_TYPE = re.compile(r"(?:application|text)/(?:[a-z0-9.-]+\+)?json", re.IGNORECASE)
COME_BACK_LATER = frozenset({408, 425, 429})
CONNECT_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?"
)


class ComeBackLater(ProviderUnavailable):
    """The provider answered that it cannot now; `retry_after` are the seconds it asks for, None where it names none."""

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class _NotConnected(ProviderUnavailable):
    """No answer came of it; a call that changes nothing may be made again."""


class Gateway:
    """Calls one provider, each call on its own connection: a kept one that died leaves a POST's outcome unknown."""

    def __init__(
        self,
        provider: str,
        *,
        ca_bundle: str | None = None,
        connect_timeout: float = 1.0,
        deadline: float = 8.0,
        cap: int = 1024 * 1024,
        concurrency: int = 64,
        observer: object = None,
    ) -> None:
        self._provider = provider
        self._connect_timeout = connect_timeout
        self._deadline = deadline
        self._cap = cap
        self._context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
        if ca_bundle is not None:
            self._context.load_verify_locations(cafile=ca_bundle)

    def call(
        self,
        name: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        needs_json: bool = True,
    ) -> Answer:
        """One call within the deadline, whatever its status but a redirect.

        `needs_json`: a success with another body is an UnexpectedAnswer. Raises ProviderError.
        """
        request = self._prepared(name, method, url, headers=headers, query=query, json=json, form=form)
        until = time.monotonic() + self._deadline
        try:
            return self._observed(name, request, until, needs_json=needs_json)
        except _NotConnected:
            pause = random.uniform(0.05, 0.25)  # noqa: S311 - spreads callers out, guards nothing
            if method != "GET" or time.monotonic() + pause >= until:
                raise
        time.sleep(pause)
        return self._observed(name, request, until, needs_json=needs_json)

    def settled(self, name: str, answer: Answer) -> Answer:
        """The answer where it is a success. Raises ProviderUnavailable or ProviderRefused."""
        if answer.is_success:
            return answer
        message = f"{self._provider} {name}: status {answer.status}"
        if answer.status >= 500 or answer.status in COME_BACK_LATER:
            raise ComeBackLater(message, answer.retry_after)
        raise ProviderRefused(message)

    def _prepared(self, name: str, method: str, url: str, **parts: Any) -> requests.PreparedRequest:
        scheme, _, rest = url.partition("://")
        if scheme != "https" and not (scheme == "http" and is_loopback(rest.partition("/")[0])):
            raise ProviderRefused(f"{self._provider} {name}: address is neither https nor loopback")
        headers = {"User-Agent": "device-portal", "Accept": "application/json", **(parts["headers"] or {})}
        request = requests.Request(
            method, url, headers=headers, params=parts["query"], json=parts["json"], data=parts["form"]
        )
        try:
            return request.prepare()
        except (requests.RequestException, ValueError):
            raise ProviderRefused(f"{self._provider} {name}: request cannot be built") from None

    def _observed(self, name: str, request: requests.PreparedRequest, until: float, *, needs_json: bool) -> Answer:
        started = time.monotonic()
        try:
            answer = self._exchange(name, request, until, needs_json=needs_json)
        except ProviderError as error:
            log.warning(
                "provider_call_failed", call=name, ms=_ms_since(started), failure=str(error), provider=self._provider
            )
            raise
        log.info("provider_call", call=name, ms=_ms_since(started), status=answer.status, provider=self._provider)
        return answer

    def _exchange(self, name: str, request: requests.PreparedRequest, until: float, *, needs_json: bool) -> Answer:
        place = f"{self._provider} {name}"
        token = ends_at.set(until)
        try:
            with (
                closing(_Transport(self._context)) as transport,
                closing(self._sent(place, transport, request, until)) as response,
            ):
                if 300 <= response.status_code < 400:
                    raise UnexpectedAnswer(f"{place}: redirect {response.status_code}")
                raw = self._body(place, response)
        finally:
            ends_at.reset(token)
        return Answer(
            status=response.status_code,
            body=_document(place, response, raw, needs_json=needs_json),
            retry_after=seconds_asked(response.headers.get("Retry-After")),
            text=raw[:TEXT_KEPT].decode("utf-8", "replace"),
        )

    def _sent(
        self, place: str, transport: HTTPAdapter, request: requests.PreparedRequest, until: float
    ) -> requests.Response:
        left = max(until - time.monotonic(), 0.001)
        try:
            return transport.send(request, stream=True, timeout=(min(self._connect_timeout, left), left))
        except requests.exceptions.SSLError:
            raise ProviderUnavailable(f"{place}: no trusted connection") from None
        except requests.ConnectionError:
            raise _NotConnected(f"{place}: no connection") from None
        except requests.Timeout:
            raise ProviderUnavailable(f"{place}: no answer in time") from None
        except (requests.RequestException, HTTPError, ValueError):
            raise UnexpectedAnswer(f"{place}: not HTTP") from None

    def _body(self, place: str, response: requests.Response) -> bytes:
        """The decoded body; read piece by piece, so that what is too large is never held."""
        body = bytearray()
        try:
            for piece in response.iter_content(CHUNK):
                body += piece
                if len(body) > self._cap:
                    raise UnexpectedAnswer(f"{place}: answer too large")
        except requests.exceptions.ContentDecodingError:
            raise UnexpectedAnswer(f"{place}: answer cannot be decoded") from None
        except (requests.RequestException, HTTPError, OSError):
            raise ProviderUnavailable(f"{place}: answer broke off") from None
        return bytes(body)


def trusted_connect_url(url: object, hosts: tuple[str, ...]) -> str:
    """Where to send a customer: https (http to loopback only), to a listed host[:port]. Raises UnexpectedAnswer."""
    if not isinstance(url, str) or len(url) > LONGEST_URL:
        raise UnexpectedAnswer("connect URL is missing or too long")
    match = CONNECT_URL.fullmatch(url)
    if match is None:
        raise UnexpectedAnswer("connect URL is malformed")
    if match["host"].lower() not in [host.lower() for host in hosts]:
        raise UnexpectedAnswer("connect URL leads to a host that is not listed")
    if match["scheme"] == "http" and not is_loopback(match["host"]):
        raise UnexpectedAnswer("connect URL is not https")
    return url


def is_loopback(host: str) -> bool:
    """Whether this host[:port] is this very machine."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _document(place: str, response: requests.Response, raw: bytes, *, needs_json: bool) -> object:
    """What the body says; None where it is empty or, in an answer that need not be JSON, something else."""
    is_needed = needs_json and 200 <= response.status_code < 300
    if not raw:
        return None
    stated = response.headers.get("Content-Type", "").partition(";")[0].strip()
    if stated and not JSON_TYPE.fullmatch(stated):
        if is_needed:
            raise UnexpectedAnswer(f"{place}: answer is not JSON by type")
        return None
    try:
        return read_json(raw)
    except JsonRefused:
        if is_needed:
            raise UnexpectedAnswer(f"{place}: answer is not readable JSON") from None
        return None


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


class _Transport(HTTPAdapter):
    """One call's connection: no proxy, no cookies, no redirects, the gateway's own trust."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context demands and verifies the certificate; reading the bundle anew for each call would cost more."""
