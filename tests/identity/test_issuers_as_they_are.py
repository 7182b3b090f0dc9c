"""Issuers as retailers have them: each differs in its own way, is honest, and signs its people in."""

from __future__ import annotations

import json

import pytest
from joserfc.jwk import RSAKey

from portal.identity.claims import ClaimNames, read_identity
from portal.identity.issuer import Issuer, IssuerError
from portal.identity.oidc import NotConfirmed, SignInFailed
from portal.storage.database import Database
from tests.identity.hostile_issuer import CLIENT_ID, FOREIGN_KEY, GOOD_KEY, HostileIssuer, signed
from tests.identity.test_hostile_issuer import attempt, claims, raw, token_is, userinfo, without


def test_one_that_names_sibling_clients_and_says_that_we_asked(hostile: HostileIssuer, database: Database) -> None:
    """Zitadel always, Keycloak with an audience mapper."""
    claims(aud=[CLIENT_ID, "project-7"], azp=CLIENT_ID)(hostile)
    assert attempt(hostile, database).identity.subject == "anna"


@pytest.mark.parametrize("changed", [{"aud": [CLIENT_ID, "x"]}, {"aud": [CLIENT_ID, "x"], "azp": "x"}, {"aud": ["x"]}])
def test_but_not_one_that_leaves_open_who_asked(
    hostile: HostileIssuer, database: Database, changed: dict[str, object]
) -> None:
    claims(**changed)(hostile)
    with pytest.raises(SignInFailed, match=r"^id_token_for_another_client$"):
        attempt(hostile, database)


def test_one_that_lists_a_key_once_for_each_algorithm(hostile: HostileIssuer, database: Database) -> None:
    """ForgeRock and others: one `kid`, several entries."""
    entry = GOOD_KEY.as_dict(private=False)
    listed = [{**entry, "alg": algorithm} for algorithm in ("RS512", "RS256", "PS256")]
    raw("/jwks", 200, json.dumps({"keys": listed}).encode())(hostile)
    assert attempt(hostile, database).identity.subject == "anna"


def test_one_that_has_two_keys_of_one_name_while_it_changes_them(hostile: HostileIssuer, database: Database) -> None:
    old = RSAKey.generate_key(2048, {"kid": "good"}, private=True)
    hostile.keys = [old, GOOD_KEY]
    assert attempt(hostile, database).identity.subject == "anna"


def test_one_that_signs_what_it_says_of_the_person(hostile: HostileIssuer, database: Database) -> None:
    """BankID in Norway."""
    told = {"iss": hostile.url, "aud": CLIENT_ID, "sub": "anna", "name": "Anna Lind"}
    raw("/userinfo", 200, signed(told).encode(), **{"Content-Type": "application/jwt"})(hostile)
    assert attempt(hostile, database).identity.name == "Anna Lind"


@pytest.mark.parametrize("lie", [{"iss": "https://x.example"}, {"aud": "x"}, {"sub": "mallory"}])
def test_but_not_one_whose_signed_words_are_about_somebody_else(
    hostile: HostileIssuer, database: Database, lie: dict[str, str]
) -> None:
    told = {"iss": hostile.url, "aud": CLIENT_ID, "sub": "anna", **lie}
    raw("/userinfo", 200, signed(told).encode())(hostile)
    with pytest.raises(SignInFailed):
        attempt(hostile, database)


def test_nor_one_whose_words_another_key_has_signed(hostile: HostileIssuer, database: Database) -> None:
    raw("/userinfo", 200, signed({"sub": "anna"}, FOREIGN_KEY, kid="good").encode())(hostile)
    with pytest.raises(SignInFailed, match=r"^userinfo_forged$"):
        attempt(hostile, database)


@pytest.mark.parametrize("status", [401, 403])
def test_one_that_lets_nobody_read_its_userinfo(hostile: HostileIssuer, database: Database, status: int) -> None:
    userinfo({}, status)(hostile)
    assert attempt(hostile, database).identity.subject == "anna"


def test_one_that_gives_no_access_token(hostile: HostileIssuer, database: Database) -> None:
    """Azure AD B2C without a scope of its own."""
    without("at_hash")(hostile)
    hostile.token = lambda answer: {"id_token": answer["id_token"]}
    assert attempt(hostile, database).identity.subject == "anna"
    assert "/userinfo" not in hostile.calls


def test_one_whose_document_is_elsewhere(hostile: HostileIssuer, database: Database) -> None:
    """Azure AD B2C: the document stands below the policy, and names an issuer without it."""
    document = json.dumps(hostile.discovery).encode()
    raw("/policy/v2.0/.well-known/openid-configuration", 200, document)(hostile)
    raw("/.well-known/openid-configuration", 404, b"")(hostile)
    with pytest.raises(SignInFailed, match=r"^answer_status_404$"):
        attempt(hostile, database)
    elsewhere = f"{hostile.url}/policy/v2.0/.well-known/openid-configuration"
    assert attempt(hostile, database, discovery_url=elsewhere).identity.subject == "anna"


def test_one_that_has_names_of_its_own_for_address_and_name(hostile: HostileIssuer, database: Database) -> None:
    """Azure AD B2C lists addresses; others keep the name in an object."""
    names = ClaimNames(email="emails", name="profile.display.name")
    claims(emails=["anna@example.com", "second@example.com"], profile={"display": {"name": "Anna Lind"}})(hostile)
    identity = attempt(hostile, database, claim_names=names).identity
    assert (identity.email, identity.name) == ("anna@example.com", "Anna Lind")


@pytest.mark.parametrize("told", [[], [None], [["anna@example.com"]], {"a": 1}, 7, "no address", ["no address"]])
def test_an_address_in_a_shape_nobody_knows_is_none(told: object) -> None:
    assert read_identity({"sub": "anna", "emails": told}, "https://x.example", ClaimNames(email="emails")).email is None


def test_an_address_under_another_name_is_not_lifted_either(hostile: HostileIssuer, database: Database) -> None:
    claims(emails=["anna@example.com"], email_verified=False)(hostile)
    hostile.userinfo = {"sub": "anna", "emails": ["anna@example.com"], "email_verified": True}
    assert attempt(hostile, database, claim_names=ClaimNames(email="emails")).identity.email is None


def test_an_address_deeper_in_the_claims_is_not_lifted_either(hostile: HostileIssuer, database: Database) -> None:
    claims(profile={"email": "anna@example.com"}, email_verified=False)(hostile)
    hostile.userinfo = {"sub": "anna", "profile": {"email": "anna@example.com"}, "email_verified": True}
    assert attempt(hostile, database, claim_names=ClaimNames(email="profile.email")).identity.email is None


def test_one_that_never_says_when_somebody_signed_in(hostile: HostileIssuer, database: Database) -> None:
    with pytest.raises(NotConfirmed, match=r"^issuer_without_auth_time$"):
        attempt(hostile, database, confirms=True)


def test_a_token_answer_of_another_kind_is_refused(hostile: HostileIssuer, database: Database) -> None:
    token_is({"access_token": "x", "token_type": "mac"})(hostile)
    with pytest.raises(SignInFailed):
        attempt(hostile, database)


@pytest.mark.parametrize("said", [True, "true", "True"])
def test_an_address_that_is_verified_is_used(said: object) -> None:
    told = {"sub": "anna", "email": "anna@example.com", "email_verified": said}
    assert read_identity(told, "https://issuer.example", ClaimNames()).email == "anna@example.com"


@pytest.mark.parametrize("said", [False, "false", "False", 0, "0", 1, None, "", [], "yes"], ids=repr)
def test_an_address_that_is_not_is_none(said: object) -> None:
    """Cognito says it as text."""
    told = {"sub": "anna", "email": "anna@example.com", "email_verified": said}
    assert read_identity(told, "https://issuer.example", ClaimNames()).email is None


def test_userinfo_does_not_lift_what_the_id_token_denies(hostile: HostileIssuer, database: Database) -> None:
    claims(email="anna@example.com", email_verified=False)(hostile)
    hostile.userinfo = {"sub": "anna", "email": "anna@example.com", "email_verified": "true"}
    assert attempt(hostile, database).identity.email is None


def test_any_white_space_in_a_name_is_a_space() -> None:
    told = {"sub": "anna", "name": "Anna\u00a0Lind\u00e9n\u3000 Berg\n"}
    assert read_identity(told, "https://issuer.example", ClaimNames()).name == "Anna Lind\u00e9n Berg"


@pytest.mark.parametrize("zone", ["SE-3", "se3", "SE_3", "DE-LU", "IT-NORD", "SE 3"])
def test_a_price_zone_is_kept_however_it_is_spelled(zone: str) -> None:
    told = {"sub": "anna", "zone": zone}
    assert read_identity(told, "https://issuer.example", ClaimNames(price_zone="zone")).price_zone == zone


def test_the_true_cause_is_said_until_the_next_try(hostile: HostileIssuer) -> None:
    issuer = Issuer(f"{hostile.url}/", timeout=5.0, ca_bundle=None)
    said = []
    for _ in range(3):
        with pytest.raises(IssuerError) as failed:
            issuer.metadata()
        said.append(str(failed.value))
    assert said == ["discovery_of_another_issuer"] * 3
