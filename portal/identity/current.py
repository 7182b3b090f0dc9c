"""Who is asking: the signed-in customer of this request, and the browser it comes from.

The cookie holds two random tokens. One names the browser and outlives a sign-in: what was begun before it is finished
after it. The other names the login session, is new at every sign-in, and is worth nothing once its row is gone.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import flask_login
from flask import Flask, Response, current_app, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer

from portal.domain.people import Customer, LoginSession, Surface
from portal.identity import login_sessions
from portal.storage import login_sessions as stored
from portal.storage.database import Database

CONFIRMED_FOR = timedelta(minutes=15)
"""How long it counts that a customer has signed in anew for something grave."""

BROWSER, LANGUAGE, UNTIL, ASKS = "browser", "language", "until", "asks"
"""What the cookie holds beside the login session. `asks`: somebody signed out here, and nobody has signed in since."""


class Cookies(SecureCookieSessionInterface):
    """The cookie goes when the browser is closed, or at the moment that it names itself."""

    def __init__(self) -> None:
        self._serializer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Made once: every request needs it."""
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer

    def get_expiration_time(self, app: Flask, session: SessionMixin) -> datetime | None:  # noqa: ARG002 - Flask's own
        until = session.get(UNTIL)
        return datetime.fromtimestamp(until, UTC) if until is not None else None

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """An answer that whoever stands in between may keep for everybody carries nobody's cookie."""
        if "public" not in response.headers.get("Cache-Control", ""):
            super().save_session(app, session, response)


@dataclass(frozen=True, slots=True)
class _Door:
    """Where login sessions are looked up, and when it is."""

    database: Database
    clock: Callable[[], datetime]


class Visitor:
    """A signed-in browser as Flask-Login wants it."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, token: str, login_session: LoginSession) -> None:
        self.token = token
        self.login_session = login_session

    def get_id(self) -> str:
        """The random token, never the customer: ending the session ends every copy of the cookie."""
        return self.token


def init_app(app: Flask, database: Database, clock: Callable[[], datetime], *, is_https: bool) -> None:
    """Put the cookie and the customer behind it in place."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-portal" if is_https else "portal",
        SESSION_COOKIE_SECURE=is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_DOMAIN=None,
    )
    app.session_interface = Cookies()
    app.extensions["portal.identity"] = _Door(database, clock)
    manager = flask_login.LoginManager()
    # Flask-Login's own protection compares addresses, which change under a telephone; the token is what protects.
    manager.session_protection = None
    manager.user_loader(_load)
    manager.init_app(app, add_context_processor=False)


def init_view_as(app: Flask, observed: Callable[[], LoginSession | None]) -> None:
    """Where staff look at a customer's pages: nobody is signed in there, and the customer is whom they look at."""
    manager = flask_login.LoginManager()
    manager.session_protection = None
    manager.request_loader(lambda _request: Visitor("", found) if (found := observed()) else None)
    manager.init_app(app, add_context_processor=False)


def viewer() -> Customer | None:
    """The customer who is signed in, None for a stranger. Asks the database once per request."""
    visitor = _visitor()
    return visitor.login_session.customer if visitor else None


def app_link() -> str | None:
    """The way back to the retailer's app, for a session that was entered from it."""
    visitor = _visitor()
    return visitor.login_session.app_link if visitor else None


def is_confirmed() -> bool:
    """Whether the customer has shown lately that it is them, and not somebody who found this browser signed in."""
    visitor = _visitor()
    at = visitor.login_session.confirmed_at if visitor else None
    return at is not None and _door().clock() - at < CONFIRMED_FOR


def id_token() -> str | None:
    """The ID token of the customer's sign-in, for signing out at the issuer."""
    visitor = _visitor()
    if visitor is None:
        return None
    with _door().database.read() as tx:
        return stored.id_token(tx, visitor.token)


def login(token: str) -> None:
    """Make this browser the one of a login session just opened; what else the cookie held is over."""
    visitor = _load(token)
    if visitor is None:
        raise LookupError("the login session is not there")
    in_app = visitor.login_session.surface is Surface.APP
    # What a browser began before a sign-in it finishes afterwards; a webview begins anew, and so has another name.
    _start_over(keeping=(LANGUAGE,) if in_app else (BROWSER, LANGUAGE))
    if in_app:
        # It is not closed as a browser is: its cookie goes when the session does.
        session[UNTIL] = visitor.login_session.expires_at.timestamp()
    flask_login.login_user(visitor)


def logout() -> None:
    """End the login session of this browser. The next visitor gets the language, another name, and a question."""
    _start_over(keeping=(LANGUAGE,))
    flask_login.logout_user()
    session[ASKS] = True


def asks() -> bool:
    """Whether the next sign-in is a question, since the issuer may not know of the sign-out before it."""
    return bool(session.get(ASKS))


def is_known_browser() -> bool:
    """Whether this browser has been here before and keeps our cookie."""
    return BROWSER in session


def browser_token() -> str:
    """The random name of this browser, made when first asked for."""
    token = session.get(BROWSER)
    if not isinstance(token, str):
        token = session[BROWSER] = secrets.token_urlsafe(32)
    return token


def _start_over(*, keeping: tuple[str, ...]) -> None:
    """Close the login session that the cookie names, if any, and empty the cookie."""
    visitor = _visitor()
    if visitor is not None:
        login_sessions.sign_out(_door().database, visitor.token, _door().clock())
    kept = {name: session[name] for name in keeping if name in session}
    session.clear()
    session.update(kept)


def _visitor() -> Visitor | None:
    # Flask-Login looks the user up at each touch of its proxy.
    user = flask_login.current_user._get_current_object()  # noqa: SLF001 - as Werkzeug's documentation says
    return user if user.is_authenticated else None


def _load(token: str) -> Visitor | None:
    door = _door()
    with door.database.read() as tx:
        found = stored.by_token(tx, token, now=door.clock())
    return Visitor(token, found) if found else None


def _door() -> _Door:
    door: _Door = current_app.extensions["portal.identity"]
    return door
