"""An operator who lets the retailer's app in is told what does not fit before anybody meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.settings import load
from portal.settings_table import documented
from tests.house.test_settings import LIVE, faulty


@pytest.fixture
def app(tmp_path: Path) -> dict[str, str]:
    keys = tmp_path / "keys.json"
    keys.write_text('{"keys": []}', encoding="utf-8")
    return {
        "PORTAL_APP__ISSUER": "nordvind-app",
        "PORTAL_APP__JWKS_FILE": str(keys),
        "PORTAL_APP__LINKS": "main=https://go.retailer.example/energy, beta=https://beta.retailer.example/app",
    }


def test_a_retailer_without_an_app_sets_nothing() -> None:
    assert load(LIVE).app is None


def test_the_apps_tokens_are_for_this_portal_and_name_people_of_their_own(app: dict[str, str]) -> None:
    given = load({**LIVE, **app}).app
    assert given is not None
    assert given.audience == "https://devices.retailer.example"
    assert given.subject_issuer == "nordvind-app"
    assert given.links == {"main": "https://go.retailer.example/energy", "beta": "https://beta.retailer.example/app"}
    assert (given.schemes, given.session_minutes) == ({}, 60)


@pytest.mark.parametrize(
    ("changed", "at_fault"),
    [
        ({"PORTAL_APP__JWKS_URL": "https://login.retailer.example/jwks"}, "PORTAL_APP__JWKS_URL"),
        ({"PORTAL_APP__JWKS_FILE": "/nowhere/keys.json"}, "PORTAL_APP__JWKS_FILE"),
        ({"PORTAL_APP__LINKS": "main=http://go.retailer.example"}, "PORTAL_APP__LINKS"),
        ({"PORTAL_APP__LINKS": "main=example.app:/open"}, "PORTAL_APP__LINKS"),
        ({"PORTAL_APP__LINKS": "main"}, "PORTAL_APP__LINKS"),
        ({"PORTAL_APP__LINKS": "MAIN=https://go.retailer.example"}, "PORTAL_APP__LINKS"),
        ({"PORTAL_APP__LINKS": "main=https://go.retailer.example/?to=x"}, "PORTAL_APP__LINKS"),
        ({"PORTAL_APP__LINKS": "main=https://go.retailer.example/"}, "PORTAL_APP__LINKS"),
        ({"PORTAL_APP__LINKS": "main=https://devices.retailer.example/app"}, "PORTAL_APP__LINKS"),
        ({"PORTAL_APP__SCHEMES": "main=javascript"}, "PORTAL_APP__SCHEMES"),
        ({"PORTAL_APP__SCHEMES": "main=intent"}, "PORTAL_APP__SCHEMES"),
        ({"PORTAL_APP__SCHEMES": "other=example.retailer.app"}, "PORTAL_APP__SCHEMES"),
        ({"PORTAL_APP__ANDROID_APPS": "example.app=AB:CD"}, "PORTAL_APP__ANDROID_APPS"),
        ({"PORTAL_APP__ANDROID_APPS": "example.app="}, "PORTAL_APP__ANDROID_APPS"),
        ({"PORTAL_APP__SESSION_MINUTES": "1"}, "PORTAL_APP__SESSION_MINUTES"),
    ],
)
def test_what_does_not_fit_stops_the_start(app: dict[str, str], changed: dict[str, str], at_fault: str) -> None:
    assert faulty({**LIVE, **app, **changed}) == (at_fault,)


@pytest.mark.parametrize("left_out", ["PORTAL_APP__ISSUER", "PORTAL_APP__LINKS"])
def test_what_is_missing_is_named(app: dict[str, str], left_out: str) -> None:
    del app[left_out]
    assert left_out in faulty({**LIVE, **app})


def test_keys_at_an_address_of_this_very_machine_are_for_this_very_machine(app: dict[str, str]) -> None:
    del app["PORTAL_APP__JWKS_FILE"]
    here = {"PORTAL_APP__JWKS_URL": "http://127.0.0.1:9000/jwks"}
    assert faulty({**LIVE, **app, **here}) == ("PORTAL_APP__JWKS_URL",)


def test_every_setting_of_the_app_is_documented() -> None:
    assert sum(row.variable.startswith("PORTAL_APP__") for row in documented()) == 10
