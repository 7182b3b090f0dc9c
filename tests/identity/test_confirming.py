"""Before something grave a customer shows anew that it is them, though they are signed in everywhere."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from portal.identity.oidc import NotConfirmed, Oidc
from portal.sandbox.program import RunningSandbox
from portal.storage.database import Database
from tests.identity.hostile_issuer import CLIENT_ID, HostileIssuer
from tests.identity.journey import BROWSER, config_for, now, walk

LOGIN = {"username": "anna", "password": "demo"}


@pytest.fixture
def oidc(sandbox: RunningSandbox, database: Database) -> Oidc:
    config = sandbox.config
    return Oidc(config_for(config.issuer, config.oidc_client_id, config.oidc_client_secret), database)


def leave(oidc: Oidc, *, confirms: bool) -> str:
    return oidc.begin(browser=BROWSER, target="privacy/delete", language="sv", now=now(), confirms=confirms)


def test_the_issuer_asks_again_who_is_signed_in_there(oidc: Oidc, visitor: requests.Session) -> None:
    oidc.complete(args=walk(visitor, leave(oidc, confirms=False), [LOGIN]), browser=BROWSER, now=now())
    again = oidc.complete(args=walk(visitor, leave(oidc, confirms=False), []), browser=BROWSER, now=now())
    assert not again.confirms
    with pytest.raises(IndexError):  # the login page comes, though nobody has to sign in
        walk(visitor, leave(oidc, confirms=True), [])
    confirmed = oidc.complete(args=walk(visitor, leave(oidc, confirms=True), [LOGIN]), browser=BROWSER, now=now())
    assert (confirmed.confirms, confirmed.target) == (True, "privacy/delete")


def test_the_issuer_is_asked_to_say_when_it_was(oidc: Oidc) -> None:
    query = parse_qs(urlsplit(leave(oidc, confirms=True)).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    assert "prompt" not in parse_qs(urlsplit(leave(oidc, confirms=False)).query)


@pytest.mark.parametrize("said", [None, "yesterday", True, -1, "an hour ago", 1e300])
def test_an_issuer_that_does_not_say_that_it_was_just_now_is_not_believed(database: Database, said: object) -> None:
    with HostileIssuer() as issuer:
        at = int(time.time()) - 3600 if said == "an hour ago" else said
        told = {} if said is None else {"auth_time": at}
        issuer.claims = lambda honest: {**honest, **told}
        oidc = Oidc(config_for(issuer.url, CLIENT_ID, "a-secret"), database)
        answer = issuer.approve(leave(oidc, confirms=True))
        with pytest.raises(NotConfirmed):
            oidc.complete(args=answer, browser=BROWSER, now=now())
