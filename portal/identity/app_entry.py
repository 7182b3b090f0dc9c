"""Coming in from the retailer's app: a signed token is changed for a code, and the code for a session, once each."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.domain.people import AppEntry, Customer
from portal.identity.app_keys import AppKeys
from portal.identity.app_token import Expected, TokenRefused, read_app_token
from portal.identity.calls import IssuerError
from portal.identity.login_sessions import note
from portal.storage import app_entries, customers
from portal.storage import login_sessions as stored
from portal.storage.database import Database, Transaction

CODE_LIFETIME = timedelta(seconds=60)

TIME_TO_ANSWER = timedelta(minutes=5)
"""How long a customer may read the question whether to go on as the one the app says they are."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A login session that was just opened. `token` is what makes a browser its own."""

    entry: AppEntry
    token: str


class AppDoor:
    """The door of one retailer's app. `session` is how long whoever came in stays signed in."""

    def __init__(self, expected: Expected, keys: AppKeys, database: Database, *, session: timedelta) -> None:
        self._expected = expected
        self._keys = keys
        self._database = database
        self._session = session

    def take_token(self, token: object, *, now: datetime) -> str:
        """The code for a good token, which is good for no other. Raises TokenRefused."""
        try:
            read = read_app_token(token, expected=self._expected, keys=self._keys.keys, now=now)
        except IssuerError as error:
            raise TokenRefused(f"keys_{error}") from None
        code = secrets.token_urlsafe(32)
        try:
            with self._database.write() as tx:
                app_entries.keep(
                    tx,
                    issuer=read.issuer,
                    token_id=read.token_id,
                    customer_id=customers.signed_in(tx, read.identity, now=now).id,
                    app_link=read.app_link,
                    target=read.target,
                    locale=read.identity.locale,
                    code=code,
                    now=now,
                    expires_at=now + CODE_LIFETIME,
                )
        except app_entries.Replayed:
            raise TokenRefused("token_replayed") from None
        return code

    def look(self, code: str, *, now: datetime) -> AppEntry:
        """The entry that a code opens, or has opened. Raises TokenRefused."""
        with self._database.read() as tx:
            entry = app_entries.by_code(tx, code)
        if entry is None:
            raise TokenRefused("code_unknown")
        if entry.entered_at is None and entry.expires_at <= now:
            raise TokenRefused("code_expired")
        return entry

    def enter(self, entry: AppEntry, *, now: datetime) -> Entered:
        """Uses the entry up and opens its session, in one transaction. Raises TokenRefused where another was first."""
        token = secrets.token_urlsafe(32)
        with self._database.write() as tx:
            if not app_entries.enter(tx, entry, now=now):
                raise TokenRefused("code_used")
            self._open(tx, entry, token, now)
        return Entered(entry, token)

    def ask(self, entry: AppEntry, *, browser: str, now: datetime) -> None:
        """Uses the code up for this browser, whose customer is asked first. Raises TokenRefused."""
        with self._database.write() as tx:
            if not app_entries.hold(tx, entry, browser, until=now + TIME_TO_ANSWER):
                raise TokenRefused("code_used")

    def asked(self, *, browser: str, now: datetime) -> AppEntry | None:
        """The entry that waits for a yes in this browser."""
        with self._database.read() as tx:
            return app_entries.held_by(tx, browser, now=now)

    def _open(self, tx: Transaction, entry: AppEntry, token: str, now: datetime) -> None:
        stored.purge(tx, now)
        session = stored.open(
            tx,
            entry.customer.id,
            token=token,
            id_token=None,
            now=now,
            expires_at=now + self._session,
            app_link=entry.app_link,
        )
        note(tx, entry.customer.id, "login_session.entered", session.id, now)


def is_of(entry: AppEntry, customer: Customer | None) -> bool:
    """Whether the entry is the customer's own."""
    return customer is not None and customer.id == entry.customer.id
