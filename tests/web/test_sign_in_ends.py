"""Every sign-in ends somewhere: at the page that was wanted, or with one press from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.storage import tables
from tests.support.clock import Clock
from tests.support.live import Installation
from tests.support.person import Person
from tests.web.desk import Desk
from tests.web.visitor import Visitor

WANTED = "connect/heat-pump/nibe"
LOGIN = {"username": "anna", "password": "demo"}


@pytest.fixture
def person(running: Installation) -> Iterator[Callable[[], Person]]:
    people: list[Person] = []

    def make() -> Person:
        people.append(Person(running.url))
        return people[-1]

    running.forget()
    yield make
    for one in people:
        one.close()


@pytest.fixture
def clock(running: Installation) -> Iterator[Clock]:
    clock, installed = Clock(), running.app.extensions["portal"]
    running.app.extensions["portal"] = replace(installed, clock=clock)
    yield clock
    running.app.extensions["portal"] = installed


def answer_of(visitor: Visitor, **answer: str) -> str:
    """Begins a sign-in; answers the address to which the issuer sends back with this."""
    away = visitor.send("GET", f"/sign-in?to={WANTED}").headers["Location"]
    query = parse_qs(urlsplit(away).query)
    more = "".join(f"&{name}={value}" for name, value in answer.items())
    return f"/sign-in/callback?state={query['state'][0]}{more}"


def at_the_issuer(person: Person, target: str = WANTED) -> tuple[str, dict[str, str]]:
    """The issuer's page with its form, to which this browser was sent."""
    page = person.look(f"/sign-in?to={target}")
    assert "/oidc/authorize" in page.url
    return page.url, LOGIN


def sent_back(person: Person, url: str) -> str:
    """Signs in at the issuer; answers where that sends the browser back to, and does not go there."""
    answer = person.post(url, data=LOGIN, allow_redirects=False, timeout=10)
    assert "/sign-in/callback?" in answer.headers["Location"]
    return answer.headers["Location"]


def is_on_wanted_page(running: Installation, url: str) -> bool:
    return url == f"{running.url}/{WANTED}"


def test_who_comes_back_in_another_browser_signs_in_there_and_finds_the_page(
    running: Installation, person: Callable[[], Person]
) -> None:
    safari, other = person(), person()
    back = sent_back(safari, at_the_issuer(safari)[0])
    page = other.look(back)
    assert "/oidc/authorize" in page.url
    assert is_on_wanted_page(running, other.submit(page.forms()[0], **LOGIN).url)


def test_two_tabs_that_open_at_once_in_a_fresh_browser_both_get_there(
    running: Installation, person: Callable[[], Person]
) -> None:
    browser = person()
    first, _ = at_the_issuer(browser)
    browser.cookies.clear()  # the second tab was asked for before the first one's cookie came
    at_the_issuer(browser, "devices")
    assert is_on_wanted_page(running, browser.look(sent_back(browser, first)).url)


def test_an_answer_that_comes_too_late_begins_once_more(
    running: Installation, person: Callable[[], Person], clock: Clock
) -> None:
    anna = person()
    back = sent_back(anna, at_the_issuer(anna)[0])
    clock.later = timedelta(hours=3)
    answer = anna.get(back, allow_redirects=False, timeout=10)
    clock.later = timedelta()
    assert is_on_wanted_page(running, anna.look(answer.headers["Location"]).url)


def test_an_answer_that_is_loaded_twice_leads_to_the_page_both_times(
    running: Installation, person: Callable[[], Person]
) -> None:
    anna = person()
    back = sent_back(anna, at_the_issuer(anna)[0])
    assert is_on_wanted_page(running, anna.look(back).url)
    assert is_on_wanted_page(running, anna.look(back).url)


def test_a_browser_that_keeps_no_cookie_is_not_sent_round_and_round(visitor: Callable[[], Visitor]) -> None:
    first = visitor().send("GET", answer_of(visitor(), code="c"))
    state = parse_qs(urlsplit(first.headers["Location"]).query)["state"][0]
    second = visitor().send("GET", f"/sign-in/callback?state={state}&code=c")
    assert second.headers["Location"] == f"/sign-in/failed?to={WANTED}"


def test_an_issuer_that_forgets_what_it_was_asked_is_not_asked_for_ever(stranger: Visitor) -> None:
    said = "/sign-in/callback?state=made-up&code=c"
    assert "/oidc/authorize" in stranger.send("GET", said).headers["Location"]
    assert stranger.send("GET", said).headers["Location"] == "/sign-in/failed?to=devices"
    assert stranger.send("GET", "/sign-in/callback?code=c").headers["Location"] == "/sign-in/failed?to=devices"


@pytest.mark.parametrize("error", ["access_denied", "user_cancelled", "user_cancelled_login", "USER_CANCELED"])
@pytest.mark.parametrize("comes_back_in", ["the same browser", "another browser"])
def test_who_cancelled_is_told_so_and_may_try_again(
    visitor: Callable[[], Visitor], error: str, comes_back_in: str
) -> None:
    anna = visitor()
    back = answer_of(anna, error=error, iss=issuer_of(anna))
    browser = anna if comes_back_in == "the same browser" else visitor()
    answer = browser.send("GET", back)
    page = browser.page(answer.headers["Location"])
    assert page.heading == "You cancelled signing in"
    assert f"/sign-in?to={WANTED}" in page.links()


def issuer_of(visitor: Visitor) -> str:
    return str(visitor.app.extensions["portal"].oidc._config.issuer)


@pytest.mark.parametrize("answer", [{"error": "server_error"}, {"code": "wrong"}, {}])
def test_a_sign_in_that_did_not_work_is_tried_again_for_the_same_page(
    visitor: Callable[[], Visitor], answer: dict[str, str]
) -> None:
    anna = visitor()
    page = anna.page(anna.send("GET", answer_of(anna, iss=issuer_of(anna), **answer)).headers["Location"])
    assert page.heading == "Signing in did not work"
    assert f"/sign-in?to={WANTED}" in page.links()


def test_no_hostile_name_stands_on_the_page_of_a_failure(stranger: Visitor) -> None:
    for name in ("//evil.example", "https://evil.example", "devices/../x", "<b>", "a" * 500, ""):
        page = stranger.page("/sign-in/failed", query_string={"to": name})
        assert "/sign-in?to=devices" in page.links()
        assert "evil" not in page.html


def test_who_cannot_be_confirmed_reads_why(running: Installation, person: Callable[[], Person]) -> None:
    """Some issuers never say when a customer signed in, so a repeated sign-in cannot be proven."""
    anna = person()
    anna.sign_in("anna")
    running.sandbox.state.choose_variants("oidc", {"auth_time": "left_out"})
    login = anna.submit(anna.look("/privacy/delete").form("/sign-in/again"))
    failed = anna.submit(login.forms()[0], **LOGIN)
    assert failed.heading == "We could not confirm that it’s you"
    assert "customer support can help" in failed.text
    assert f"{running.url}/sign-in?to=privacy/delete" in failed.links()


@pytest.mark.parametrize("kind", ["failed", "cancelled", "unconfirmed"])
def test_a_change_of_language_on_that_page_keeps_what_it_says(stranger: Visitor, kind: str) -> None:
    chosen = {"language": "en", "to": f"sign-in-{kind}/{WANTED}"}
    place = stranger.send("POST", "/language", data=chosen).headers["Location"]
    page = stranger.page(place)
    assert ("cancelled" in page.heading) is (kind == "cancelled")
    assert ("confirm" in page.heading) is (kind == "unconfirmed")
    assert f"/sign-in?to={WANTED}" in page.links()


def prompt(visitor: Visitor) -> list[str]:
    away = visitor.send("GET", "/sign-in").headers["Location"]
    return parse_qs(urlsplit(away).query).get("prompt", [])


def test_after_a_sign_out_the_next_sign_in_is_a_question_and_only_that_one(
    running: Installation, visitor: Callable[[], Visitor], person: Callable[[], Person]
) -> None:
    assert prompt(visitor()) == []
    anna = person()
    anna.sign_in("anna")
    anna.submit(anna.look("/devices").form("/sign-out"))
    login = anna.look(f"/sign-in?to={WANTED}")
    assert parse_qs(urlsplit(login.url).query)["prompt"] == ["login"]
    assert is_on_wanted_page(running, anna.submit(login.forms()[0], **LOGIN).url)
    assert prompt(once_its_session_is_over(running, anna)) == []


def once_its_session_is_over(running: Installation, person: Person) -> Visitor:
    """The same browser, when nobody has signed out in it."""
    with running.database.write() as tx:
        tx.connection.execute(tables.login_sessions.delete())
    browser = Visitor(running.app, running.url)
    for cookie in person.cookies:
        browser.client.set_cookie(cookie.name, str(cookie.value))
    return browser


def test_an_issuer_that_cannot_be_told_is_named_as_one_where_one_may_still_be_signed_in(
    running: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    oidc = running.app.extensions["portal"].oidc
    anna = Visitor(running.app, running.url).sign_in("anna")
    metadata = replace(oidc._issuer.metadata(), end_session_endpoint=None)
    monkeypatch.setattr(oidc._issuer, "metadata", lambda: metadata)
    answer = anna.post("/sign-out")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    page = anna.page("/")
    assert "You’re signed out here" in page.text
    assert "You may still be signed in to your Nordvind Energi account" in page.text
    assert "You are signed out" not in page.text
    assert prompt(anna) == ["login"]


def test_support_whose_answer_got_lost_begins_once_more_and_no_oftener(running: Installation) -> None:
    one, other = Desk(running, None), Desk(running, None)
    away = one.send("GET", "/sign-in").headers["Location"]
    state = parse_qs(urlsplit(away).query)["state"][0]
    again = other.send("GET", f"/sign-in/callback?state={state}&code=c").headers["Location"]
    assert "/oidc/authorize?" in again
    state = parse_qs(urlsplit(again).query)["state"][0]
    answer = one.send("GET", f"/sign-in/callback?state={state}&code=c")
    assert answer.headers["Location"] == "/support/sign-in/failed"
