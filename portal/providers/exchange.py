"""One request and its answer: within its time, following nowhere, holding nothing too large, telling no secret."""

import re
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import HTTPError

from portal.providers.answers import Answer, JsonRefused, read_json, seconds_asked
from portal.providers.connect_url import is_loopback
from portal.providers.deadline import PlainPool, TlsPool, Watch, watch
from portal.providers.protocol import ProviderRefused, ProviderUnavailable, UnexpectedAnswer

CHUNK = 64 * 1024
TEXT_KEPT = 300
JSON_TYPE = re.compile(r"(?:application|text)/(?:[a-z0-9.-]+\+)?json", re.IGNORECASE)

Request = requests.PreparedRequest


class NotSent(ProviderUnavailable):
    """No connection came about: the provider cannot have done anything."""


class Lost(ProviderUnavailable):
    """The answer did not come, or not whole: the provider may have done what it was asked."""


@cache
def trust(ca_bundle: str | None) -> ssl.SSLContext:
    """The authorities that may speak for a provider; reading them anew for each call would cost more than the call."""
    context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
    if ca_bundle is not None:
        context.load_verify_locations(cafile=ca_bundle)
    return context


def prepared(place: str, method: str, url: str, **parts: Any) -> Request:
    """A request that can be sent, again too. Raises ProviderRefused."""
    scheme, _, rest = url.partition("://")
    if scheme != "https" and not (scheme == "http" and is_loopback(rest.partition("/")[0])):
        raise ProviderRefused(f"{place}: address is neither https nor loopback")
    headers = {"User-Agent": "device-portal", "Accept": "application/json", **(parts["headers"] or {})}
    request = requests.Request(
        method, url, headers=headers, params=parts["query"], json=parts["json"], data=parts["form"]
    )
    try:
        return request.prepare()
    except (requests.RequestException, ValueError):
        raise ProviderRefused(f"{place}: request cannot be built") from None


def exchange(
    place: str, request: Request, *, trusted: ssl.SSLContext, call: Watch, cap: int, needs_json: bool
) -> Answer:
    """Sends the request once. Raises NotSent, Lost, ProviderUnavailable (not to be trusted) or UnexpectedAnswer."""
    token = watch.set(call)
    try:
        with closing(Transport(trusted)) as transport, closing(_sent(place, transport, request, call)) as response:
            if 300 <= response.status_code < 400:
                raise UnexpectedAnswer(f"{place}: redirect {response.status_code}")
            raw = _body(place, response, cap)
    finally:
        watch.reset(token)
    return Answer(
        status=response.status_code,
        body=_document(place, response.status_code, response.headers, raw, needs_json=needs_json),
        retry_after=seconds_asked(response.headers.get("Retry-After")),
        text=raw[:TEXT_KEPT].decode("utf-8", "replace"),
    )


def _sent(place: str, transport: HTTPAdapter, request: Request, call: Watch) -> requests.Response:
    left = max(call.until - time.monotonic(), 0.001)
    try:
        return transport.send(request, stream=True, timeout=(call.connect_within(), left))
    except (requests.ConnectionError, requests.Timeout) as error:
        if call.is_connected:
            raise Lost(f"{place}: no answer") from None
        if isinstance(error, requests.exceptions.SSLError):
            raise ProviderUnavailable(f"{place}: no trusted connection") from None
        raise NotSent(f"{place}: no connection") from None
    except (requests.RequestException, HTTPError, ValueError):
        raise UnexpectedAnswer(f"{place}: not HTTP") from None


def _body(place: str, response: requests.Response, cap: int) -> bytes:
    """The decoded body; read piece by piece, so that what is too large is never held."""
    body = bytearray()
    try:
        for piece in response.iter_content(CHUNK):
            body += piece
            if len(body) > cap:
                raise UnexpectedAnswer(f"{place}: answer too large")
    except requests.exceptions.ContentDecodingError:
        raise UnexpectedAnswer(f"{place}: answer cannot be decoded") from None
    except (requests.RequestException, HTTPError, OSError):
        raise Lost(f"{place}: answer broke off") from None
    return bytes(body)


def _document(place: str, status: int, headers: Mapping[str, str], raw: bytes, *, needs_json: bool) -> object:
    """What the body says; None where it is empty or, in an answer that need not be JSON, something else."""
    is_needed = needs_json and 200 <= status < 300
    if not raw:
        return None
    stated = headers.get("Content-Type", "").partition(";")[0].strip()
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


class Transport(HTTPAdapter):
    """One call's connection: no proxy, no cookies, no redirects, our own trust."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context demands and verifies the certificate."""
