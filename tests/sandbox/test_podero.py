"""Podero's API as the portal meets it: what it accepts, and what it refuses in its own words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import requests

from portal.sandbox.program import RunningSandbox

ANNA = {"role": "user", "email": "anna@alias.example", "external_user_id": "pseudonym-anna"}


class Api(requests.Session):
    """An authorised client of the Partner API."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        super().__init__()
        self.trust_env = False
        self.sandbox = sandbox
        self.base = sandbox.config.podero_base_url
        self.org = f"{self.base}/org/{sandbox.config.podero_org_id}"

    def authorise(self) -> "Api":
        config = self.sandbox.config
        answer = self.post(
            f"{self.base}/auth/token",
            data={"grant_type": "client_credentials"},
            auth=(config.podero_client_id, config.podero_client_secret),
            timeout=10,
        )
        assert answer.json()["expires_in"] == 36000
        self.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return self

    def anna(self) -> str:
        return str(self.post(f"{self.org}/users", json=ANNA, timeout=10).json()["id"])

    def onboard(self, person: str, **more: Any) -> requests.Response:
        body = {"success_url": "http://p/ok", "cancel_url": "http://p/no", "user_id": person, **more}
        return self.post(f"{self.base}/device-onboarding", json=body, timeout=10)


@pytest.fixture
def api(sandbox: RunningSandbox) -> Iterator[Api]:
    with Api(sandbox) as session:
        yield session.authorise()


@pytest.fixture
def anna(api: Api) -> str:
    return api.anna()


@pytest.fixture
def nibe(api: Api, anna: str, visitor: Any) -> str:
    """Anna's heat pump, linked."""
    url = api.onboard(anna, skip_to="hp").json()["authentication_url"]
    visitor.press(url, vendor="nibe")
    back = str(visitor.sign_in(url, "demomyuplink@nibe.se").headers["Location"])
    return parse_qs(urlsplit(back).query)["deviceId"][0]


def test_a_token_wants_basic_authentication_and_a_form(api: Api, sandbox: RunningSandbox) -> None:
    config, url = sandbox.config, f"{api.base}/auth/token"
    right = (config.podero_client_id, config.podero_client_secret)
    grant = {"grant_type": "client_credentials"}
    assert api.post(url, json=grant, auth=right).status_code == 415
    assert api.post(url, data=grant, auth=("who", "ever")).status_code == 401
    assert api.post(url, data={"grant_type": "password"}, auth=right).status_code == 400
    sandbox.state.choose_variants("podero", {"token_body": "json"})
    assert api.post(url, data=grant, auth=right).status_code == 415
    assert api.post(url, json=grant, auth=right).status_code == 200


def test_a_stranger_and_an_expired_token_get_nothing(api: Api, sandbox: RunningSandbox) -> None:
    assert api.get(f"{api.org}/users").json() == []
    requests.post(f"{sandbox.url}/control/expire-tokens/podero", timeout=10).raise_for_status()
    answer = api.get(f"{api.org}/users")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Unauthorized"})


def test_another_organisation_is_forbidden(api: Api) -> None:
    assert api.get(f"{api.base}/org/{uuid4()}/users").status_code == 403
    assert api.get(f"{api.base}/org/nonsense/users").status_code == 422


def test_a_user_is_found_by_the_id_the_portal_chose(api: Api) -> None:
    assert api.get(f"{api.org}/users/by-ext-id/pseudonym-anna").status_code == 404
    user_id = api.anna()
    found = api.get(f"{api.org}/users/by-ext-id/pseudonym-anna").json()
    assert (found["id"], found["role"], found["num_heat_pumps"]) == (user_id, "user", 0)
    assert api.delete(f"{api.org}/users/{user_id}").status_code == 204
    assert api.get(f"{api.org}/users/{user_id}").status_code == 404


def test_a_user_deleted_upstream_is_nobody_from_then_on(
    api: Api, sandbox: RunningSandbox, anna: str, nibe: str
) -> None:
    requests.post(f"{sandbox.url}/control/users/podero/pseudonym-anna/delete", timeout=10).raise_for_status()
    paths = ("/by-ext-id/pseudonym-anna", f"/{anna}", f"/{anna}/heat-pumps", f"/{anna}/heat-pumps/{nibe}")
    assert {api.get(f"{api.org}/users{path}").status_code for path in paths} == {404}
    assert api.onboard(anna).status_code == 404
    assert api.anna() != anna


@pytest.mark.parametrize("status", ["400", "422"])
def test_a_session_for_nobody_may_be_refused_in_other_ways(api: Api, sandbox: RunningSandbox, status: str) -> None:
    sandbox.state.choose_variants("podero", {"unknown_user_status": status})
    answer = api.onboard(str(uuid4()))
    assert answer.status_code == int(status)
    assert list(answer.json()) == ["detail"]


def test_a_deleted_users_email_and_id_may_stay_taken(api: Api, sandbox: RunningSandbox, anna: str) -> None:
    sandbox.state.choose_variants("podero", {"deleted_user_ids": "taken"})
    assert api.delete(f"{api.org}/users/{anna}").status_code == 204
    assert api.post(f"{api.org}/users", json=ANNA).status_code == 400
    assert api.get(f"{api.org}/users/by-ext-id/pseudonym-anna").status_code == 404


def test_news_of_a_device_may_be_late(api: Api, sandbox: RunningSandbox, anna: str, nibe: str, eventually: Any) -> None:
    heat_pump = f"{api.org}/users/{anna}/heat-pumps/{nibe}"
    sandbox.state.set_faults("podero", {"stale": 0.3})
    requests.post(f"{sandbox.url}/control/devices/podero/{nibe}/break", timeout=10).raise_for_status()
    assert api.get(heat_pump).json()["is_authenticated"] is True
    eventually(lambda: api.get(heat_pump).json()["is_authenticated"] is False)
    assert api.delete(heat_pump).status_code == 204
    assert api.get(heat_pump).json()["deleted_at"] is None
    eventually(lambda: api.get(heat_pump).status_code == 404)


def test_a_silent_device_is_well_by_its_flags_and_old_by_its_data(
    api: Api, sandbox: RunningSandbox, anna: str, nibe: str
) -> None:
    requests.post(f"{sandbox.url}/control/devices/podero/{nibe}/silence", timeout=10).raise_for_status()
    row = api.get(f"{api.org}/users/{anna}/heat-pumps/{nibe}").json()
    assert (row["is_authenticated"], row["connection_status"], row["action_needed"]) == (True, "ok", False)
    age = datetime.now(UTC) - datetime.fromisoformat(row["current_state_last_updated_at"])
    assert age >= timedelta(days=2)


@pytest.mark.parametrize("status", ["400", "409", "422"])
def test_the_same_email_or_external_id_twice_is_a_conflict(
    api: Api, sandbox: RunningSandbox, anna: str, status: str
) -> None:
    del anna
    sandbox.state.choose_variants("podero", {"conflict_status": status})
    other = {**ANNA, "external_user_id": "pseudonym-other"}
    assert api.post(f"{api.org}/users", json=other).status_code == int(status)
    assert api.post(f"{api.org}/users", json={**ANNA, "email": "b@alias.example"}).status_code == int(status)


@pytest.mark.parametrize(
    "wrong",
    [
        {"price_zone_default": "DE"},
        {"language": "fr"},
        {"skip_to": "battery"},
        {"success_url": None},
        {"success_url": "x" * 8001},
        {"user_id": "anna"},
        {"is_smart_optimization_active_default": "yes"},
        {"external_metadata": "text"},
    ],
)
def test_an_onboarding_session_with_a_wrong_value_is_refused(api: Api, anna: str, wrong: dict[str, Any]) -> None:
    answer = api.onboard(anna, **wrong)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-1] == next(iter(wrong))


def test_an_onboarding_session_echoes_what_was_asked(api: Api, anna: str) -> None:
    asked = {"language": "sv", "price_zone_default": "SE_3", "skip_to": "hp", "external_metadata": {"a": 1}}
    opened = api.onboard(anna, **asked, unknown="ignored").json()
    assert opened["user"] == anna
    assert asked.items() <= opened.items()
    assert "unknown" not in opened
    assert opened["object_id"] is None
    assert opened["authentication_url"].endswith(f"/podero/connect?onboarding_session_id={opened['id']}")
    assert api.get(f"{api.base}/device-onboarding/{opened['id']}").json() == opened


def test_a_session_for_an_unknown_user_or_without_a_body_is_refused(api: Api) -> None:
    assert api.onboard(str(uuid4())).status_code == 404
    assert api.post(f"{api.base}/device-onboarding").status_code == 422
    assert (
        api.post(f"{api.base}/device-onboarding", data=b"{", headers={"Content-Type": "application/json"}).status_code
        == 400
    )


def test_a_linked_heat_pump_is_listed_for_its_user_only(api: Api, anna: str, nibe: str) -> None:
    (row,) = api.get(f"{api.org}/users/{anna}/heat-pumps").json()
    assert row["id"] == nibe
    assert (row["device_model"]["manufacturer"], row["device_model"]["model"]) == ("Nibe", "S1255")
    assert row["is_authenticated"] is True
    assert "actions" not in row
    assert api.get(f"{api.org}/users/{anna}/heat-pumps/{nibe}").json()["actions"] == []
    assert api.get(f"{api.org}/users/{anna}/inverters").json() == []
    assert api.get(f"{api.org}/users/{anna}/inverters/{nibe}").status_code == 404
    other = api.post(f"{api.org}/users", json={"role": "user", "email": "b@alias.example"}).json()["id"]
    assert api.get(f"{api.org}/users/{other}/heat-pumps/{nibe}").status_code == 404


SIGNALS: dict[str, tuple[str, object]] = {
    "actions": ("is_authenticated", False),
    "action_needed": ("action_needed", True),
    "is_authenticated": ("is_authenticated", False),
    "lifecycle": ("lifecycle_state", "error"),
    "connection_status": ("connection_status", "error"),
}


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_broken_device_says_so_in_the_chosen_way(
    api: Api, sandbox: RunningSandbox, anna: str, nibe: str, signal: str
) -> None:
    field, value = SIGNALS[signal]
    sandbox.state.choose_variants("podero", {"reauth_signal": signal})
    requests.post(f"{sandbox.url}/control/devices/podero/{nibe}/break", timeout=10).raise_for_status()
    row = api.get(f"{api.org}/users/{anna}/heat-pumps/{nibe}").json()
    assert row[field] == value
    assert [action["code"] for action in row["actions"]] == (["reauthenticate"] if signal == "actions" else [])


def test_signing_in_again_heals_the_device(
    api: Api, sandbox: RunningSandbox, anna: str, nibe: str, visitor: Any
) -> None:
    requests.post(f"{sandbox.url}/control/devices/podero/{nibe}/break", timeout=10).raise_for_status()
    device = f"{api.org}/users/{anna}/heat-pumps/{nibe}"
    assert api.post(f"{device}/auth_session").status_code == 422
    opened = api.post(f"{device}/auth_session", json={"success_url": "http://p/ok"}).json()
    assert opened["device_id"] == nibe
    page = visitor.look(opened["authentication_url"])
    assert 'name="vendor"' not in page.text
    back = visitor.sign_in(opened["authentication_url"], "demomyuplink@nibe.se").headers["Location"]
    assert back == f"http://p/ok?deviceId={nibe}"
    assert api.get(device).json()["is_authenticated"] is True


def test_another_vendor_account_links_another_device(
    api: Api, sandbox: RunningSandbox, anna: str, nibe: str, visitor: Any
) -> None:
    requests.post(f"{sandbox.url}/control/devices/podero/{nibe}/break", timeout=10).raise_for_status()
    device = f"{api.org}/users/{anna}/heat-pumps/{nibe}"
    url = api.post(f"{device}/auth_session", json={"success_url": "http://p/ok"}).json()["authentication_url"]
    back = visitor.sign_in(url, "second@nibe.se").headers["Location"]
    assert nibe not in back
    assert api.get(device).json()["is_authenticated"] is False
    assert len(api.get(f"{api.org}/users/{anna}/heat-pumps").json()) == 2


def test_a_cue_leads_to_the_same_cure(api: Api, sandbox: RunningSandbox, anna: str, nibe: str, visitor: Any) -> None:
    requests.post(f"{sandbox.url}/control/devices/podero/{nibe}/break", timeout=10).raise_for_status()
    device = f"{api.org}/users/{anna}/heat-pumps/{nibe}"
    link = api.get(device).json()["actions"][0]["resolution_link"]["url"]
    assert api.post(link, json={"success_url": "http://p/ok"}).status_code == 422
    assert api.post(f"{link}x", json={"successUrl": "http://p/ok"}).status_code == 404
    url = api.post(link, json={"successUrl": "http://p/ok", "language": "sv-SE"}).json()["redirect_url"]
    assert '<html lang="sv">' in visitor.look(url).text
    visitor.sign_in(url, "demomyuplink@nibe.se")
    assert api.get(device).json()["actions"] == []
    assert api.post(link.replace("/resolve", "/state"), json={"state": "success"}).status_code == 404


def test_what_nobody_knows_about_signing_in_again_can_be_chosen(
    api: Api, sandbox: RunningSandbox, anna: str, nibe: str
) -> None:
    url = f"{api.org}/users/{anna}/heat-pumps/{nibe}/auth_session"
    sandbox.state.choose_variants("podero", {"auth_session_url": "null"})
    assert api.post(url, json={}).json()["authentication_url"] is None
    sandbox.state.choose_variants("podero", {"heat_pump_auth_session": "404"})
    assert api.post(url, json={}).status_code == 404


def test_a_device_is_deleted_where_that_is_supported(api: Api, sandbox: RunningSandbox, anna: str, nibe: str) -> None:
    url = f"{api.org}/users/{anna}/heat-pumps/{nibe}"
    sandbox.state.choose_variants("podero", {"delete_supported": "405"})
    assert api.delete(url).status_code == 405
    sandbox.state.choose_variants("podero", {"delete_supported": "yes"})
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404
    (row,) = api.get(f"{api.org}/users/{anna}/heat-pumps", params={"include_deleted": "true"}).json()
    assert row["deleted_at"]
