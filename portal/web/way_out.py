"""The way out of a webview, in which no vendor's sign-in is ever opened."""

from dataclasses import dataclass

import segno
from flask import url_for

from portal import i18n
from portal.domain.link_session import LinkSession
from portal.identity import current
from portal.journey import out
from portal.web.wiring import portal


@dataclass(frozen=True, slots=True)
class WayOut:
    """`ticket_url` is for an app that opens it in the system's browser; `page_url` can be opened anywhere by hand.

    The page asks whoever opens it to sign in, so it is no secret; `picture` is the same as a QR code.
    """

    ticket_url: str | None
    page_url: str
    picture: str


def way_out_of_webview(attempt: LinkSession) -> WayOut:
    """How the customer goes on with an attempt outside of this webview."""
    return WayOut(_ticket_url(attempt), *by_hand(attempt.id))


def by_hand(link_session_id: str) -> tuple[str, str]:
    """The address of the attempt's page and a picture of it, to go on with on any device."""
    return elsewhere(url_for("link_sessions.attempt", link_session_id=link_session_id))


def elsewhere(path: str) -> tuple[str, str]:
    """The whole address of a page of ours that asks for a sign-in, and a picture of it."""
    url = f"{portal().site.origin}{path}"
    return url, segno.make(url, micro=False, error="m").svg_data_uri(scale=4, border=4, dark="#000", light="#fff")


def _ticket_url(attempt: LinkSession) -> str | None:
    """One use, one minute; None where no app is known to let the customer out."""
    app_link = current.app_link()
    if app_link is None:
        return None
    text = out.ticket(
        ports=portal().ports,
        attempt=attempt,
        app_link=app_link,
        language=i18n.current_language(),
        now=portal().clock(),
    )
    return url_for("out.open_with", text=text)
