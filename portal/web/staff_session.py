"""The cookie of a signed-in agent, which is another than a customer's, and who the agent is."""

import secrets
from typing import cast

from flask import g, session

from portal import i18n
from portal.domain.support import Agent
from portal.journey.support import Viewing

TOKEN, BROWSER, OWN_LANGUAGE, ASKS = "agent", "browser", "own_language", "asks"


def browser() -> str:
    """The random name of this browser, made when first asked for."""
    token = session.get(BROWSER)
    if not isinstance(token, str):
        token = session[BROWSER] = secrets.token_urlsafe(32)
    return token


def open(token: str) -> None:  # noqa: A001 - `staff_session.open` is how it is read
    """Makes this browser the one of a session just opened; of what the cookie held only the language stays."""
    language = session.get(i18n.CHOICE)
    session.clear()
    session[TOKEN] = token
    if language:
        session[i18n.CHOICE] = language


def close() -> None:
    """Ends it; the next sign-in is a question, since the issuer may not know of this sign-out."""
    session.clear()
    session[ASKS] = True


def asks() -> bool:
    """Whether somebody signed out here, and nobody has signed in since."""
    return bool(session.get(ASKS))


def agent() -> Agent:
    """Who of the staff is asking."""
    return cast(Agent, g.agent)


def viewing() -> Viewing | None:
    """What the agent looks at, on the customer's pages."""
    found: Viewing | None = g.get("viewing")
    return found


def chosen_language() -> str | None:
    """The customer's pages are in the customer's language, unless the agent asked for their own."""
    if viewing() is None:
        return i18n.own_choice()
    return agents_language() if session.get(OWN_LANGUAGE) else None


def agents_language() -> str:
    """The language of what is said to the agent."""
    return i18n.browsers_language()
