"""A customer deletes their account: after signing in anew, told what happens where, and how far it has come."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from portal.storage import customers, deletions, tables
from tests.support.live import Installation
from tests.support.person import Person
from tests.web.desk import Desk
from tests.web.giving import give, give_permission
from tests.web.visitor import Visitor
from tests.web.webview import FROM_APP, Clock, RetailersApp


@pytest.fixture
def dora(running: Installation, visitor: Callable[[], Visitor]) -> Visitor:
    """Has just signed in anew."""
    running.forget()
    return visitor().sign_in("dora", confirms=True)


def is_there(running: Installation, person: Visitor) -> bool:
    assert person.customer
    with running.database.read() as tx:
        return customers.get(tx, person.customer.id) is not None


def test_a_customer_signs_in_anew_deletes_the_account_and_reads_what_was_done(running: Installation) -> None:
    running.forget()
    with Person(running.url) as anna:
        anna.sign_in("anna")
        page = anna.look("/privacy/delete")
        assert page.heading == "Delete your account?"
        assert not page.offers("/privacy/delete")
        login = anna.submit(page.form("/sign-in/again"))
        assert "/oidc/" in login.path
        page = anna.submit(login.forms()[0], username="anna", password="demo")
        assert page.path == "/privacy/delete"
        page = anna.submit(page.form("/privacy/delete"))
        assert page.path.startswith("/privacy/deleted/")
        done = anna.sees(page.path, lambda seen: seen.heading == "Your account is deleted")
        assert "All your data is deleted." in done.text
        assert "Anna" not in done.text
        assert not done.offers("/sign-out")
        assert f"{running.url}/sign-in?to=devices" in anna.look("/").links()
        again = anna.sign_in("anna")
        assert "Nothing is connected yet" in again.text


def test_without_signing_in_anew_nothing_is_deleted(running: Installation, dora: Visitor) -> None:
    stale = Visitor(running.app, running.url).sign_in("dora")
    assert "Delete my account" not in stale.page("/privacy/delete").text
    answer = stale.post("/privacy/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/privacy/delete")
    assert is_there(running, dora)


def test_that_one_has_signed_in_anew_does_not_count_for_long(running: Installation, dora: Visitor) -> None:
    assert "Delete my account" in dora.page("/privacy/delete").text
    sessions = tables.login_sessions
    with running.database.write() as tx:
        long_ago = running.portal.clock() - timedelta(minutes=16)
        tx.connection.execute(update(sessions).values(confirmed_at=long_ago))
    assert "Delete my account" not in dora.page("/privacy/delete").text
    dora.post("/privacy/delete")
    assert is_there(running, dora)


def test_the_page_says_of_each_provider_what_it_can_do(running: Installation, dora: Visitor) -> None:
    for key in ("podero", "nox", "telematica"):
        give_permission(
            running,
            dora,
            id=f"device-{key}",
            provider_key=key,
            provider_device_id=key,
        )
    text = dora.page("/privacy/delete").text
    assert "Podero Your account there is deleted, and with it the access to your devices." in text
    assert "NOX We cannot end the access at NOX from here." in text
    assert "Telematica The access to each of your devices is ended there." in text
    assert "You are signed out everywhere, in the app as well." in text


def test_all_sessions_end_at_once_and_no_other_customer_is_touched(
    running: Installation, dora: Visitor, visitor: Callable[[], Visitor]
) -> None:
    elsewhere, other = visitor().sign_in("dora"), visitor().sign_in("emil")
    give(running, other)
    answer = dora.post("/privacy/delete")
    assert answer.headers["Location"].startswith("/privacy/deleted/")
    for browser in (dora, elsewhere):
        assert browser.send("GET", "/devices").headers["Location"] == "/sign-in?to=devices"
    assert "NIBE S1255" in other.page("/devices").text


def test_whoever_holds_the_address_reads_what_was_done_and_nobody_else(running: Installation, dora: Visitor) -> None:
    stranger = Visitor(running.app, running.url)
    where = dora.post("/privacy/delete").headers["Location"]
    assert "This portal" in stranger.page(where).text
    assert stranger.page("/privacy/deleted/guessed", status=410).heading == "There is nothing here any more"
    receipt = where.rsplit("/", 1)[-1]
    with running.database.read() as tx:
        assert receipt not in repr(tx.connection.execute(tables.deletions.select()).all())
        assert deletions.by_receipt(tx, receipt) is not None


def test_a_provider_that_does_not_answer_is_said_to_be_under_way(running: Installation, dora: Visitor) -> None:
    running.sandbox.state.set_faults("telematica", {"fail_count": 1000, "fail_status": 503})
    give_permission(running, dora, provider_key="telematica", provider_device_id="a" * 24)
    where = dora.post("/privacy/delete").headers["Location"]
    page = Visitor(running.app, running.url).page(where)
    assert page.heading == "Your account is being deleted"
    assert "Telematica Is being told." in page.text
    assert "Your name and all that says who you were is deleted." in page.text


def test_support_is_not_offered_it_and_looks_at_nobody_any_more(running: Installation, dora: Visitor) -> None:
    desk = Desk(running)
    assert dora.customer
    prefix = desk.view(dora.customer.id)
    assert not [link for link in desk.page(f"{prefix}/privacy").links() if "delete" in link]
    assert desk.send("GET", f"{prefix}/privacy/delete").status_code == 404
    assert desk.post(f"{prefix}/privacy/delete").status_code in {403, 404}
    dora.post("/privacy/delete")
    assert desk.send("GET", f"{prefix}/devices").headers["Location"] == "/support/over"
    assert "0 customers found" in desk.page("/?q=dora").text


def test_in_the_app_it_says_to_go_on_in_the_browser(running: Installation) -> None:
    webview = RetailersApp(running, Clock()).enters("anna")
    page = webview.page("/privacy/delete")
    assert page.heading == "Go on in your browser"
    assert f"{running.url}/privacy/delete" in page.html
    token = webview.page("/privacy").form_fields("/privacy/support-code")["csrf_token"]
    answer = webview.send("POST", "/privacy/delete", data={"csrf_token": token}, headers=FROM_APP)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/privacy/delete")
    assert "Nothing is connected yet" in webview.page("/devices").text
