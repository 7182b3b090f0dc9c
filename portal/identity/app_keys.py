"""The keys of the retailer's backend: pinned to one address or one file, and read anew soon enough to take one back."""

import time
from collections.abc import Callable
from pathlib import Path

from joserfc.jwk import Key

from portal.identity.calls import Caller, IssuerError, json_object
from portal.identity.kept import Kept
from portal.identity.signatures import read_keys

KINDS = frozenset({"EC", "OKP"})


class AppKeys:
    """The public keys at `jwks_url` or in `jwks_file`, one of which is given. Safe for many threads."""

    def __init__(
        self,
        *,
        jwks_url: str | None,
        jwks_file: Path | None,
        timeout: float,
        ca_bundle: str | None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = jwks_url
        self._file = jwks_file
        self._caller = Caller(timeout=timeout, ca_bundle=ca_bundle)
        self._kept = Kept(self._read, ticks, self._caller.place)

    def keys(self, insist: bool = False) -> tuple[Key, ...]:
        """The keys that tokens may be signed with now. Raises IssuerError."""
        return self._kept.get(insist=insist)

    def _read(self) -> tuple[Key, ...]:
        return read_keys(self._from_file(self._file) if self._file else self._from_url(), KINDS)

    def _from_url(self) -> dict[str, object]:
        with self._caller.client() as client:
            return self._caller.call(client, "GET", str(self._url), withhold_token=True)

    def _from_file(self, file: Path) -> dict[str, object]:
        try:
            return json_object(file.read_bytes())
        except OSError:
            raise IssuerError("unreadable") from None
