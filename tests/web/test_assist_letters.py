"""What customers are told by e-mail: in their language, kept while the mail server is away, and never lost."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.app import open_database, open_queue, ports
from portal.domain.device import Connection
from portal.domain.support import Role
from portal.i18n import language_of
from portal.journey import letters
from portal.journey.ports import Ports
from portal.journey.reconcile import reconcile
from portal.sandbox.program import RunningSandbox
from portal.storage import audit, outbox, tables
from tests.support.databases import BOTH, Databases
from tests.support.live import Installation, serving
from tests.web.desk import Desk
from tests.web.giving import give
from tests.web.visitor import Visitor

BILINGUAL = {"PORTAL_LANGUAGES": "en,sv", "PORTAL_DEFAULT_LANGUAGE": "en"}
NOW = datetime.now(UTC)


@pytest.fixture(scope="module", params=BOTH)
def silent(request: pytest.FixtureRequest, web_sandbox: RunningSandbox, databases: Databases) -> Iterator[Installation]:
    """The pages without a worker: what is to be sent lies there."""
    with serving(web_sandbox, databases.empty(request.param), BILINGUAL) as live:
        yield live


@pytest.fixture
def invited(silent: Installation) -> Iterator[Visitor]:
    """A customer who was invited to reconnect a device; the letter is on its way."""
    silent.sandbox.state.mails.clear()
    with silent.database.write() as tx:
        tx.connection.execute(tables.outbox.delete())
    person = Visitor(silent.app, silent.url).sign_in("greta")
    assert person.customer
    with silent.database.write() as tx:
        mine = tables.customers.c.id == person.customer.id
        tx.connection.execute(tables.customers.update().where(mine).values(language="sv"))
    device = give(silent, person, connection=Connection.NEEDS_REAUTHENTICATION)
    desk = Desk(silent, Role.LEAD, f"lea-{datetime.now(UTC).timestamp()}")
    grant = desk.view(person.customer.id).rsplit("/", 1)[-1]
    assert desk.post(f"/grants/{grant}/devices/{device.id}/invite").status_code == 303
    yield person
    silent.sandbox.mail_server.refuses = None


def waiting(running: Installation, now: datetime) -> tuple[str, ...]:
    with running.database.read() as tx:
        return outbox.due(tx, now=now, limit=10)


def deliver(running: Installation, now: datetime) -> None:
    """What the worker does with all that is due."""
    for mail_id in waiting(running, now):
        letters.send(ports=running.portal.ports, mail_id=mail_id, now=now)


def received(running: Installation) -> list[Any]:
    return list(running.sandbox.state.mails)


def told(running: Installation, person: Visitor) -> list[str]:
    assert person.customer
    with running.database.read() as tx:
        found = audit.of_customer(tx, person.customer.id, 20)
    return [line.action for line in found if line.action.startswith("letter.")]


def test_the_letter_is_in_the_customers_language(silent: Installation, invited: Visitor) -> None:
    deliver(silent, soon())
    (mail,) = received(silent)
    assert mail["Content-Language"] == "sv"
    html = mail.get_body(("html",)).get_content()
    assert '<html lang="sv">' in html
    assert f"{silent.url}/sign-in?to=devices/device-" in html
    assert mail["From"] == "Nordvind Energi <no-reply@nordvind.example>"
    assert told(silent, invited)[:1] == ["letter.sent"]


def soon(minutes: float = 2) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def test_a_letter_waits_for_a_mail_server_that_is_away(silent: Installation, invited: Visitor) -> None:
    silent.sandbox.mail_server.refuses = "451 try later"
    deliver(silent, soon())
    assert not received(silent)
    assert not waiting(silent, soon(2.5))
    silent.sandbox.mail_server.refuses = None
    deliver(silent, soon(4))
    deliver(silent, soon(600))
    assert len(received(silent)) == 1
    with silent.database.read() as tx:
        assert tx.connection.scalars(tables.outbox.select().with_only_columns(tables.outbox.c.letter_sealed)).all() == [
            None
        ]


def test_a_letter_goes_out_after_a_restart(silent: Installation, invited: Visitor) -> None:
    """Whoever sent it stopped in the middle: another process finds it in the database and sends it again."""
    (mail_id,) = waiting(silent, soon())
    with silent.database.write() as tx:
        assert outbox.take_up(tx, mail_id, now=soon(), rest=letters.rest)
    database = open_database(silent.settings)
    queue = open_queue(silent.settings, takes=True)
    another: Ports = ports(silent.settings, database, queue, lambda: NOW)
    reconcile(ports=another, now=soon(10))
    letters.send(ports=another, mail_id=mail_id, now=soon(10))
    database.close()
    queue.close()
    assert [mail["Message-ID"] for mail in received(silent)] == [f"<{mail_id}@nordvind.example>"]


def test_two_workers_send_a_letter_once(silent: Installation, invited: Visitor) -> None:
    (mail_id,) = waiting(silent, soon())
    with silent.database.write() as tx:
        assert outbox.take_up(tx, mail_id, now=soon(), rest=letters.rest)
        assert outbox.take_up(tx, mail_id, now=soon(), rest=letters.rest) is None


@pytest.mark.parametrize(("answer", "minutes"), [("550 no such box", 2), ("451 try later", 24 * 60 + 5)])
def test_a_letter_is_given_up_when_it_cannot_arrive(
    silent: Installation, invited: Visitor, answer: str, minutes: int
) -> None:
    silent.sandbox.mail_server.refuses = answer
    deliver(silent, soon(minutes))
    assert told(silent, invited)[:1] == ["letter.given_up"]
    assert not waiting(silent, soon(5000))


def test_without_a_mail_server_nobody_is_invited_and_the_page_says_so(
    silent: Installation, invited: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = silent.app.extensions["portal.support"]
    with_post = staff.extensions["portal"]
    monkeypatch.setitem(staff.extensions, "portal", replace(with_post, ports=replace(with_post.ports, post=None)))
    desk = Desk(silent, Role.LEAD, f"lea-{datetime.now(UTC).timestamp()}")
    assert invited.customer
    grant = desk.view(invited.customer.id).rsplit("/", 1)[-1]
    page = desk.send("GET", f"/grants/{grant}/help").text
    assert "Sending e-mails is not set up" in page
    assert "Send an invitation" not in page


def test_the_language_of_a_letter_is_the_customers_choice_else_their_issuers(
    silent: Installation, invited: Visitor
) -> None:
    assert invited.customer
    with silent.app.test_request_context():
        chosen = replace(invited.customer, language="sv")
        by_locale = replace(chosen, language=None, identity=replace(chosen.identity, locale="sv-SE"))
        nobody = replace(chosen, language=None, identity=replace(chosen.identity, locale="fi"))
        assert [language_of(one) for one in (chosen, by_locale, nobody)] == ["sv", "sv", "en"]
