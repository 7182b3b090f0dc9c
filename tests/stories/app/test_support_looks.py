"""While a customer goes out of the app and comes back, an agent looks at every page: nothing there lets anybody in."""

from collections.abc import Iterator
from itertools import product

import pytest
from sqlalchemy import select

from portal.domain.support import Role
from portal.storage import tables
from tests.stories import letting_out, strangers
from tests.stories.letting_out import CHROME, Make
from tests.stories.strangers import CHOICES, Choice
from tests.support.live import Installation
from tests.support.person import Person
from tests.support.retailer import ANDROID_WEBVIEW, IPHONE_WEBVIEW
from tests.support.sampling import sampled
from tests.web.desk import Desk
from tests.web.test_support import observed_routes

WAYS_OUT = (
    "/out/",
    "elsewhere__picture",
    "page-url",
    "data-follow-once",
    "data-auto-submit",
    "/app/",
    "code=",
    "gAAAA",
    "eyJ",
)
"""What only a customer's page has: a ticket, a code to scan, an address to copy, what goes on by itself."""

BROWSERS = (CHROME, ANDROID_WEBVIEW, IPHONE_WEBVIEW)


class Onlooker:
    """An agent who looks at all there is of a customer, in any browser, and collects what should not be there."""

    def __init__(self, live: Installation) -> None:
        self.live = live
        self.desk = Desk(live, Role.LEAD, "lea")
        self.prefix = self.desk.view(customer_id(live))
        self.secrets: dict[str, str] = {}

    def knows(self, **secrets: str) -> None:
        """What has come up, which is looked for from now on; and all that the database keeps under a seal."""
        self.secrets |= secrets
        self.secrets |= {f"sealed {number}": secret for number, secret in enumerate(under_seal(self.live))}

    def look(self) -> set[str]:
        """Looks at everything; answers what was found."""
        self.knows()
        unwanted = {**self.secrets, **{what: what for what in WAYS_OUT}, "a provider": f"{self.live.sandbox.url}/"}
        found = set()
        for path, browser, as_piece in product(self.paths(), BROWSERS, ({}, {"HX-Request": "true"})):
            answer = self.desk.send("GET", path, headers={"User-Agent": browser, **as_piece})
            told = f"{answer.text} {answer.headers}"
            found |= {f"{name} on {path}" for name, secret in unwanted.items() if secret in told}
        return found

    def paths(self) -> Iterator[str]:
        yield from ("/", "/?q=anna", f"/customers/{customer_id(self.live)}")
        yield f"/grants/{self.prefix.rpartition('/')[2]}/help"
        attempts, devices = ids(self.live, "link_sessions"), ids(self.live, "devices")
        for method, rule in sorted(observed_routes(self.live)):
            if method != "GET":
                continue
            path = rule.replace("/as/<grant>", self.prefix).replace("<device_type:device_type>", "heat-pump")
            for attempt in attempts:
                for device in devices or ["none"]:
                    one = path.replace("<vendor_key>", "nibe").replace("<link_session_id>", attempt)
                    yield one.replace("<device_id>", device)


def customer_id(live: Installation) -> str:
    (found,) = ids(live, "customers")
    return found


def ids(live: Installation, table: str) -> list[str]:
    column = tables.metadata.tables[table].c.id
    with live.database.read() as tx:
        return list(tx.connection.scalars(select(column).order_by(column)))


def under_seal(live: Installation) -> list[str]:
    """The links to providers and the proofs of sign-ins."""
    links, sessions = tables.link_sessions.c, tables.login_sessions.c
    with live.database.read() as tx:
        kept = [
            *tx.connection.scalars(select(links.connect_url_sealed).order_by(links.id)),
            *tx.connection.scalars(select(sessions.id_token_sealed).order_by(sessions.id)),
        ]
        return [secret for sealed in kept if sealed and (secret := tx.unseal(sealed))]


@pytest.fixture
def onlooker(live: Installation, anna: Person) -> Onlooker:
    return Onlooker(live)


@pytest.mark.parametrize("choice", sampled(CHOICES, 0), ids=lambda choice: choice.provider)
def test_an_agent_who_looks_at_every_step_sees_no_way_out_and_no_way_back(
    live: Installation, person: Make, anna: Person, onlooker: Onlooker, choice: Choice
) -> None:
    browser, laptop = person(), person()
    laptop.sign_in("anna")
    token = laptop.look("/privacy").form("/privacy/support-code")
    code = laptop.submit(token).tree.find(".//strong[@class='code']")
    onlooker.knows(**{"support code": f">{code.text}<"})

    ticket = letting_out.ticket_on(letting_out.chooses(anna, choice))
    onlooker.knows(ticket=ticket.rpartition("/")[2])
    assert not onlooker.look()
    connect_url = letting_out.goes_on(browser, letting_out.opens(browser, ticket))
    onlooker.knows(link=connect_url)
    assert not onlooker.look()
    back = strangers.sign_in_there(browser, connect_url, choice)
    onlooker.knows(back=back)
    assert not onlooker.look()
    words = letting_out.words_on(browser.look(back))
    onlooker.knows(completion=str(words.code))
    assert not onlooker.look()
    letting_out.hands_over(anna, words)
    anna.sees("/devices", lambda _: len(live.devices()) == 1)
    assert not onlooker.look()
    assert len(onlooker.secrets) >= 6
