"""Three tabs with three customers, a thousand requests at once on real HTTP: nothing of one is on a page of another."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import requests
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.domain.link_session import State
from portal.domain.people import Identity
from portal.sandbox.program import RunningSandbox
from portal.storage import access_events, tables
from tests.support.databases import BOTH, Databases
from tests.support.live import Installation, serving
from tests.support.sampling import sampled
from tests.web.conftest import ENGLISH
from tests.web.desk import Desk
from tests.web.giving import give, give_renewal
from tests.web.visitor import Visitor

WORDS = ("Zebrafink", "Kaktusfeige", "Quarzlampe")
"""One for each customer: in their name, their address and all that they call theirs."""

AT_ONCE = 8
OF_THE_AGENT, OF_CUSTOMERS = 1000, 200


@pytest.fixture(scope="module", params=[pytest.param(BOTH[0], marks=pytest.mark.torture), BOTH[1]])
def running(
    request: pytest.FixtureRequest, web_sandbox: RunningSandbox, databases: Databases
) -> Iterator[Installation]:
    with serving(web_sandbox, databases.empty(request.param), ENGLISH) as live:
        yield live


@dataclass(frozen=True)
class Tab:
    """One customer's pages: `base` is what their addresses begin with, `cookies` those of whoever looks."""

    word: str
    customer_id: str
    base: str
    cookies: dict[str, str]
    paths: tuple[str, ...]

    def look(self, chance: random.Random) -> str:
        """Looks at one of the pages; answers what is wrong with it."""
        path = chance.choice(self.paths)
        answer = requests.get(self.base + path, cookies=self.cookies, allow_redirects=False, timeout=120)
        if answer.status_code != 200:
            return f"{answer.status_code} for {path} of {self.word}"
        found = {word for word in WORDS if word.casefold() in f"{answer.text} {answer.headers}".casefold()}
        return "" if found == {self.word} else f"{found} on {path} of {self.word}"


def tabs(running: Installation, desk: Desk, person: Visitor, word: str) -> tuple[Tab, Tab]:
    """The customer's own tab, and the agent's."""
    person.sign_in_as(
        Identity("https://issuer.example", word, f"{word}@example.com", f"{word} Andersson", number=f"{word}-1")
    )
    device = give(running, person, vendor_name=f"{word} AB", model=f"{word} 9", nickname=f"The {word}")
    attempt = give_renewal(running, device, State.WAITING, id=f"attempt-{word}", provider_reference=f"ref-{word}")
    assert person.customer
    customer_id, paths = person.customer.id, ("/devices", "/privacy", attempt, f"/devices/{device.id}/remove")
    prefix = desk.view(customer_id, ticket=f"Ticket {word}")
    return (
        Tab(word, customer_id, running.url, cookies(person.client, "portal"), paths),
        Tab(word, customer_id, f"{running.url}/support{prefix}", cookies(desk.client, "staff"), (*paths, "/timeline")),
    )


def cookies(client: FlaskClient, name: str) -> dict[str, str]:
    kept = client.get_cookie(name, domain="localhost")
    assert kept
    return {name: kept.value}


def seen_by(running: Installation, desk: Desk) -> Counter[str | None]:
    """How many of each customer's pages are on record as shown to the agent."""
    assert desk.agent
    events = tables.access_events.c
    shown = select(events.customer_id).where(
        events.actor == desk.agent.id, events.outcome == "200", events.action.not_like("%support.%")
    )
    with running.database.read() as tx:
        return Counter(tx.connection.scalars(shown.order_by(events.number)))


@pytest.mark.parametrize("share", sampled([1, 4], 1))
def test_a_thousand_looks_at_once_show_nothing_of_anybody_else(
    running: Installation, visitor: Callable[[], Visitor], share: int
) -> None:
    """In the sample a quarter of them."""
    of_the_agent, of_customers = OF_THE_AGENT // share, OF_CUSTOMERS // share
    desk, chance = Desk(running), random.Random(7)
    both = [tabs(running, desk, visitor(), word) for word in WORDS]
    own, viewed = [tab for tab, _ in both], [tab for _, tab in both]
    looks = [chance.choice(viewed) for _ in range(of_the_agent)] + [chance.choice(own) for _ in range(of_customers)]
    before = seen_by(running, desk)
    chance.shuffle(looks)
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        faults = list(crowd.map(lambda numbered: numbered[1].look(random.Random(numbered[0])), enumerate(looks)))
    assert not any(faults), sorted(set(faults))
    expected = Counter(tab.customer_id for tab in looks if tab in viewed)
    assert seen_by(running, desk) - before == expected
    assert expected.total() == of_the_agent
    with running.database.read() as tx:
        assert access_events.verify(tx).fault is None


def test_under_the_permission_for_one_customer_nothing_of_another_is_there(
    running: Installation, visitor: Callable[[], Visitor]
) -> None:
    desk = Desk(running, name="kim")
    mine, theirs = (tabs(running, desk, visitor(), word)[1] for word in ("Mine", "Theirs"))
    for path in theirs.paths:
        answer = requests.get(mine.base + path, cookies=mine.cookies, allow_redirects=False, timeout=120)
        assert answer.status_code == (404 if path in theirs.paths[2:4] else 200), path
        assert "Theirs" not in answer.text.replace(path, ""), path
