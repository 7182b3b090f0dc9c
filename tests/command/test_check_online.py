"""`portal check --online` reads what the issuers say of themselves, and says what will not work with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal.app import open_database
from portal.cli_check import check
from portal.domain.people import Identity
from portal.sandbox.configuration import SandboxConfig, portal_environment
from portal.settings import load
from portal.storage import customers
from tests.identity.hostile_issuer import HostileIssuer

Environment = dict[str, str]
Change = Callable[[HostileIssuer], None]


@pytest.fixture
def issuer() -> Iterator[HostileIssuer]:
    with HostileIssuer() as hostile:
        hostile.discovery["end_session_endpoint"] = f"{hostile.url}/end"
        yield hostile


@pytest.fixture
def environment(tmp_path: Path, issuer: HostileIssuer) -> Environment:
    made = {
        **portal_environment(SandboxConfig()),
        "PORTAL_PUBLIC_URL": "http://localhost:8000",
        "PORTAL_DATABASE_URL": f"sqlite:///{tmp_path}/portal.sqlite",
        "PORTAL_OIDC__ISSUER": issuer.url,
        "PORTAL_STAFF_OIDC__ISSUER": issuer.url,
    }
    with closing(open_database(load(made))) as database:
        database.upgrade()
    return made


def run(environment: Mapping[str, str], *options: str) -> Result:
    return CliRunner().invoke(check, list(options), env=dict(environment))


def test_honest_issuers_are_well(environment: Environment) -> None:
    told = run(environment, "--online")
    assert (told.exit_code, told.output) == (0, "All is well.\n")


def test_nobody_is_asked_without_the_option(environment: Environment, issuer: HostileIssuer) -> None:
    issuer.down = True
    assert run(environment).exit_code == 0
    assert issuer.calls == []


def says(**claims: object) -> Change:
    return lambda issuer: issuer.discovery.update(claims)


def answers(path: str, status: int, document: object) -> Change:
    return lambda issuer: issuer.raw.update({path: (status, {}, json.dumps(document).encode())})


DISCOVERY = "/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda issuer: setattr(issuer, "down", True), "does not answer; the portal calls it directly"),
        (answers(DISCOVERY, 404, {}), "answers with status 404"),
        (answers(DISCOVERY, 200, []), "is not a JSON object"),
        (says(issuer="https://other.example"), "names its issuer 'https://other.example'; the setting must say that"),
        (says(token_endpoint=None), "leaves out an endpoint that is needed"),
        (says(token_endpoint="http://elsewhere.example/token"), "names an endpoint that is not https"),
        (says(id_token_signing_alg_values_supported=["HS256", "none"]), "signs ID tokens only with HS256, none"),
        (says(response_types_supported=["id_token"]), "offers only the response types id_token; the portal needs code"),
        (says(token_endpoint_auth_methods_supported=["private_key_jwt"]), "only by private_key_jwt"),
        (answers("/jwks", 500, {}), "the key set at the issuer's jwks_uri answers with status 500"),
        (answers("/jwks", 200, {"keys": []}), "holds no RSA key from 2048 bits and no EC key"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_let_nobody_in_is_a_fault_of_both(
    environment: Environment, issuer: HostileIssuer, change: Change, fault: str
) -> None:
    change(issuer)
    told = run(environment, "--online")
    assert told.exit_code == 1
    for variable in ("PORTAL_OIDC__ISSUER", "PORTAL_STAFF_OIDC__ISSUER"):
        assert any(line.startswith(f"fault: {variable}: ") and fault in line for line in told.output.splitlines())


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (says(end_session_endpoint=None), "signing out ends the session here only"),
        (says(code_challenge_methods_supported=["plain"]), "does not list the code challenge S256"),
        (says(scopes_supported=["openid"]), "does not list the scopes email, profile"),
        (says(claims_supported=["sub", "email", "name", "zone", "roles"]), "does not list the claim auth_time"),
        (says(claims_supported=["auth_time"]), "the claim zone (PORTAL_OIDC__PRICE_ZONE_CLAIM)"),
        (says(claims_supported=["auth_time"]), "the claim roles (PORTAL_STAFF_OIDC__ROLE_CLAIM)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_costs_something_is_a_warning(
    environment: Environment, issuer: HostileIssuer, change: Change, warning: str
) -> None:
    change(issuer)
    told = run({**environment, "PORTAL_OIDC__PRICE_ZONE_CLAIM": "zone"}, "--online")
    assert told.exit_code == 0
    assert any(line.startswith("warning: ") and warning in line for line in told.output.splitlines()), told.output


def test_a_document_that_stands_elsewhere_is_read_there(environment: Environment, issuer: HostileIssuer) -> None:
    answers("/policy/.well-known/openid-configuration", 200, issuer.discovery)(issuer)
    answers(DISCOVERY, 404, {})(issuer)
    elsewhere = f"{issuer.url}/policy/.well-known/openid-configuration"
    where = {"PORTAL_OIDC__DISCOVERY_URL": elsewhere, "PORTAL_STAFF_OIDC__DISCOVERY_URL": elsewhere}
    assert run({**environment, **where}, "--online").exit_code == 0


@pytest.mark.parametrize(
    ("keys", "fault"),
    [({"keys": []}, "holds no EC key and no OKP key"), ([], "the key set is not a JSON object")],
)
def test_the_apps_keys_are_read_too(environment: Environment, tmp_path: Path, keys: object, fault: str) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(keys))
    app = {
        "PORTAL_APP__ISSUER": "https://app.example",
        "PORTAL_APP__JWKS_FILE": str(file),
        "PORTAL_APP__LINKS": "home=https://app.example/open",
    }
    told = run({**environment, **app}, "--online")
    assert told.exit_code == 1
    assert f"fault: PORTAL_APP__JWKS_FILE: {fault}" in told.output or fault in told.output


def test_price_zones_that_mean_nothing_are_counted(environment: Environment) -> None:
    with closing(open_database(load(environment))) as database:
        for number, zone in enumerate(("SE-3", "norr", "norr", None)):
            person = Identity("https://issuer.example", f"customer-{number}", None, None, None, price_zone=zone)
            with database.write() as tx:
                customers.signed_in(tx, person, now=datetime(2026, 11, 21, tzinfo=UTC))
    told = run({**environment, "PORTAL_OIDC__PRICE_ZONE_CLAIM": "zone"})
    said = "warning: PORTAL_OIDC__PRICE_ZONE_CLAIM: 2 customers have the price zone 'norr', which Podero does not know"
    assert told.exit_code == 0
    assert [line for line in told.output.splitlines() if "price zone" in line] == [said]
