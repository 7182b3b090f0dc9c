"""Who is asking: cookies, signing in and out, and what survives it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from sqlalchemy import event, text

from portal.domain.people import Identity
from portal.identity import current, login_sessions
from portal.storage.database import Database
from tests.support.clock import Clock

ANNA = Identity(issuer="https://issuer.example", subject="anna", email="anna@example.com", name="Anna")
HOURS = 12


@pytest.fixture
def clock() -> Clock:
    return Clock()


def made(database: Database, clock: Clock, *, is_https: bool = False) -> Flask:
    """An application with nothing but sign-in and sign-out."""
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "a-key-for-these-tests"
    current.init_app(app, database, clock, is_https=is_https)

    @app.get("/who")
    def who() -> str:
        viewer = current.viewer()
        return viewer.identity.subject if viewer and current.viewer() == viewer else "nobody"

    @app.get("/browser")
    def browser() -> str:
        return current.browser_token()

    @app.post("/in/<subject>")
    def sign_in(subject: str) -> str:
        identity = Identity(issuer=ANNA.issuer, subject=subject)
        _, token = login_sessions.sign_in(database, identity, f"id-token-of-{subject}", clock(), HOURS)
        current.login(token)
        return who()

    @app.post("/out")
    def sign_out() -> str:
        id_token = current.id_token() or "none"
        current.logout()
        return f"{id_token} {who()}"

    @app.post("/language")
    def language() -> str:
        session["language"] = "hu"
        session["left-over"] = "something"
        return "kept"

    @app.get("/cookie")
    def cookie() -> dict[str, object]:
        return {name: value for name, value in session.items() if not name.startswith("_")}

    return app


@pytest.fixture
def client(database: Database, clock: Clock) -> Iterator[FlaskClient]:
    with made(database, clock).test_client() as client:
        yield client


def cookie_of(client: FlaskClient) -> str:
    found = client.get_cookie("portal")
    assert found is not None
    return found.value


def test_a_customer_is_known_from_sign_in_to_sign_out(client: FlaskClient) -> None:
    assert client.get("/who").text == "nobody"
    assert client.post("/in/anna").text == "anna"
    assert client.get("/who").text == "anna"
    assert client.post("/out").text == "id-token-of-anna nobody"
    assert client.get("/who").text == "nobody"


def test_a_cookie_replayed_after_sign_out_is_a_strangers(client: FlaskClient) -> None:
    client.post("/in/anna")
    stolen = cookie_of(client)
    client.post("/out")
    client.set_cookie("portal", stolen)
    assert client.get("/who").text == "nobody"


def test_a_session_ends_by_itself(client: FlaskClient, clock: Clock) -> None:
    client.post("/in/anna")
    clock.later = timedelta(hours=HOURS, minutes=1)
    assert client.get("/who").text == "nobody"


def test_a_cookie_planted_before_sign_in_is_worth_nothing_afterwards(client: FlaskClient, database: Database) -> None:
    client.post("/in/mallory")
    planted = cookie_of(client)
    assert client.post("/in/anna").text == "anna"
    assert cookie_of(client) != planted
    client.set_cookie("portal", planted)
    assert client.get("/who").text == "nobody"


def test_every_sign_in_has_its_own_token_and_each_ends_alone(database: Database, clock: Clock) -> None:
    app = made(database, clock)
    phone, laptop = app.test_client(), app.test_client()
    phone.post("/in/anna")
    laptop.post("/in/anna")
    phone.post("/out")
    assert phone.get("/who").text == "nobody"
    assert laptop.get("/who").text == "anna"


def test_a_browser_keeps_its_name_and_language_through_sign_in_and_nothing_else(client: FlaskClient) -> None:
    browser = client.get("/browser").text
    assert len(browser) >= 43
    client.post("/language")
    client.post("/in/anna")
    assert client.get("/cookie").json == {"browser": browser, "language": "hu"}


def test_the_next_visitor_of_a_browser_has_another_name(client: FlaskClient) -> None:
    client.post("/in/anna")
    browser = client.get("/browser").text
    client.post("/language")
    client.post("/out")
    assert client.get("/cookie").json == {"asks": True, "language": "hu"}
    assert client.get("/browser").text != browser


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: FlaskClient) -> None:
    header = client.post("/in/anna").headers["Set-Cookie"]
    name, _, attributes = header.partition("=")
    assert name == "portal"
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} == {part.strip() for part in attributes.split(";")[1:]}


def test_where_customers_come_over_https_the_cookie_is_bound_to_the_host(database: Database, clock: Clock) -> None:
    with made(database, clock, is_https=True).test_client() as client:
        header = client.get("/browser", base_url="https://portal.example").headers["Set-Cookie"]
    name, _, attributes = header.partition("=")
    assert name == "__Host-portal"
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} == {part.strip() for part in attributes.split(";")[1:]}


def test_a_page_asks_the_database_once_who_is_there(client: FlaskClient, database: Database) -> None:
    client.post("/in/anna")
    statements: list[str] = []
    with database.read() as tx:
        engine = tx.connection.engine
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    assert client.get("/who").text == "anna"
    assert len(statements) == 1


def test_neither_cookie_nor_token_nor_id_token_stands_in_the_database(client: FlaskClient, database: Database) -> None:
    client.post("/in/anna")
    with client.session_transaction() as held:
        token = held["_user_id"]
    with database.read() as tx:
        rows = str(tx.connection.execute(text("SELECT * FROM login_sessions")).all())
    assert token not in rows
    assert "id-token-of-anna" not in rows


@pytest.mark.parametrize("forged", ["", "x", "eyJfdXNlcl9pZCI6IjEifQ.aaaaaa.bbbbbb", "å", "a" * 3000])
def test_a_made_up_cookie_is_a_strangers(client: FlaskClient, forged: str) -> None:
    client.set_cookie("portal", forged)
    client.set_cookie("remember_token", forged)
    assert client.get("/who").text == "nobody"


def test_a_token_that_was_never_given_cannot_be_logged_in(database: Database, clock: Clock) -> None:
    app = made(database, clock)
    with app.test_request_context(), pytest.raises(LookupError):
        current.login("made-up")
