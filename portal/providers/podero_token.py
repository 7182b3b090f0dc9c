"""Podero's access token: fetched once for many callers, renewed while the one before is still good."""

import base64
import math
import random
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import structlog

from portal.providers.answers import Answer, members
from portal.providers.http import Gateway
from portal.providers.protocol import ProviderError, UnexpectedAnswer

log = structlog.get_logger(__name__)

MARGIN = 60
LONGEST_LIFE = 24 * 3600
UNSTATED_LIFE = 5 * 60
RENEWED_AT = (0.75, 0.85)
"""The part of its life after which a token is renewed; uneven, so that processes do not all do it at once."""

REST_AFTER_FAILURE = 30.0
WRONG_BODY = frozenset({400, 415, 422})
WRONG_PLACE = frozenset({404, 405})
TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
SECONDS = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,10})?")
SPREAD = random.Random()  # noqa: S311 - spreads processes out, guards nothing
GRANT = {"grant_type": "client_credentials"}


@dataclass(frozen=True, slots=True)
class _Held:
    """A token, when to renew it and until when it may be used, by the monotonic clock."""

    token: str = field(repr=False)
    renew_at: float
    until: float


class PoderoToken:
    """The token of one organisation. Safe among threads."""

    def __init__(
        self,
        gateway: Gateway,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gateway = gateway
        self._token_url = token_url
        basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}", "Cache-Control": "no-cache"}
        self._clock = clock
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._fetching: Future[str] | None = None

    def get(self) -> str:
        """A token that is good now. One caller fetches it; where there is none, the others share that fetch."""
        with self._lock:
            now = self._clock()
            held = self._held if self._held is not None and now < self._held.until else None
            shared = self._fetching
            if held is not None and (now < held.renew_at or shared is not None):
                return held.token
            mine: Future[str] = Future()
            if shared is None:
                self._fetching = mine
        if shared is not None:
            return shared.result()
        try:
            return self._fetched(mine)
        except ProviderError:
            if held is None:
                raise
            return held.token

    def drop(self, token: str) -> None:
        """Forgets this token, which was refused; a newer one stays."""
        with self._lock:
            if self._held is not None and self._held.token == token:
                self._held = None

    def _fetched(self, mine: Future[str]) -> str:
        try:
            held = self._fetch()
        except BaseException as error:
            with self._lock:
                self._fetching = None
                if self._held is not None:
                    self._held = replace(self._held, renew_at=self._clock() + REST_AFTER_FAILURE)
            mine.set_exception(error)
            raise
        with self._lock:
            self._fetching = None
            self._held = held
        mine.set_result(held.token)
        return held.token

    def _fetch(self) -> _Held:
        answer = self._asked(as_json=False)
        if answer.status in WRONG_BODY:
            answer = self._asked(as_json=True)
        if answer.status in WRONG_PLACE:
            log.error("podero_token_url_wrong", hint="the token URL may be /oauth2/token/ on the same host")
        granted = members(self._gateway.settled("token", answer).body)
        token = granted.get("access_token")
        if not isinstance(token, str) or not TOKEN.fullmatch(token):
            raise UnexpectedAnswer("podero token: no usable access_token")
        now, life = self._clock(), life_of(granted.get("expires_in"))
        part = SPREAD.uniform(*RENEWED_AT)
        return _Held(token, renew_at=now + part * life, until=now + life)

    def _asked(self, *, as_json: bool) -> Answer:
        return self._gateway.call(
            "token",
            "POST",
            self._token_url,
            headers=self._headers,
            json=GRANT if as_json else None,
            form=None if as_json else GRANT,
            repeatable=True,
        )


def life_of(expires_in: object) -> float:
    """How long a token may be kept: briefly where the answer does not say, as a 401 renews it anyway."""
    if isinstance(expires_in, str):
        expires_in = float(expires_in) if SECONDS.fullmatch(expires_in.strip()) else None
    if not isinstance(expires_in, int | float) or isinstance(expires_in, bool) or not 0 < expires_in < math.inf:
        return UNSTATED_LIFE
    return min(max(expires_in - MARGIN, 0), LONGEST_LIFE)
