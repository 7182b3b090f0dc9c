"""What a page may cost: requests, bytes, strangers' hosts, SQL statements."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy import event
from sqlalchemy.engine import Engine

from portal.domain.device import Connection
from portal.storage import tables
from tests.browser import scenes
from tests.browser.household import Household, lookalike, store
from tests.browser.visitor import Visitor
from tests.support.live import Installation
from tests.support.person import Person
from tests.support.sampling import sampled

pytestmark = pytest.mark.browser

Make = Callable[..., Visitor]

REQUESTS = 6
BYTES = 60_000
STATEMENTS = 5


@dataclass
class Traffic:
    """What went over the wire, as the browser's own network panel counts it: headers and compressed bodies."""

    addresses: list[str] = field(default_factory=list)
    size: float = 0

    def sent(self, message: dict[str, Any]) -> None:
        if not message["request"]["url"].startswith("data:"):
            self.addresses.append(message["request"]["url"])
            self.size += message.get("redirectResponse", {}).get("encodedDataLength", 0)

    def received(self, message: dict[str, Any]) -> None:
        self.size += message["encodedDataLength"]


@pytest.fixture
def live(household: Household) -> Installation:
    """The household's installation, as it is."""
    return household.live


@pytest.mark.parametrize("part", sampled(range(4), 0))
def test_a_first_visit_to_any_page_is_small_and_asks_nobody_else(
    browser: Browser, visitor: Make, live: Installation, household: Household, part: int
) -> None:
    anna = visitor(language="de")
    anna.sign_in("anna")
    her_cookies = anna.context.storage_state()
    strangers = dict.fromkeys(scenes.EVERYBODYS.values())
    hers = dict.fromkeys([*scenes.CUSTOMERS.values(), household.attempts["linked"]], her_cookies)
    too_much = []
    for path, cookies in list({**strangers, **hers}.items())[part::4]:
        traffic = first_visit(browser, live, path, cookies)
        assert all(address.startswith(f"{live.url}/") for address in traffic.addresses), (path, traffic.addresses)
        if len(traffic.addresses) > REQUESTS or traffic.size > BYTES:
            too_much.append(f"{path}: {len(traffic.addresses)} requests, {traffic.size:.0f} bytes")
    assert not too_much, "\n".join(too_much)


def first_visit(browser: Browser, live: Installation, path: str, cookies: Any) -> Traffic:
    """Opens the page in a browser that has nothing of ours yet but, perhaps, the cookies."""
    traffic = Traffic()
    with Visitor(browser, live, language="de", storage_state=cookies) as somebody:
        somebody.foreseen.update({404, 405})
        panel = somebody.context.new_cdp_session(somebody.page)
        panel.send("Network.enable")
        panel.on("Network.requestWillBeSent", traffic.sent)
        panel.on("Network.loadingFinished", traffic.received)
        somebody.open(path)
        somebody.page.wait_for_timeout(50)  # the panel's last messages come after the load
    return traffic


@pytest.mark.parametrize("count", [1, 40])
def test_the_devices_page_asks_the_database_little_however_many_devices_there_are(
    live: Installation, household: Household, count: int
) -> None:
    with Person(live.url) as carla:
        carla.sign_in("carla")
        model = replace(live.devices()[0], customer_id=id_of(live, "customer-carla"))
        for place in range(count):
            store(live, lookalike(model, f"{count} devices: {place}", Connection.WORKING))
        carla.look("/devices")
        with statements() as said:
            page = carla.look("/devices")
    assert len([link for link in page.links() if link.endswith("/remove")]) >= count
    assert len(said) <= STATEMENTS, "\n".join(said)


def id_of(live: Installation, subject: str) -> str:
    customers = tables.customers
    with live.database.read() as tx:
        return str(tx.connection.scalar(customers.select().where(customers.c.subject == subject)))


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that requests cause meanwhile; the steps behind the pages do not count."""
    said: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "process_request_thread" in threading.current_thread().name:
            said.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
