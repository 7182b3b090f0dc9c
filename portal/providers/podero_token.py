"""Podero's access token: fetched once for many callers, kept until shortly before it ends."""

import base64
import math
import re
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog

from portal.providers.answers import Answer, members
from portal.providers.http import Gateway
from portal.providers.protocol import UnexpectedAnswer

log = structlog.get_logger(__name__)

MARGIN = 60
LONGEST_LIFE = 24 * 3600
UNSTATED_LIFE = 5 * 60
WRONG_BODY = frozenset({400, 415, 422})
WRONG_PLACE = frozenset({404, 405})
TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
SECONDS = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,10})?")
GRANT = {"grant_type": "client_credentials"}


@dataclass(frozen=True, slots=True)
class _Held:
    """A token and until when, by the monotonic clock, it may be used."""

    token: str = field(repr=False)
    until: float


class PoderoToken:
    """The token of one organisation. Safe among threads."""

    def __init__(self, gateway: Gateway, token_url: str, client_id: str, client_secret: str) -> None:
        self._gateway = gateway
        self._token_url = token_url
        basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}", "Cache-Control": "no-cache"}
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._fetching: Future[str] | None = None

    def get(self) -> str:
        """A token that is good now. Whoever asks while it is being fetched shares that fetch, and its failure."""
        with self._lock:
            if self._held is not None and time.monotonic() < self._held.until:
                return self._held.token
            shared = self._fetching
            mine: Future[str] = Future()
            if shared is None:
                self._fetching = mine
        return self._fetched(mine) if shared is None else shared.result()

    def drop(self, token: str) -> None:
        """Forgets this token, which was refused; a newer one stays."""
        with self._lock:
            if self._held is not None and self._held.token == token:
                self._held = None

    def _fetched(self, mine: Future[str]) -> str:
        held: _Held | None = None
        try:
            held = self._fetch()
            mine.set_result(held.token)
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                self._held = held
                self._fetching = None
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
        return _Held(token, time.monotonic() + life_of(granted.get("expires_in")))

    def _asked(self, *, as_json: bool) -> Answer:
        return self._gateway.call(
            "token",
            "POST",
            self._token_url,
            headers=self._headers,
            json=GRANT if as_json else None,
            form=None if as_json else GRANT,
        )


def life_of(expires_in: object) -> float:
    """How long a token may be kept: briefly where the answer does not say, as a 401 renews it anyway."""
    if isinstance(expires_in, str):
        expires_in = float(expires_in) if SECONDS.fullmatch(expires_in.strip()) else None
    if not isinstance(expires_in, int | float) or isinstance(expires_in, bool) or not 0 < expires_in < math.inf:
        return UNSTATED_LIFE
    return min(max(expires_in - MARGIN, 0), LONGEST_LIFE)
