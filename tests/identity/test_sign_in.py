"""A customer signs in at the sandbox's issuer and at one made by others."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from portal.identity.oidc import Oidc, SignInFailed
from portal.sandbox.program import RunningSandbox
from portal.storage.database import Database
from tests.identity.journey import BROWSER, PORTAL, answer_in, config_for, now, walk
from tests.identity.peer import CLIENT_ID, CLIENT_SECRET, Peer

LOGIN = {"username": "anna", "password": "demo"}
PEER_FORMS = [{"prompt": "login", "login": "anna", "password": "any"}, {"prompt": "consent"}]


@pytest.fixture
def oidc(sandbox: RunningSandbox, database: Database) -> Oidc:
    config = sandbox.config
    return Oidc(config_for(config.issuer, config.oidc_client_id, config.oidc_client_secret), database)


def leave(oidc: Oidc, *, browser: str = BROWSER, target: str = "devices") -> str:
    return oidc.begin(browser=browser, target=target, language="sv", now=now())


def failure(oidc: Oidc, args: dict[str, str], *, browser: str = BROWSER, later: timedelta = timedelta()) -> str:
    with pytest.raises(SignInFailed) as failed:
        oidc.complete(args=args, browser=browser, now=now() + later)
    return str(failed.value)


def test_a_customer_signs_in_and_lands_where_they_wanted_to_go(oidc: Oidc, visitor: requests.Session) -> None:
    args = walk(visitor, leave(oidc, target="connect/heat-pump"), [LOGIN])
    completed = oidc.complete(args=args, browser=BROWSER, now=now())
    assert (completed.target, completed.language) == ("connect/heat-pump", "sv")
    assert completed.identity.name == "Anna Lindqvist"
    assert (completed.identity.locale, completed.identity.price_zone) == ("sv-SE", "SE_3")
    assert completed.identity.email
    assert "@" in completed.identity.email


def test_the_way_out_says_the_language_and_keeps_its_secrets(oidc: Oidc) -> None:
    query = parse_qs(urlsplit(leave(oidc)).query)
    assert query["ui_locales"] == ["sv"]
    assert query["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(query)
    assert not {"code_verifier", "client_secret"} & set(query)


def test_a_customer_signs_in_at_an_issuer_made_by_others(
    peer: Peer, database: Database, visitor: requests.Session
) -> None:
    oidc = Oidc(config_for(peer.url, CLIENT_ID, CLIENT_SECRET), database)
    args = walk(visitor, leave(oidc), PEER_FORMS)
    completed = oidc.complete(args=args, browser=BROWSER, now=now())
    assert (completed.identity.subject, completed.identity.email) == ("anna", "anna@example.com")
    assert (completed.identity.locale, completed.identity.price_zone) == ("sv-SE", "SE_3")
    signed_out = oidc.logout_url(completed.id_token, "sv")
    assert signed_out is not None
    page = visitor.get(signed_out, timeout=10)
    assert page.status_code == 200
    assert "sign-out" in page.text


def test_a_customer_is_signed_out_of_the_issuer_too(oidc: Oidc, visitor: requests.Session) -> None:
    completed = oidc.complete(args=walk(visitor, leave(oidc), [LOGIN]), browser=BROWSER, now=now())
    url = oidc.logout_url(completed.id_token, "sv")
    assert url is not None
    answer = visitor.get(url, allow_redirects=False, timeout=10)
    assert answer.headers["Location"].split("?")[0] == f"{PORTAL}/"
    with pytest.raises(IndexError):  # the login page comes again, and there is no form left to fill in
        walk(visitor, leave(oidc), [])


def test_twenty_abandoned_sign_ins_break_nothing(oidc: Oidc, visitor: requests.Session) -> None:
    abandoned = [leave(oidc) for _ in range(20)]
    args = walk(visitor, abandoned[7], [LOGIN])
    assert oidc.complete(args=args, browser=BROWSER, now=now()).identity.name == "Anna Lindqvist"


def test_an_answer_counts_once(oidc: Oidc, visitor: requests.Session) -> None:
    args = walk(visitor, leave(oidc), [LOGIN])
    oidc.complete(args=args, browser=BROWSER, now=now())
    assert failure(oidc, args) == "unknown_state"


def test_a_stranger_cannot_finish_anothers_sign_in_nor_spoil_it(oidc: Oidc, visitor: requests.Session) -> None:
    args = walk(visitor, leave(oidc), [LOGIN])
    assert failure(oidc, args, browser="the-browser-of-mallory") == "unknown_state"
    assert oidc.complete(args=args, browser=BROWSER, now=now()).identity.name == "Anna Lindqvist"


def test_a_sign_in_left_over_night_begins_anew(oidc: Oidc, visitor: requests.Session) -> None:
    args = walk(visitor, leave(oidc), [LOGIN])
    assert failure(oidc, args, later=timedelta(hours=2)) == "unknown_state"


def test_an_answer_of_one_sign_in_does_not_fit_another(oidc: Oidc, visitor: requests.Session) -> None:
    args = walk(visitor, leave(oidc), [LOGIN])
    other = parse_qs(urlsplit(leave(oidc)).query)["state"][0]
    assert failure(oidc, {**args, "state": other}).startswith("answer_status_4")


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"state": ""}, "no_state"),
        ({"state": "made-up"}, "unknown_state"),
        ({"iss": "https://issuer.example"}, "answer_of_another_issuer"),
        ({"error": "access_denied", "error_description": "<b>canary</b>"}, "cancelled"),
        ({"error": "canary"}, "refused_by_issuer"),
        ({"code": ""}, "answer_without_code"),
        ({"code": "canary"}, "answer_status_400"),
        ({"code": "c" * 5000}, "answer_too_long"),
    ],
)
def test_a_tampered_answer_signs_nobody_in_and_is_not_repeated(
    oidc: Oidc, visitor: requests.Session, changed: dict[str, str], word: str
) -> None:
    args = walk(visitor, leave(oidc), [LOGIN])
    assert failure(oidc, {**args, **changed}) == word


def test_an_issuer_that_names_itself_must_always_do_so(oidc: Oidc, visitor: requests.Session) -> None:
    args = walk(visitor, leave(oidc), [LOGIN])
    assert failure(oidc, {name: value for name, value in args.items() if name != "iss"}) == "answer_without_issuer"


def test_an_issuer_out_of_reach_is_an_answer_not_a_hang(database: Database) -> None:
    oidc = Oidc(config_for("http://127.0.0.1:9/oidc", "portal", "secret"), database)
    with pytest.raises(SignInFailed, match=r"^issuer_unreachable$"):
        leave(oidc)
    assert oidc.logout_url("token", "sv") is None


def test_the_answer_reaches_the_callback_only() -> None:
    with pytest.raises(AssertionError):
        answer_in("https://elsewhere.example/?code=1")
