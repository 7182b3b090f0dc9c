"""What the security stories share: something to link at each provider, and returns that are looked at before use."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from sqlalchemy import select

from portal.domain.link_session import Reason, State
from portal.sandbox.program import RunningSandbox
from portal.storage import tables
from tests.support.live import Installation, installation
from tests.support.person import Page, Person

IN_ENGLISH = {"PORTAL_LANGUAGES": "en", "PORTAL_DEFAULT_LANGUAGE": "en", "PORTAL_PODERO__DELETE_DEVICES": "true"}

LOOKED = frozenset({"checked_at", "checks", "woken_at", "claimed_until"})
"""What changes of an attempt though nothing comes of it."""


@dataclass(frozen=True)
class Choice:
    """What to choose to meet this provider, and two vendor accounts; `asked_there` is the vendor to name once more."""

    provider: str
    device_type: str
    vendor: str
    account: str
    other_account: str
    asked_there: str | None = None


NIBE = Choice("podero", "heat-pump", "nibe", "demomyuplink@nibe.se", "second@nibe.se", "nibe")
DAIKIN = Choice("nox", "heat-pump", "daikin", "one@example.com", "two@example.com")
EASEE = Choice("telematica", "charger", "easee", "one@example.com", "two@example.com")
CHOICES = (NIBE, DAIKIN, EASEE)


@contextmanager
def english_portal(
    sandbox: RunningSandbox, folder: Path, more: Mapping[str, str] | None = None
) -> Iterator[Installation]:
    """An installation in one language that ends access at Podero, too, where a device is removed."""
    with installation(sandbox, f"sqlite:///{folder}/portal.sqlite", {**IN_ENGLISH, **(more or {})}) as live:
        yield live


def leave(person: Person, choice: Choice) -> str:
    """Goes as far as the Connect UI; answers its address."""
    page = person.leave_for(choice.device_type, choice.vendor)
    assert f"/{choice.provider}/" in page.path, (page.path, page.text)
    return page.url


def sign_in_there(person: Person, connect_url: str, choice: Choice, account: str | None = None) -> str:
    """Signs in at the vendor in this person's browser; answers where the browser is sent, and does not go there."""
    if choice.asked_there is not None:
        person.post(connect_url, data={"vendor": choice.asked_there}, timeout=10)
    return submit_there(person, connect_url, action="sign-in", username=account or choice.account, password="Demo1234")


def cancel_there(person: Person, connect_url: str) -> str:
    return submit_there(person, connect_url, action="cancel")


def submit_there(person: Person, connect_url: str, **fields: str) -> str:
    answer = person.post(connect_url, data=fields, allow_redirects=False, timeout=10)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def arrive(person: Person, url: str) -> requests.Response:
    """Opens a return URL and looks at the answer before going on."""
    answer = person.get(url, allow_redirects=False, timeout=30)
    assert answer.status_code == 303, (answer.status_code, url)
    assert answer.headers["Location"].startswith("/"), answer.headers["Location"]
    return answer


def link(live: Installation, person: Person, choice: Choice, account: str | None = None) -> Page:
    """Links a device from the first click to the page that says so."""
    back = sign_in_there(person, leave(person, choice), choice, account)
    page = person.look(back)
    return person.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)


def attempts(live: Installation) -> list[Any]:
    """All attempts as they are stored, oldest first."""
    stored = tables.link_sessions
    with live.database.read() as tx:
        return list(tx.connection.execute(select(stored).order_by(stored.c.created_at, stored.c.id)).all())


def untouched(live: Installation) -> list[tuple[Any, ...]]:
    """All attempts as they are stored, but for what tells that somebody has looked once more: oldest first."""
    return [tuple(value for name, value in row._mapping.items() if name not in LOOKED) for row in attempts(live)]


def stands(live: Installation) -> list[tuple[State, Reason | None]]:
    """How all attempts stand, oldest first."""
    return [(State(row.state), Reason(row.reason) if row.reason else None) for row in attempts(live)]


def noted(live: Installation, object_id: str) -> list[str]:
    """What the audit log holds of one attempt or device."""
    with live.database.read() as tx:
        lines = select(tables.audit.c.action).where(tables.audit.c.object_id == object_id)
        return list(tx.connection.scalars(lines.order_by(tables.audit.c.id)).all())


def calls(live: Installation, provider: str, method: str = "", part: str = "") -> list[dict[str, Any]]:
    """The calls that a provider has had."""
    with live.sandbox.state.lock:
        had = list(live.sandbox.state.calls[provider])
    return [call for call in had if method in call["method"] and part in call["path"]]


def data_in(url: str) -> dict[str, Any]:
    """What a return from NOX says."""
    (data,) = parse_qs(urlsplit(url).query)["data"]
    claimed: dict[str, Any] = json.loads(base64.urlsafe_b64decode(data + "=" * (-len(data) % 4)))
    return claimed


def as_data(claimed: object) -> str:
    """The same, written as NOX writes it."""
    raw = claimed if isinstance(claimed, bytes) else json.dumps(claimed).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
