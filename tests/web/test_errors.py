"""Whatever goes wrong is said in the customer's words, with a number to tell on the telephone and one way on."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from portal.sandbox.program import RunningSandbox
from portal.web.errors import WORDS
from tests.support.live import Installation, installation
from tests.web.conftest import ENGLISH
from tests.web.visitor import Visitor, good_page

REFERENCE = re.compile(r"Reference number ([2-9B-DF-HJ-NP-TV-Z]{4}-[2-9B-DF-HJ-NP-TV-Z]{4})")


@pytest.fixture
def broken(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A portal whose database has lost its tables."""
    url = f"sqlite:///{tmp_path_factory.mktemp('broken')}/portal.sqlite"
    with installation(web_sandbox, url, ENGLISH) as live:
        with live.database.write() as tx:
            tx.connection.execute(text("PRAGMA defer_foreign_keys = ON"))
            tx.connection.execute(text("ALTER TABLE login_sessions RENAME TO gone"))
        yield live


def test_a_page_that_does_not_exist_says_so_and_leads_on(stranger: Visitor, anna: Visitor) -> None:
    page = stranger.page("/nothing-here", status=404)
    assert page.heading == page.title == "This page does not exist"
    found = REFERENCE.search(page.text)
    assert found
    assert found[1] == page.headers["X-Request-Id"]
    assert "/" in page.links()
    assert "/devices" in anna.page("/nothing-here", status=404).links()


def test_every_failure_has_its_own_reference_number(stranger: Visitor) -> None:
    assert len({stranger.page("/nothing-here", status=404).headers["X-Request-Id"] for _ in range(20)}) == 20


def test_a_method_that_does_not_work_here_names_those_that_do(anna: Visitor) -> None:
    answer = anna.send("POST", "/devices", data={"csrf_token": anna.token()})
    assert good_page(answer, 405, "en").heading == "That does not work here"
    assert "GET" in answer.headers["Allow"]


def test_a_form_that_is_too_large_is_not_read(anna: Visitor) -> None:
    answer = anna.send("POST", "/language", data={"csrf_token": anna.token(), "to": "x" * 600_000})
    assert good_page(answer, 413, "en").heading == "That is too long"


def test_a_manufacturer_nobody_serves_leads_back_to_the_list(anna: Visitor) -> None:
    page = anna.page("/connect/heat-pump/unheard-of", status=404)
    assert page.heading == "Devices of this manufacturer cannot be connected here"
    assert "/connect/heat-pump" in page.links()


def test_a_fault_of_ours_is_told_without_its_cause_and_without_the_database(broken: Installation) -> None:
    visitor = Visitor(broken.app, broken.url)
    with visitor.client.session_transaction(base_url=broken.url) as cookie:
        cookie["_user_id"] = "somebody"
    page = visitor.page("/devices", status=500)
    assert page.heading == "Something went wrong on our side"
    assert REFERENCE.search(page.text)
    for leak in ("sqlite", "Traceback", "OperationalError", "login_sessions", "csrf_token"):
        assert leak not in page.html


def test_while_the_database_is_away_pages_say_when_to_come_back_and_afterwards_all_is_well(
    web_sandbox: RunningSandbox, tmp_path: Path
) -> None:
    place, away = tmp_path / "portal.sqlite", tmp_path / "away.sqlite"
    with installation(web_sandbox, f"sqlite:///{place}", ENGLISH) as live:
        visitor = Visitor(live.app, live.url)
        with visitor.client.session_transaction(base_url=live.url) as cookie:
            cookie["_user_id"] = "somebody"
        live.database.close()
        place.rename(away)
        place.mkdir()
        page = visitor.page("/devices", status=503)
        assert page.heading == "We are not available right now"
        assert page.headers["Retry-After"] == "30"
        assert visitor.send("GET", "/health/ready").status_code == 503
        place.rmdir()
        away.rename(place)
        assert visitor.send("GET", "/devices").status_code == 303
        assert visitor.send("GET", "/health/ready").status_code == 200


def test_a_failed_look_of_a_waiting_page_does_not_replace_it(broken: Installation) -> None:
    visitor = Visitor(broken.app, broken.url)
    with visitor.client.session_transaction(base_url=broken.url) as cookie:
        cookie["_user_id"] = "somebody"
    answer = visitor.fragment("/devices?n=1")
    assert answer.status_code == 500
    assert "HX-Refresh" not in answer.headers


def test_a_page_that_is_gone_while_waiting_is_loaded_afresh(anna: Visitor) -> None:
    answer = anna.fragment("/link-sessions/gone?n=1&was=waiting")
    assert answer.status_code == 404
    assert answer.headers["HX-Refresh"] == "true"


def test_programs_get_a_number_and_no_page(stranger: Visitor) -> None:
    answer = stranger.send("GET", "/webhooks/podero", headers={"Accept": "text/html"})
    assert answer.status_code == 405
    assert stranger.send("GET", "/health/live").text == "ok\n"
    assert stranger.send("GET", "/health/ready").text == "ready\n"


def test_a_portal_whose_database_is_not_at_its_version_lives_but_is_not_ready(broken: Installation) -> None:
    with broken.database.write() as tx:
        tx.connection.execute(text("DELETE FROM alembic_version"))
    visitor = Visitor(broken.app, broken.url)
    assert visitor.send("GET", "/health/live").status_code == 200
    assert visitor.send("GET", "/health/ready").status_code == 503


def test_every_kind_of_failure_has_words() -> None:
    assert {400, 403, 404, 405, 413, 429, 500, 503} <= set(WORDS)
