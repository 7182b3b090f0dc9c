"""Sign-ins under way at the issuer. Kept here and not in a cookie, so that any number may be abandoned."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from portal.storage import tables
from portal.storage.database import Transaction
from portal.storage.sealing import hashed

_sign_ins = tables.sign_ins

REMEMBERED = timedelta(days=1)
"""How long after its end it is known what a sign-in was for: long enough for an answer that comes late or twice."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """What has to be known again when the customer comes back from the issuer.

    `confirms`: it is to show anew that it is them, after `begun_at`.
    """

    nonce: str
    code_verifier: str
    target: str
    language: str
    begun_at: datetime
    confirms: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """What a sign-in was for. `is_retry`: it was started once more by itself, after one that came to nothing."""

    target: str
    confirms: bool
    is_retry: bool


def begin(
    tx: Transaction,
    *,
    state: str,
    browser: str,
    nonce: str,
    code_verifier: str,
    target: str,
    language: str,
    now: datetime,
    expires_at: datetime,
    confirms: bool = False,
    is_retry: bool = False,
) -> None:
    """Keeps a sign-in that left for the issuer with this random `state`, in this browser."""
    sign_in = insert(_sign_ins).values(
        state_hash=hashed(state),
        browser_hash=hashed(browser),
        nonce=nonce,
        code_verifier_sealed=tx.seal(code_verifier),
        target=target,
        language=language,
        confirms=confirms,
        is_retry=is_retry,
        created_at=now,
        expires_at=expires_at,
    )
    tx.connection.execute(sign_in)


def take(tx: Transaction, *, state: str, browser: str, now: datetime) -> SignIn | None:
    """The sign-in, once: whoever asks again gets None, and another browser never gets it nor spoils it."""
    mine = (_sign_ins.c.state_hash == hashed(state), _sign_ins.c.browser_hash == hashed(browser))
    is_open = _sign_ins.c.taken_at.is_(None)
    taken = update(_sign_ins).where(*mine, is_open).values(taken_at=now).returning(*_sign_ins.c)
    row = tx.connection.execute(taken).mappings().one_or_none()
    if row is None or row["expires_at"] <= now:
        return None
    code_verifier = tx.unseal(row["code_verifier_sealed"])
    if code_verifier is None:
        return None
    return SignIn(
        nonce=row["nonce"],
        code_verifier=code_verifier,
        target=row["target"],
        language=row["language"],
        begun_at=row["created_at"],
        confirms=row["confirms"],
    )


def begun(tx: Transaction, state: str) -> Begun | None:
    """What the sign-in of this `state` was for, whichever browser asks and however it ended: that is no secret."""
    wanted = select(_sign_ins.c.target, _sign_ins.c.confirms, _sign_ins.c.is_retry)
    row = tx.connection.execute(wanted.where(_sign_ins.c.state_hash == hashed(state))).one_or_none()
    return Begun(*row) if row else None


def purge(tx: Transaction, now: datetime) -> None:
    """Deletes the sign-ins that ended a while ago."""
    tx.connection.execute(delete(_sign_ins).where(_sign_ins.c.expires_at <= now - REMEMBERED))
